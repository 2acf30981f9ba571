package store_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/storetest"
)

func TestPass(t *testing.T) {
	t.Parallel()
	p := storetest.NewPass(t, "")
	inside(t, "TestPassInside", nil, p.Env...)
}

func TestPassInside(t *testing.T) {
	if !isInside(t) {
		return
	}
	dir := os.Getenv("PASSWORD_STORE_DIR")
	c := store.Config{PassDir: dir, Person: true}
	b := open(t, store.BackendPass, c)
	size := storetest.Size{Writers: 8, Rounds: 2, Readers: 2, Largest: 8 << 10}
	storetest.Run(t, size, func(*testing.T) store.Backend { return b })

	folder := filepath.Join(dir, store.Service)
	t.Run("nothing is left behind or outside", func(t *testing.T) {
		left, _ := filepath.Glob(filepath.Join(folder, "*"))
		hidden, _ := filepath.Glob(filepath.Join(folder, ".*"))
		outside, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(left)+len(hidden) > 0 || len(outside) > 1 {
			t.Errorf("%q %q %q", left, hidden, outside)
		}
	})
	t.Run("a crash in the middle of a write", func(t *testing.T) {
		set(t, b, "default", "old")
		entry := filepath.Join(folder, "default.gpg")
		text, err := os.ReadFile(entry)
		if err != nil {
			t.Fatal(err)
		}
		// What Set leaves behind when the process and gpg are killed.
		if err := os.WriteFile(filepath.Join(folder, ".default.former.gpg"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(entry, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wants(t, b, "default", "old")
		set(t, b, "default", "new")
		wants(t, b, "default", "new")
		if left, _ := filepath.Glob(filepath.Join(folder, ".*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	t.Run("damage", func(t *testing.T) {
		set(t, b, "other", "two")
		harm := func(do func(entry string) error) {
			t.Helper()
			set(t, b, "default", "one")
			if err := do(filepath.Join(folder, "default.gpg")); err != nil {
				t.Fatal(err)
			}
			wants(t, b, "default", "", "damaged")
		}
		harm(func(entry string) error { return os.Truncate(entry, 0) })
		harm(func(entry string) error { return os.WriteFile(entry, []byte("plain\n"), 0o600) })
		harm(func(entry string) error { return os.Rename(filepath.Join(folder, "other.gpg"), entry) })
		harm(func(string) error {
			cmd := exec.Command("pass", "insert", "-m", "-f", store.Service+"/default")
			cmd.Stdin = strings.NewReader("by hand\n")
			return cmd.Run()
		})
	})
	t.Run("choice", func(t *testing.T) {
		choice, err := store.Choose(t.Context(), c)
		if err != nil || choice.Backend != store.BackendPass {
			t.Errorf("%+v, %v", choice, err)
		}
	})
}

func TestPassAbsent(t *testing.T) {
	t.Parallel()
	require.Tool(t, "pass")
	for _, dir := range []string{"", t.TempDir()} {
		wants(t, open(t, store.BackendPass, store.Config{PassDir: dir}), "default", "", "absent")
	}
	// Set up, and the program gone.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gpg-id"), []byte("ci\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	errand{Op: "get", Backend: store.BackendPass, Key: "default", Config: place{PassDir: dir}}.run(t, nil, "PATH="+t.TempDir()).expect(t, "absent")
}

// The key needs its passphrase, and there is no terminal.
func TestPassLocked(t *testing.T) {
	t.Parallel()
	p := storetest.NewPass(t, "a passphrase")
	e := errand{Op: "set", Backend: store.BackendPass, Key: "default", Value: "x", Config: place{PassDir: p.Dir}}
	e.run(t, nil, p.Env...).expect(t)
	e.Op = "get"
	e.run(t, nil, p.Env...).expect(t, "locked")
}

// A pass that hangs is ended with its children, which would keep git's standard
// error open; other children of the process live on.
func TestPassThatHangs(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		require.Absent(t, "no pass on Windows")
	}
	bin, dir := t.TempDir(), t.TempDir()
	pids := filepath.Join(bin, "pids")
	script := fmt.Sprintf("#!/bin/sh\n(echo $$ >>%[1]s; sleep 600) &\necho $$ >>%[1]s\necho $! >>%[1]s\nsleep 600\n", pids)
	if err := os.WriteFile(filepath.Join(bin, "pass"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	entry := filepath.Join(dir, store.Service, "default.gpg")
	if err := os.MkdirAll(filepath.Dir(entry), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{entry, filepath.Join(dir, ".gpg-id")} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := errand{Op: "get", Backend: store.BackendPass, Key: "default", Config: place{PassDir: dir}}
	cmd := e.command(t, nil, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	var trouble strings.Builder
	cmd.Stderr = &trouble // a pipe: Output waits until everybody has closed it
	begun := time.Now()
	out, err := cmd.Output()
	if took := time.Since(begun); err != nil || took > 5*time.Second {
		t.Errorf("%v after %v: %s", err, took, trouble.String())
	}
	if !strings.Contains(string(out), `"Kinds":["timeout"]`) || !strings.Contains(string(out), `"Waits":1`) {
		t.Errorf("%s", out)
	}
	text, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(text)) {
		// A zombie waits for init to take note of its end.
		if state, _ := exec.Command("ps", "-o", "stat=", "-p", pid).Output(); len(state) > 0 && state[0] != 'Z' {
			t.Errorf("process %s lives on: %s", pid, state)
		}
	}
}
