package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

var setupRow = row{
	name:  "setup",
	short: "Put the program in place, tell git, store a token, check it: all at once",
	long: `Put the program in place, tell git about it, store a token, and check the whole with
a real "git credential fill".

Without a terminal it takes the token with --token-stdin and asks nothing.

Where your organisation forbids API tokens, log in with OAuth instead:
  git-credential-bitbucket install
  git-credential-bitbucket login`,
	example: `  git-credential-bitbucket setup
  printf %s "$TOKEN" | git-credential-bitbucket setup --token-stdin`,
	exits: []exitStatus{exitFailed, exitNoCredential, exitUnusable, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		token, where := &storeFlags{}, &installFlags{}
		token.add(c)
		where.add(c)
		c.Flags().BoolVar(&where.byName, "by-name", false, "name the helper in git's config instead of its path")
		c.Flags().BoolVar(&where.lfs, "lfs", false, "also let git-lfs log in at once")
		c.RunE = func(c *cobra.Command, _ []string) error { return p.setup(c.Context(), token, where) }
	},
}

// setup asks everything before it changes anything.
func (p *process) setup(ctx context.Context, token *storeFlags, where *installFlags) error {
	before, err := p.checkStore(token)
	if err != nil {
		return err
	}
	if _, err := p.git(); err != nil {
		return err
	}
	if !token.tokenStdin && !where.dryRun && !hasTerminal() {
		return fail(exitUsage, "there is no terminal to ask on; type: git-credential-bitbucket setup --token-stdin, and give it the token on standard input")
	}
	quiet := token.tokenStdin || where.dryRun
	running, program, err := p.place(quiet)
	if err != nil {
		return err
	}
	if where.dryRun {
		if program != running {
			p.say("", "the program would be copied to %s", program)
		}
		return p.install(ctx, where, program)
	}
	asked, err := p.askSetup(ctx, token, before)
	if err != nil {
		return err
	}
	if !quiet {
		if err := p.askLFS(ctx, where, program); err != nil {
			return err
		}
	}

	if err := p.copyProgram(running, program); err != nil {
		return err
	}
	if err := p.install(ctx, where, program); err != nil {
		return err
	}
	account := before
	if asked != nil {
		if account, err = p.carry(ctx, asked, "setup"); err != nil {
			return err
		}
	}
	if where.scope() != install.ScopeFile {
		if err := p.prove(ctx, account); err != nil {
			return err
		}
	}
	p.say("", "all is set; try: git clone %s", exampleRemote)
	return nil
}

// askLFS asks whether git-lfs is to log in at once, where it is there and does not yet.
func (p *process) askLFS(ctx context.Context, where *installFlags, program string) error {
	options, err := p.options(where, program)
	if err != nil {
		return err
	}
	plan, err := install.NewPlan(ctx, options)
	if err != nil {
		return installFailure(err)
	}
	findings, err := plan.Findings(ctx, install.Surroundings{Path: p.env("PATH"), LFS: hasLFS()})
	if err != nil {
		return installFailure(err)
	}
	for _, finding := range findings {
		if finding.Kind == install.NoLFSAccess {
			where.lfsAsked = true
			where.lfs, err = p.confirm("git-lfs (large files) is installed. Let it log in to Bitbucket at once (lfs.https://bitbucket.org.access = basic)?", true)
		}
	}
	return err
}

// askSetup asks for a token; one that is there stays if the person likes it so, and
// then there are no answers. Where flags say something of it, the prompt for it asks.
func (p *process) askSetup(ctx context.Context, f *storeFlags, before store.Account) (*answers, error) {
	if before.Fingerprint != "" && before.SetAside.IsZero() && !f.tokenStdin && !f.amends() && f.backend == "" {
		replace, err := p.confirm(fmt.Sprintf("Account %s holds the token %s. Replace it?", before.Name, before.Hint), false)
		if err != nil || !replace {
			return nil, err
		}
	}
	if t, err := openTerminal(); err == nil && !f.tokenStdin {
		t.print("Where API tokens are forbidden, press Ctrl-C and log in with OAuth: git-credential-bitbucket login\n")
		t.Close()
	}
	return p.askToken(ctx, f, before)
}

// place returns where the program runs from and where it can stay: the same, unless
// that is a place that will not last. Nothing is copied yet.
func (p *process) place(quiet bool) (running, program string, err error) {
	running, err = p.executable()
	if err != nil {
		return "", "", fail(exitFailed, "this program cannot tell where it is: %v", err)
	}
	if stable, ok := p.lasting(running); ok {
		return stable, stable, nil
	}
	candidates := p.binFolders()
	if len(candidates) == 0 {
		return "", "", fail(exitFailed, "there is no folder to put the program in; set HOME or GOBIN")
	}
	best := candidates[0]
	for _, candidate := range candidates {
		if candidate.OnPath && !best.OnPath && best.From != "GOBIN" {
			best = candidate
		}
	}
	program = filepath.Join(best.Dir, install.Binary)
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if best.From == "home" && !quiet {
		yes, err := p.confirm(fmt.Sprintf("Copy the program to %s?", program), true)
		if err != nil {
			return "", "", err
		}
		if !yes {
			return "", "", fail(exitFailed, "the program was not copied; set GOBIN to a folder for it, and type the command again")
		}
	}
	return running, program, nil
}

func (p *process) copyProgram(running, program string) error {
	changed, err := install.Place(running, program)
	if err != nil {
		return fail(exitFailed, "the program cannot be copied: %s; set GOBIN to a folder that you may write", oneLine(err.Error()))
	}
	if changed {
		p.say("", "copied the program to %s", program)
	}
	return nil
}

func (p *process) confirm(question string, def bool) (bool, error) {
	t, err := openTerminal()
	if err != nil {
		return false, fail(exitUsage, "%s", err)
	}
	defer t.Close()
	yes, err := t.confirm(question, def)
	if err != nil {
		return false, stopped(err)
	}
	return yes, nil
}

// prove asks git itself for the credential, as any git command would, and compares what
// comes back with what was stored.
func (p *process) prove(ctx context.Context, account store.Account) error {
	git, err := p.git()
	if err != nil {
		return err
	}
	more := []string{"BITBUCKET_ACCOUNT=" + account.Name}
	for _, name := range []string{passphraseVariable, passphraseVariable + "_FILE"} {
		if value, set := p.lookup(name); set {
			more = append(more, name+"="+value)
		}
	}
	answer, said, err := p.fill(ctx, git, "", more...)
	username, _ := answer.Last("username")
	password, _ := answer.Last("password")
	switch {
	case err != nil || password == "":
		line, _, _ := strings.Cut(said, "\n")
		return fail(exitFailed, "git got no token for %s (%s); type: git-credential-bitbucket doctor", bitbucket.Host, oneLine(line))
	case secret.New(password).Fingerprint() != account.Fingerprint:
		return fail(exitFailed, "git got another credential than the one that was stored: another helper answers first; type: git-credential-bitbucket doctor")
	case username != bitbucket.Kind(account.Kind).GitUsername():
		return fail(exitFailed, "git got another username than %s: another helper answers first; type: git-credential-bitbucket doctor", bitbucket.Kind(account.Kind).GitUsername())
	}
	p.say("", "checked with git credential fill: git gets the token %s with the username %s", account.Hint, username)
	return nil
}
