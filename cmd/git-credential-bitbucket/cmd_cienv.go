package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

var ciEnvRow = row{
	name:  "ci-env",
	short: "Print variables that make git ask this helper for one CI job, without a file",
	long: `Print variables that make git ask this helper, and no other, for Bitbucket's credentials:
GIT_CONFIG_COUNT and what belongs to it, behind what the environment has of these already.
No file is read or written but this program's records, and no token is printed: that stays
in its variable. It takes git 2.31 or later.

  sh      export commands, for eval; what fails here makes eval fail too, with the same status
  github  lines for the file that GITHUB_ENV names: they serve the steps that follow
  azure   ##vso[task.setvariable] commands of Azure Pipelines: they serve the steps that follow

Without a token in the environment or the store, or with one that is unusable, it warns, and
prints the same: the token may be given to a later step alone.`,
	example: `  eval "$(git-credential-bitbucket ci-env)"
  git-credential-bitbucket ci-env --format github >>"$GITHUB_ENV"
  git-credential-bitbucket ci-env --format azure`,
	exits: []exitStatus{exitFailed},
	build: func(p *process, c *cobra.Command) {
		e := &ciEnv{process: p}
		c.Flags().StringVar(&e.format, "format", "sh", "how to print them: sh, github or azure `FORMAT`")
		c.Flags().BoolVar(&e.lfs, "lfs", false, "also let git-lfs log in at once (lfs.https://bitbucket.org.access = basic)")
		c.Flags().StringVar(&e.account, "account", "", "let this account `NAME` serve, and no token of the environment")
		c.Flags().StringVar(&e.command, "token-command", "", "the `COMMAND` that prints the token, before any variable")
		c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return e.broken(exitUsage, err) })
		c.Args = func(c *cobra.Command, args []string) error {
			if err := cobra.NoArgs(c, args); err != nil {
				return e.broken(exitUsage, err)
			}
			return nil
		}
		c.RunE = func(c *cobra.Command, _ []string) error {
			e.flags = c.Flags().Changed
			text, err := e.text(c.Context())
			var known *failure
			switch {
			case errors.As(err, &known):
				return e.broken(known.status, err)
			case err != nil:
				return e.broken(exitUsage, err)
			}
			if _, err := fmt.Fprint(p.stdout, text); err != nil {
				return fail(exitFailed, "the variables could not be written: %v", cause(err))
			}
			e.warn()
			return nil
		}
	},
}

type ciEnv struct {
	*process
	format, account, command string
	lfs                      bool
	flags                    func(name string) (given bool)
}

// broken lets eval "$(…)" end with the status, which the shell would lose otherwise; so
// with a format that there is not.
func (e *ciEnv) broken(status exitStatus, err error) error {
	if _, known := ciFormats[e.format]; e.format == "sh" || !known {
		fmt.Fprint(e.stdout, endingEval(status))
	}
	return err
}

func endingEval(status exitStatus) string { return fmt.Sprintf("(exit %d)\n", status) }

func (e *ciEnv) text(ctx context.Context) (string, error) {
	write, ok := ciFormats[e.format]
	if !ok {
		return "", fmt.Errorf("%q is no value for --format, but sh, github or azure", oneLine(e.format))
	}
	options, err := e.options()
	if err != nil {
		return "", err
	}
	git, err := e.git()
	if err != nil {
		return "", err
	}
	version, err := git.Version(ctx)
	if err != nil {
		return "", installFailure(err)
	}
	if version.Before(install.CountSince) {
		return "", fail(exitFailed, "git %s reads no GIT_CONFIG_COUNT, which came with git %s; type: git-credential-bitbucket install", version, install.CountSince)
	}
	variables, err := install.Environment(options.Wanted(), e.lookup)
	if err != nil {
		return "", fail(exitFailed, "%s; set it right, or type: unset GIT_CONFIG_COUNT", oneLine(err.Error()))
	}
	var text strings.Builder
	for _, v := range variables {
		if e.format != "sh" && (!utf8.ValidString(v.Value) || strings.ContainsRune(v.Value, '\r')) {
			return "", fail(exitFailed, "this program's path, or the token command, has a byte that --format %s cannot carry; use --format sh", e.format)
		}
		text.WriteString(write(v))
	}
	return text.String(), nil
}

