package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSymlink(t *testing.T) {
	for name, target := range map[string]string{"relative": "dot/gitconfig", "absolute": "/dot/gitconfig", "dangling": "dot/none"} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			if err := os.Mkdir(h.path("dot"), 0o700); err != nil {
				t.Fatal(err)
			}
			h.write("dot/gitconfig", section("manager"))
			if filepath.IsAbs(target) {
				target = h.path(target)
			}
			if err := os.Symlink(target, h.path(".gitconfig")); err != nil {
				t.Fatal(err)
			}
			o := h.options()
			h.install(o)
			if got, err := os.Readlink(h.path(".gitconfig")); err != nil || got != target {
				t.Errorf("the link: %q, %v", got, err)
			}
			if got := h.git("config", "--global", "--get-all", KeyHelper); got != "\n"+o.Program+"\n" {
				t.Errorf("helpers: %q", got)
			}
			h.uninstall(o)
			if got, err := os.Readlink(h.path(".gitconfig")); err != nil || got != target {
				t.Errorf("the link afterwards: %q, %v", got, err)
			}
			if got := h.read("dot/gitconfig"); got != section("manager") {
				t.Errorf("afterwards: %s", got)
			}
		})
	}
}

// TestCannotWrite: each fault is told apart, and nothing is written, the record neither.
func TestCannotWrite(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h *house, o *Options)
		want  error
	}{
		"read-only file":  {func(h *house, o *Options) { h.chmod(".gitconfig", 0o400) }, ErrReadOnly},
		"locked":          {func(h *house, o *Options) { h.write(".gitconfig.lock", "") }, ErrLocked},
		"record locked":   {func(h *house, o *Options) { h.write("record.json.lock", "") }, ErrLocked},
		"a folder":        {func(h *house, o *Options) { o.Scope, o.File = ScopeFile, "dir" }, ErrNotRegular},
		"a device":        {func(h *house, o *Options) { o.Git.Env = append(o.Git.Env, "GIT_CONFIG_GLOBAL=/dev/null") }, ErrNotRegular},
		"no folder":       {func(h *house, o *Options) { o.Scope, o.File = ScopeFile, "none/config" }, fs.ErrNotExist},
		"no file named":   {func(h *house, o *Options) { o.Scope = ScopeFile }, ErrUnnamed},
		"no global named": {func(h *house, o *Options) { o.Git.Env = append(o.Git.Env, "GIT_CONFIG_GLOBAL=") }, ErrUnnamed},
		"no system named": {func(h *house, o *Options) {
			o.Scope, o.Git.Env = ScopeSystem, append(o.Git.Env, "GIT_CONFIG_SYSTEM=")
		}, ErrUnnamed},
		"no repository":      {func(h *house, o *Options) { o.Scope = ScopeLocal }, ErrNotRepository},
		"no home":            {func(h *house, o *Options) { o.Git.Env = append(o.Git.Env, "HOME=") }, ErrNoHome},
		"no record's folder": {func(h *house, o *Options) { o.Backup = h.path("none/record.json") }, fs.ErrNotExist},
		"link to itself": {func(h *house, o *Options) {
			o.Scope, o.File = ScopeFile, "loop"
			if err := os.Symlink("loop", h.path("loop")); err != nil {
				h.Fatal(err)
			}
		}, nil},
		"broken config": {func(h *house, o *Options) { h.write(".gitconfig", "[credential\n") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.write(".gitconfig", section("manager"))
			if err := os.Mkdir(h.path("dir"), 0o700); err != nil {
				t.Fatal(err)
			}
			o := h.options()
			c.spoil(h, &o)
			before := h.read(".gitconfig")
			p, err := NewPlan(t.Context(), o)
			if err == nil {
				err = p.Apply(t.Context())
			}
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if h.read(".gitconfig") != before || h.read("record.json") != "" {
				t.Errorf("half done:\n%s\n%s", h.read(".gitconfig"), h.read("record.json"))
			}
			if left, _ := filepath.Glob(h.path(".git-credential-bitbucket-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func (h *house) chmod(name string, mode os.FileMode) {
	h.Helper()
	if err := os.Chmod(h.path(name), mode); err != nil {
		h.Fatal(err)
	}
}

// TestReadOnlyFolder allows for a user whom no mode stops.
func TestReadOnlyFolder(t *testing.T) {
	h := newHouse(t)
	if err := os.Mkdir(h.path("dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	h.write("dir/config", section("manager"))
	h.chmod("dir", 0o500)
	defer h.chmod("dir", 0o700)
	mighty := os.WriteFile(h.path("dir/probe"), nil, 0o600) == nil
	o := h.options()
	o.Scope, o.File = ScopeFile, "dir/config"
	err := h.plan(o).Apply(t.Context())
	if mighty && err != nil || !mighty && !errors.Is(err, ErrReadOnly) {
		t.Errorf("may write: %v, error: %v", mighty, err)
	}
}

// TestRollback: the file cannot take the copy's place, so the record goes back too.
func TestRollback(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", section("manager"))
	p := h.plan(h.options())
	if err := os.Mkdir(h.path("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.File = h.path("x") // a rename over a folder fails
	h.write("copy", "")
	if err := p.commit(h.path("copy")); err == nil {
		t.Fatal("no error")
	}
	if got := h.read("record.json"); got != "" {
		t.Errorf("the record stays: %s", got)
	}
}

func TestModeIsKept(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", "[a]\n\tb = 1\n")
	h.chmod(".gitconfig", 0o640)
	h.install(h.options())
	if info, err := os.Stat(h.path(".gitconfig")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestLongConfigIsKept: a thousand lines with comments, continuations and odd
// spacing come through byte for byte.
func TestLongConfigIsKept(t *testing.T) {
	h := newHouse(t)
	var b strings.Builder
	for i := range 250 {
		fmt.Fprintf(&b, "# comment %d ; \"[\n[alias \"a%d\"]   ; here too\n  x= \"y # z\" # w\n\tlong = a \\\n   b\n", i, i)
	}
	h.write(".gitconfig", b.String())
	o := h.options()
	h.install(o)
	if got := h.read(".gitconfig"); !strings.HasPrefix(got, b.String()) {
		t.Error("install touched other lines")
	}
	h.uninstall(o)
	if h.read(".gitconfig") != b.String() {
		t.Error("uninstall touched other lines")
	}
}

// TestManyInstallsAtOnce: two at a time on one file and another beside them, with git
// itself writing in between: nobody's line is lost.
func TestManyInstallsAtOnce(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", section("manager"))
	h.write("other", section("store"))
	o := h.options()
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			o := o
			if i == 2 {
				o.Scope, o.File = ScopeFile, "other"
			}
			p, err := NewPlan(t.Context(), o)
			if err == nil {
				err = p.Apply(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		for i := range 5 {
			for range 50 { // git gives up at once where the file is locked
				if _, err := h.run(t.Context(), "config", "--global", fmt.Sprintf("a.b%d", i), "1"); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
		}
	})
	wg.Wait()
	h.tidy()
	h.equal("helpers", h.values(o, KeyHelper), []string{"", o.Program})
	for i := range 5 {
		h.equal("git's own", h.values(o, fmt.Sprintf("a.b%d", i)), []string{"1"})
	}
	h.uninstall(o)
	h.equal("global", h.values(o, KeyHelper), []string{"manager"})
	o.Scope, o.File = ScopeFile, "other"
	h.uninstall(o)
	h.equal("other", h.values(o, KeyHelper), []string{"store"})
}

func TestChangedBetweenPlanAndApply(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", section("manager"))
	p := h.plan(h.options())
	h.git("config", "--global", "a.b", "c")
	if err := p.Apply(t.Context()); err != nil {
		t.Errorf("another key changed: %v", err)
	}
	h.write(".gitconfig", section("manager"))
	p = h.plan(h.options())
	h.write(".gitconfig", section("store"))
	if err := p.Apply(t.Context()); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
	if got := h.read(".gitconfig"); got != section("store") {
		t.Errorf("written all the same:\n%s", got)
	}
}

func TestCancelled(t *testing.T) {
	h := newHouse(t)
	p := h.plan(h.options())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Apply(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	h.tidy()
	if h.read(".gitconfig") != "" {
		t.Error("written")
	}
}

// meddle puts a git before the real one that first runs a line of shell when it is
// told to write; $real is git, $file what it writes.
func (h *house) meddle(script string) Git {
	h.Helper()
	h.write("git", "#!/bin/sh\nreal='"+h.Path+"'\nfile=$3\ncase \"$*\" in *--add*|*--replace-all*) "+script+" ;; esac\nexec \"$real\" \"$@\"\n")
	h.chmod("git", 0o700)
	g := h.Git
	g.Path = h.path("git")
	return g
}

// TestFileChangesUnderTheEdit: what another writes while git edits the copy is not lost.
func TestFileChangesUnderTheEdit(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", section("manager"))
	o := h.options()
	o.Git = h.meddle(`test -e "$HOME/done" || { : >"$HOME/done"; "$real" config --global a.b c; }`)
	h.install(o)
	h.equal("theirs", h.values(o, "a.b"), []string{"c"})
	h.equal("ours", h.values(o, KeyHelper), []string{"", o.Program})
}

func TestGitWritesOtherwise(t *testing.T) {
	for name, script := range map[string]string{
		"another key too":    `"$real" config --file "$file" a.b c`,
		"not what was asked": `exec "$real" config --file "$file" --add credential.https://bitbucket.org.helper wrong`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.write(".gitconfig", "[user]\n\tname = Ann\n")
			o := h.options()
			o.Git = h.meddle(script)
			if err := h.plan(o).Apply(t.Context()); err == nil {
				t.Error("no error")
			}
			if got := h.read(".gitconfig"); got != "[user]\n\tname = Ann\n" {
				t.Errorf("written all the same:\n%s", got)
			}
			h.tidy()
		})
	}
}
