package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
)

var installRow = row{
	name:  "install",
	short: "Tell git to ask this helper for Bitbucket's credentials",
	long: `Tell git to ask this helper, and no other, for Bitbucket's credentials.

Sets credential.https://bitbucket.org.helper and .useHttpPath in git's config. Other
hosts' helpers, and the generic one, stay as they are. Another helper of the same host
is put aside, and uninstall brings it back.`,
	example: `  git-credential-bitbucket install --dry-run
  git-credential-bitbucket install`,
	exits: []exitStatus{exitFailed},
	build: func(p *process, c *cobra.Command) {
		flags := &installFlags{}
		flags.add(c)
		c.Flags().BoolVar(&flags.byName, "by-name", false, "name the helper instead of its path: git then finds it on PATH, 2 ms later")
		c.Flags().BoolVar(&flags.lfs, "lfs", false, "also let git-lfs log in at once (lfs.https://bitbucket.org.access = basic)")
		c.RunE = func(c *cobra.Command, _ []string) error {
			program, err := p.program(flags.byName)
			if err != nil {
				return err
			}
			return p.install(c.Context(), flags, program)
		}
	},
}

var uninstallRow = row{
	name:    "uninstall",
	short:   "Take this helper out of git's config, and put back what was there",
	example: "  git-credential-bitbucket uninstall",
	exits:   []exitStatus{exitFailed},
	build: func(p *process, c *cobra.Command) {
		flags := &installFlags{}
		flags.add(c)
		c.RunE = func(c *cobra.Command, _ []string) error { return p.uninstall(c.Context(), flags) }
	},
}

// installFlags say which of git's config files is meant.
type installFlags struct {
	global, system, local bool
	file                  string
	dryRun, byName, lfs   bool
	lfsAsked              bool // a person was asked about git-lfs just now
}

func (f *installFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.BoolVar(&f.global, "global", false, "in your own git config (the default)")
	flags.BoolVar(&f.system, "system", false, "in the whole machine's git config")
	flags.BoolVar(&f.local, "local", false, "in this repository's git config")
	flags.StringVar(&f.file, "file", "", "in the git config `FILE`")
	flags.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	c.MarkFlagsMutuallyExclusive("global", "system", "local", "file")
	c.PreRunE = func(*cobra.Command, []string) error {
		if flags.Changed("file") && f.file == "" { // a script's variable that is not set
			return errors.New("--file wants a file's path")
		}
		return nil
	}
}

func (f *installFlags) scope() install.Scope {
	switch {
	case f.system:
		return install.ScopeSystem
	case f.local:
		return install.ScopeLocal
	case f.file != "":
		return install.ScopeFile
	}
	return install.ScopeGlobal
}

func (p *process) options(f *installFlags, program string) (install.Options, error) {
	git, err := p.git()
	if err != nil {
		return install.Options{}, err
	}
	dir := p.configDir()
	if dir == "" {
		return install.Options{}, fail(exitFailed, "there is no home directory to record in what is replaced; set HOME")
	}
	return install.Options{
		Git: git, Scope: f.scope(), File: f.file, Program: program,
		ByName: f.byName, LFS: f.lfs, Backup: filepath.Join(dir, "replaced.json"),
	}, nil
}

// program is the path by which git should start this binary: a lasting one. From a
// place that will not last, git can still find by name the one on PATH.
func (p *process) program(byName bool) (string, error) {
	path, err := p.executable()
	if err != nil {
		return "", fail(exitFailed, "this program cannot tell where it is: %v", err)
	}
	if stable, ok := p.lasting(path); ok {
		return stable, nil
	}
	if named, err := exec.LookPath(install.Binary); byName && err == nil {
		return named, nil
	}
	return "", fail(exitFailed, "this program is in a place that will not last, %s; type: git-credential-bitbucket setup", path)
}

// lasting is a name for the program that lasts. A folder that is made for programs
// does, wherever the home directory is.
func (p *process) lasting(program string) (path string, ok bool) {
	for _, candidate := range p.binFolders() {
		if filepath.Dir(program) == filepath.Clean(candidate.Dir) {
			return program, true
		}
	}
	return install.Stable(program, p.env("PATH"), runtime.GOOS)
}

// binFolders are those in which the program may be put, best first.
func (p *process) binFolders() []install.Candidate {
	return install.Candidates(p.env("GOBIN"), p.env("GOPATH"), p.home(), p.env("PATH"), runtime.GOOS)
}

func hasLFS() bool {
	_, err := exec.LookPath("git-lfs")
	return err == nil
}

func (p *process) install(ctx context.Context, f *installFlags, program string) error {
	options, err := p.options(f, program)
	if err != nil {
		return err
	}
	plan, err := install.NewPlan(ctx, options)
	if err != nil {
		return installFailure(err)
	}
	if err := p.carryOut(ctx, plan, f.dryRun, options.Backup); err != nil {
		return err
	}
	findings, err := plan.Findings(ctx, install.Surroundings{Path: p.env("PATH"), LFS: hasLFS()})
	if err != nil {
		return installFailure(err)
	}
	for _, finding := range findings {
		if _, lasting := p.lasting(program); finding.Kind == install.Unstable && (f.byName || lasting) {
			continue // no path of it stands in git's config
		}
		if finding.Kind == install.NoLFSAccess && f.lfsAsked {
			continue
		}
		p.sayFinding(finding)
	}
	return nil
}

