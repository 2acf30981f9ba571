package install

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"git-credential-bitbucket/internal/require"
)

var gitVersion = sync.OnceValues(func() (Version, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return Version{}, err
	}
	return Git{Path: git, Env: os.Environ()}.Version(context.Background())
})

// house is a home with nothing in it and git to live there.
type house struct {
	testing.TB
	Git
	home string
}

func newHouse(t testing.TB, env ...string) *house {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := gitVersion(); err != nil || v.Before(envSince) {
		require.Absent(t, "a git that takes its system config's path from GIT_CONFIG_SYSTEM, 2.32: without it tests would write the machine's")
	}
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_SYSTEM=" + filepath.Join(home, "system"),
		"GIT_TERMINAL_PROMPT=0", "GIT_CEILING_DIRECTORIES=" + home}, env...)
	return &house{t, Git{Path: git, Env: env, Dir: home}, home}
}

func (h *house) options() Options {
	return Options{Git: h.Git, Scope: ScopeGlobal, Program: filepath.Join(h.home, "bin", Binary), Backup: filepath.Join(h.home, "record.json")}
}

func (h *house) path(name string) string { return filepath.Join(h.home, name) }

func (h *house) write(name, text string) {
	h.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
}

func (h *house) read(name string) string {
	h.Helper()
	data, err := os.ReadFile(h.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.Fatal(err)
	}
	return string(data)
}

// git runs git and returns what it printed.
func (h *house) git(args ...string) string {
	h.Helper()
	out, err := h.run(context.Background(), args...)
	if err != nil {
		h.Fatal(err)
	}
	return out
}

func (h *house) values(o Options, key string) []string {
	h.Helper()
	p := h.plan(o)
	lines, err := h.readFile(context.Background(), p.File)
	if err != nil {
		h.Fatal(err)
	}
	return values(lines, key)
}

func (h *house) plan(o Options) *Plan {
	h.Helper()
	p, err := NewPlan(context.Background(), o)
	if err != nil {
		h.Fatal(err)
	}
	return p
}

func (h *house) install(o Options) *Plan {
	h.Helper()
	p := h.plan(o)
	if err := p.Apply(context.Background()); err != nil {
		h.Fatal(err)
	}
	h.tidy()
	return p
}

func (h *house) uninstall(o Options) *Plan {
	h.Helper()
	p, err := NewUndo(context.Background(), o)
	if err != nil {
		h.Fatal(err)
	}
	if err := p.Apply(context.Background()); err != nil {
		h.Fatal(err)
	}
	h.tidy()
	return p
}

// tidy fails where a lock or a copy has been left behind.
func (h *house) tidy() {
	h.Helper()
	for _, pattern := range []string{"*.lock", ".git-credential-bitbucket-*", "record.json.*"} {
		if left, _ := filepath.Glob(h.path(pattern)); len(left) > 0 {
			h.Errorf("left behind: %v", left)
		}
	}
}

func (h *house) equal(what string, got, want []string) {
	h.Helper()
	if !slices.Equal(got, want) {
		h.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// section is a credential section for our host.
func section(helpers ...string) string {
	var b strings.Builder
	b.WriteString("[credential \"https://bitbucket.org\"]\n")
	for _, v := range helpers {
		b.WriteString("\thelper = " + v + "\n")
	}
	return b.String()
}