// options are what install would set.
func (e *ciEnv) options() (install.Options, error) {
	program, err := e.executable()
	if err != nil {
		return install.Options{}, fail(exitFailed, "this program cannot tell where it is: %v", err)
	}
	if goRun().MatchString(program) {
		return install.Options{}, fail(exitFailed, "go run removes this program when it ends; type: go build -o git-credential-bitbucket ./cmd/git-credential-bitbucket")
	}
	options := install.Options{Program: program, LFS: e.lfs}
	switch {
	case e.flags("account") && e.flags("token-command"):
		return options, errors.New("only one of --account and --token-command can be given")
	case e.flags("account"):
		if store.ValidName(e.account) != nil {
			return options, fmt.Errorf("what --account holds is no account's name")
		}
		options.Flags = " --account " + e.account
	case e.flags("token-command"):
		if strings.TrimSpace(e.command) == "" {
			return options, errors.New("--token-command wants a command that prints the token")
		}
		if slices.ContainsFunc(strings.FieldsFunc(e.command, notOfToken), isToken) {
			return options, errors.New("--token-command holds a token, which others would see; put it into BITBUCKET_API_TOKEN instead")
		}
		options.Flags = " --token-command " + shellQuoted(e.command)
	}
	return options, nil
}

// goRun matches where "go run" puts a program for as long as it runs.
var goRun = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[/\\]go-build\d+[/\\]b\d+[/\\]exe[/\\]`) })

func notOfToken(r rune) bool { return strings.ContainsRune(" \t\r\n'\"`:@/=;|&()<>$,", r) }

func isToken(word string) bool {
	return len(word) > 20 && bitbucket.KindOf(secret.New(word)) != bitbucket.UnknownKind
}

// warn says what keeps git from getting a token as things stand. No command is run for it.
func (e *ciEnv) warn() {
	if e.flags("token-command") {
		return
	}
	stored := 0
	snapshot, err := e.accounts().Read()
	if err == nil {
		stored = snapshot.Len()
	}
	switch {
	case err != nil:
		e.say(asWarning, "%s", recordTrouble(err))
	case e.flags("account"):
		if _, found, err := snapshot.Account(e.account); err == nil && !found {
			e.say(asWarning, "no account %s is stored; type: git-credential-bitbucket store --account %[1]s", e.account)
		}
		return
	}
	source := e.ambient(nil)
	plain, ok := source.(*ambient)
	switch {
	case source.Name() == "" && stored == 0:
		e.say(asWarning, "no token is set yet; %s", e.remedy(helper.Notice{What: helper.NothingStored}, helper.Caller{CI: true}))
	case ok && source.Name() != "" && !plain.slow:
		if token, err := source.Token(context.Background()); err != nil {
			e.say(asWarning, "%s", e.whyUnusable(err, store.Account{}))
		} else if token.Kind.GitUsername() == "" {
			e.say(asWarning, "%s holds an %s, which Bitbucket does not take; make an API token with scopes at %s", source.Name(), token.Kind, bitbucket.TokenPage)
		}
	}
}

// ciFormats write one variable each, for their system's own reader.
var ciFormats = map[string]func(install.Variable) string{
	"sh": func(v install.Variable) string { return "export " + v.Name + "=" + shellQuoted(v.Value) + "\n" },
	// github/docs, "Workflow commands", "Setting an environment variable": a value of
	// several lines stands between two equal lines.
	"github": func(v install.Variable) string {
		if !strings.Contains(v.Value, "\n") {
			return v.Name + "=" + v.Value + "\n"
		}
		end := "EOF"
		for strings.Contains(v.Value, end) {
			end += "_"
		}
		return v.Name + "<<" + end + "\n" + v.Value + "\n" + end + "\n"
	},
	// microsoft/azure-pipelines-agent, Command.cs: how a command's data is escaped.
	"azure": func(v install.Variable) string {
		value := strings.NewReplacer("%", "%AZP25", "\n", "%0A").Replace(v.Value)
		return "##vso[task.setvariable variable=" + v.Name + "]" + value + "\n"
	},
}

// shellQuoted is one word of a POSIX shell, of any bytes but NUL.
func shellQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