func (p *process) uninstall(ctx context.Context, f *installFlags) error {
	program, err := p.executable()
	if err != nil {
		return fail(exitFailed, "this program cannot tell where it is: %v", err)
	}
	options, err := p.options(f, program)
	if err != nil {
		return err
	}
	plan, err := install.NewUndo(ctx, options)
	if err != nil {
		return installFailure(err)
	}
	return p.carryOut(ctx, plan, f.dryRun, options.Backup)
}

// carryOut shows the plan, and unless that is all that was asked for, applies it.
func (p *process) carryOut(ctx context.Context, plan *install.Plan, dryRun bool, backup string) error {
	if plan.Empty() {
		p.say("", "%s is as it should be: nothing to change", plan.File)
		return nil
	}
	fmt.Fprint(p.stdout, ensureLine(plan.String()))
	if dryRun {
		p.say("", "nothing was changed")
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(backup), 0o700); err != nil {
		return fail(exitFailed, "the record of what is replaced cannot be written: %v", err)
	}
	if err := plan.Apply(ctx); err != nil {
		return installFailure(err)
	}
	p.say("", "changed %s", plan.File)
	return nil
}

func ensureLine(text string) string { return strings.TrimSuffix(text, "\n") + "\n" }

// installFailure adds what to do to the errors of package install.
func installFailure(err error) error {
	var old *install.TooOldError
	var file *install.FileError
	remedy := ""
	switch {
	case errors.As(err, &old):
		return fail(exitFailed, "git %s is too old for this helper; install git %s or later", old.Version, install.Oldest)
	case errors.Is(err, install.ErrReadOnly):
		remedy = "make it writable, or choose another with --file"
	case errors.Is(err, install.ErrLocked):
		remedy = "when no other git runs, remove its .lock file, and type the command again"
	case errors.Is(err, install.ErrNotRegular):
		remedy = "choose another with --file"
	case errors.Is(err, install.ErrChanged):
		remedy = "type the command again"
	case errors.Is(err, install.ErrNotRepository):
		remedy = "go into a repository, or leave --local out"
	case errors.As(err, &file) && errors.Is(file, fs.ErrNotExist):
		remedy = "make its folder, or choose another with --file"
	case errors.Is(err, install.ErrUnnamed):
		remedy = "name a file there, or unset it"
	case errors.Is(err, install.ErrNoHome):
		remedy = "set HOME"
	}
	if remedy == "" {
		return fail(exitFailed, "%s", oneLine(err.Error()))
	}
	return fail(exitFailed, "%s; %s", oneLine(err.Error()), remedy)
}

// sayFinding says what package install noticed.
func (p *process) sayFinding(f install.Finding) {
	kind, text, remedy := findingWords(f)
	p.say(kind, "%s; %s", text, remedy)
}

// findingWords puts what package install noticed into words.
func findingWords(f install.Finding) (kind, text, remedy string) {
	from, remove := oneLine(f.Line.Origin), "remove that line"
	switch f.Kind {
	case install.LaterHelper:
		if file := f.Line.File(); file != "" {
			remove = fmt.Sprintf("to end that: git config --file %s --unset-all %s", shellWord(file), shellWord(f.Line.Key))
		}
		return asWarning, fmt.Sprintf("another helper, %q in %s, comes after this one and is given a copy of each token that works", oneLine(f.Line.Value), from), remove
	case install.EarlierHelper:
		return asWarning, fmt.Sprintf("another helper, %q in %s, is asked before this one", oneLine(f.Line.Value), from), remove
	case install.Shadowed:
		return asWarning, fmt.Sprintf("an empty helper line in %s takes this one out of git's list", from), remove
	case install.OtherOurs:
		return asWarning, fmt.Sprintf("%s runs another copy of this helper, %s", from, oneLine(f.Path)), remove
	case install.PathOff:
		return asWarning, fmt.Sprintf("useHttpPath is false in %s, so that routes by workspace do not work", from), remove
	case install.NotOnPath:
		return asNote, fmt.Sprintf("%s is in no folder of PATH: git finds it all the same", f.Path),
			fmt.Sprintf("to type its name, add to your shell's profile: export PATH=%s:\"$PATH\"", filepath.Dir(f.Path))
	case install.OtherOnPath:
		return asWarning, "another git-credential-bitbucket is first on PATH: " + f.Path, "remove it, or put this one before it"
	case install.Unstable:
		if remedy = "type: git-credential-bitbucket setup"; f.Better != "" {
			remedy = "use " + f.Better
		}
		return asWarning, f.Path + " is in a folder that an upgrade or a clean-up removes", remedy
	default: // install.NoLFSAccess
		return asNote, "git-lfs is here, and Bitbucket may answer it with 403 before it logs in", "if it does, type: git-credential-bitbucket install --lfs"
	}
}

// exampleRemote stands for a repository of the person.
const exampleRemote = "https://" + bitbucket.Host + "/WORKSPACE/REPOSITORY.git"
