package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"git-credential-bitbucket/install"
)

// checkHelpers says which helpers git runs for Bitbucket here, in which order, and what
// is wrong with that.
func checkHelpers(ctx context.Context, e *examination) []finding {
	if e.gitErr != nil || e.linesErr != nil {
		return nil
	}
	program, err := e.executable()
	if err != nil {
		program = ""
	}
	here := install.Examine(e.lines, e.ours(), program, install.Surroundings{Path: e.env("PATH"), LFS: hasLFS()})
	var fs []finding
	if e.path != "" {
		fs = missing(install.Examine(e.lines, "https://bitbucket.org/", program, install.Surroundings{}).Helpers, "repositories in general")
		fs = append(fs, missing(here.Helpers, e.path)...)
	} else {
		fs = missing(here.Helpers, "Bitbucket")
	}
	if len(fs) == 0 {
		fs = append(fs, finding{levelOK, "helpers", "git asks for Bitbucket's credentials: " + order(here.Helpers), ""})
	}
	for _, f := range here.Findings {
		if found, ok := e.helperFinding(f, program, here.Helpers); ok {
			fs = append(fs, found)
		}
	}
	if !here.UsesPath && len(e.book.Accounts) > 1 {
		fs = append(fs, finding{levelProblem, "path-off", "git does not name the repository to its helpers, so that no workspace's route is found", "type: git-credential-bitbucket install"})
	}
	for _, h := range here.Helpers {
		if h.Command.Ours {
			fs = append(fs, e.ourHelper(ctx, h, program)...)
		}
	}
	return fs
}

// missing is the problem that none of the helpers is this one.
func missing(helpers []install.Helper, where string) []finding {
	for _, h := range helpers {
		if h.Command.Ours {
			return nil
		}
	}
	asked := "no helper at all"
	if len(helpers) > 0 {
		asked = "only " + order(helpers)
	}
	return []finding{{levelProblem, "helper-missing", fmt.Sprintf("git does not ask this helper for %s: %s", where, asked), "type: git-credential-bitbucket install"}}
}

func order(helpers []install.Helper) string {
	var names []string
	for _, h := range helpers {
		names = append(names, fmt.Sprintf("%s in %s", helperName(h), strings.TrimPrefix(h.Line.Origin, "file:")))
	}
	return strings.Join(names, ", then ")
}

// helperName is the helper's program or name: what follows can hold anything, a secret too.
func helperName(h install.Helper) string {
	word, rest, _ := strings.Cut(strings.TrimSpace(h.Line.Value), " ")
	switch {
	case h.Command.Ours:
		word = strings.TrimSuffix(h.Line.Value, h.Command.Flags)
	case rest != "":
		word += " …"
	}
	return fmt.Sprintf("%q", word)
}

// installLevel is the level and the id of one of install's findings.
func installLevel(kind install.FindingKind) (level, id string) {
	switch kind {
	case install.LaterHelper:
		return levelProblem, "helper-later"
	case install.EarlierHelper:
		return levelProblem, "helper-earlier"
	case install.Shadowed:
		return levelProblem, "helper-shadowed"
	case install.OtherOurs:
		return levelNote, "helper-other-copy"
	case install.PathOff:
		return levelProblem, "path-off"
	case install.Unstable:
		return levelProblem, "program-unstable"
	case install.NotOnPath:
		return levelNote, "program-off-path"
	default: // install.NoLFSAccess
		return levelNote, "lfs-403"
	}
}

// helperFinding puts one of install's findings into the report, unless it means nothing.
func (e *examination) helperFinding(f install.Finding, program string, helpers []install.Helper) (finding, bool) {
	switch f.Kind {
	case install.Unstable:
		named := false
		for _, h := range helpers {
			named = named || h.Command.Ours && h.Command.Program != ""
		}
		if _, lasting := e.lasting(program); lasting || !named {
			return finding{}, false // no path of it stands in git's config
		}
	case install.OtherOnPath:
		return finding{}, false // checkPrograms has more to say of it
	}
	f.Line.Value = strings.Trim(helperName(install.Helper{Line: f.Line}), `"`)
	_, text, remedy := findingWords(f)
	level, id := installLevel(f.Kind)
	return finding{level, id, strings.ReplaceAll(text, "file:", ""), remedy}, true
}

// ourHelper looks at the program that git runs by a line that is ours.
func (e *examination) ourHelper(ctx context.Context, h install.Helper, own string) []finding {
	program, err := programOf(h)
	if err != nil {
		return []finding{{levelProblem, "helper-program", "git's config names this helper, and it is in no folder of PATH", "type: git-credential-bitbucket install"}}
	}
	from := strings.TrimPrefix(h.Line.Origin, "file:")
	info, err := os.Stat(program)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []finding{{levelProblem, "helper-program", fmt.Sprintf("git is to run %s (%s), which does not exist", program, from), "type: git-credential-bitbucket install"}}
	case err != nil || info.IsDir() || runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return []finding{{levelProblem, "helper-program", fmt.Sprintf("git is to run %s (%s), which is no program that can be run", program, from), "type: git-credential-bitbucket install"}}
	case own != "" && sameFile(info, own):
		return nil
	case h.Line.Scope == install.ScopeLocal || h.Line.Scope == install.ScopeWorktree:
		// It is not run here: a repository's own config may come from anybody.
		return []finding{{levelNote, "helper-local", fmt.Sprintf("by this repository's own config git runs %s (%s), which is not this program", program, from), "if you did not set that, remove that line"}}
	}
	return e.otherVersion(ctx, program, "git runs")
}

// programOf is the program of a line that is ours.
func programOf(h install.Helper) (string, error) {
	if h.Command.Program != "" {
		return filepath.FromSlash(h.Command.Program), nil
	}
	return exec.LookPath(install.Binary)
}

// otherVersion compares a program's version with this one's.
func (e *examination) otherVersion(ctx context.Context, program, whose string) []finding {
	out, err := e.ask(ctx, "", program, "version", "--json")
	var v versionInfo
	switch own := thisVersion(); {
	case err != nil || json.Unmarshal(out, &v) != nil || v.Version == "":
		return []finding{{levelProblem, "other-program", fmt.Sprintf("%s %s, which has this program's name and is another", whose, program), "remove it, or put this one before it, then type: git-credential-bitbucket install"}}
	case v.Version != own.Version:
		return []finding{{levelNote, "other-version", fmt.Sprintf("%s %s, which is version %.40s; this is version %s", whose, program, v.Version, own.Version), "with the one that is to stay, type: git-credential-bitbucket install"}}
	}
	return nil
}

func sameFile(info os.FileInfo, path string) bool {
	other, err := os.Stat(path)
	return err == nil && os.SameFile(info, other)
}
