package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeGit is a git that prints its answer to "version" after a while.
func fakeGit(t *testing.T, script string) Git {
	t.Helper()
	path := filepath.Join(t.TempDir(), "git")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Git{Path: path, Env: []string{"PATH=" + os.Getenv("PATH")}}
}

func TestVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"git version 2.39.5":                   {2, 39, 5},
		"git version 2.39.5 (Apple Git-154)\n": {2, 39, 5},
		"git version 2.46.0.windows.1":         {2, 46, 0},
		"git version 2.55.0-618-gabcdef":       {2, 55, 0},
		"git version 3.0.rc1":                  {3, 0, 0},
	} {
		if got, ok := parseVersion(text); !ok || got != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "git version", "git version next", "gut version 2.39.5"} {
		if got, ok := parseVersion(text); ok {
			t.Errorf("%q: %v", text, got)
		}
	}
	for _, v := range []Version{{1, 30, 9}, {2, 25, 9}, {0, 99, 0}} {
		if !v.Before(Oldest) {
			t.Errorf("%v is not before %v", v, Oldest)
		}
	}
	for _, v := range []Version{Oldest, {2, 26, 1}, {2, 100, 0}, {3, 0, 0}} {
		if v.Before(Oldest) {
			t.Errorf("%v is before %v", v, Oldest)
		}
	}
}

func TestGitTooOld(t *testing.T) {
	o := newHouse(t).options()
	o.Git = fakeGit(t, "echo git version 2.25.4")
	var old *TooOldError
	if _, err := NewPlan(t.Context(), o); !errors.As(err, &old) || old.Version != (Version{2, 25, 4}) {
		t.Errorf("NewPlan: %v", err)
	}
	if _, err := NewUndo(t.Context(), o); !errors.As(err, &old) {
		t.Errorf("NewUndo: %v", err)
	}
	if _, err := Effective(t.Context(), o.Git, site); !errors.As(err, &old) || old.Error() != "git 2.25.4 is older than 2.26.0" {
		t.Errorf("Effective: %v", err)
	}
	if _, err := Possible(t.Context(), o.Git); !errors.As(err, &old) {
		t.Errorf("Possible: %v", err)
	}
}

func TestGitFails(t *testing.T) {
	g := fakeGit(t, "exec sleep 30")
	g.Timeout = 50 * time.Millisecond
	if _, err := g.Version(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a git that hangs: %v", err)
	}
	if _, err := fakeGit(t, "echo hello").Version(t.Context()); err == nil {
		t.Error("another program's answer was taken")
	}
	var ge *GitError
	_, err := fakeGit(t, "echo one >&2; echo two >&2; exit 3").run(t.Context(), "config", "--file", "/f", "--add", "--", "k", "value")
	if !errors.As(err, &ge) || exitCode(err) != 3 || err.Error() != "git config --file --add: one; two" {
		t.Errorf("got %v", err)
	}
	if _, err := (Git{Path: filepath.Join(t.TempDir(), "none")}).Version(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no git: %v", err)
	}
}

// TestScopes: each scope writes the file that git itself would.
func TestScopes(t *testing.T) {
	for name, c := range map[string]struct {
		scope Scope
		env   []string
		file  string
		make  []string // files that are there before
		want  string
	}{
		"global":                {scope: ScopeGlobal, want: ".gitconfig"},
		"global, XDG":           {scope: ScopeGlobal, make: []string{".config/git/config"}, want: ".config/git/config"},
		"global, XDG elsewhere": {scope: ScopeGlobal, env: []string{"XDG_CONFIG_HOME={}/xdg"}, make: []string{"xdg/git/config", ".config/git/config"}, want: "xdg/git/config"},
		"global, both":          {scope: ScopeGlobal, make: []string{".config/git/config", ".gitconfig"}, want: ".gitconfig"},
		"GIT_CONFIG_GLOBAL":     {scope: ScopeGlobal, env: []string{"GIT_CONFIG_GLOBAL={}/mine"}, make: []string{".gitconfig"}, want: "mine"},
		"GIT_CONFIG":            {scope: ScopeGlobal, env: []string{"GIT_CONFIG={}/wrong"}, want: ".gitconfig"},
		"system":                {scope: ScopeSystem, want: "system"},
		"local":                 {scope: ScopeLocal, want: "repo/.git/config"},
		"file":                  {scope: ScopeFile, file: "../f", want: "repo/f"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for _, e := range c.env {
				h.Env = append(h.Env, strings.ReplaceAll(e, "{}", h.home))
			}
			for _, name := range append(c.make, "repo/sub/x") {
				if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o700); err != nil {
					t.Fatal(err)
				}
				h.write(name, "[a]\n\tb = 1\n")
			}
			h.git("init", "-q", "repo")
			h.Dir = h.path("repo/sub")
			o := h.options()
			o.Scope, o.File = c.scope, c.file
			h.install(o)
			if got := h.read(c.want); !strings.Contains(got, o.Program) {
				t.Errorf("%s: %q", c.want, got)
			}
			if c.scope != ScopeFile {
				if got := h.git("config", "--"+string(c.scope), "--get-all", KeyHelper); c.env == nil && got != "\n"+o.Program+"\n" {
					t.Errorf("git reads %q", got)
				}
				hs, err := Effective(t.Context(), h.Git, site)
				if err != nil || len(hs) != 1 || hs[0].Command.Program != o.Program || hs[0].Line.Scope != c.scope {
					t.Errorf("Effective: %+v, %v", hs, err)
				}
			}
			h.uninstall(o)
			if got := h.read(c.want); strings.Contains(got, "bitbucket") {
				t.Errorf("afterwards: %q", got)
			}
		})
	}
}

// TestSystemFileIsAsked: without GIT_CONFIG_SYSTEM git alone knows the path.
func TestSystemFileIsAsked(t *testing.T) {
	h := newHouse(t)
	h.Env = append([]string{"HOME=" + h.home, "PATH=" + os.Getenv("PATH")}, "GIT_EDITOR=false")
	path, err := h.systemFile(t.Context(), Oldest)
	if err != nil || filepath.Base(path) != "gitconfig" || !filepath.IsAbs(path) {
		t.Errorf("%q, %v", path, err)
	}
}

func TestHome(t *testing.T) {
	for want, env := range map[string][]string{
		"/home/ann":  {"HOME=/home/bob", "HOME=/home/ann", "USERPROFILE=/u"},
		"/u":         {"HOME=", "HOMEDRIVE=C:", "HOMEPATH=/none", "USERPROFILE=/u"},
		"":           {"PATH=/bin"},
		os.TempDir(): {"HOMEDRIVE=" + os.TempDir()[:1], "HOMEPATH=" + os.TempDir()[1:]},
	} {
		if got := (Git{Env: env}).home(); got != want {
			t.Errorf("%v: %q", env, got)
		}
	}
}
