package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	inside(t, "TestMemoryInside", storetest.NewKeyctlSession(t))
}

func TestMemoryInside(t *testing.T) {
	if !isInside(t) {
		return
	}
	m := store.OpenMemory(t.TempDir(), nobodys())
	get := func(name, want string, wantErr error) {
		t.Helper()
		if got, err := m.Get(name); got.Reveal() != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
	set := func(name, token string, life time.Duration) {
		t.Helper()
		if err := m.Set(name, secret.New(token), life); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Usable(); err != nil {
		t.Fatal(err)
	}
	get("a", "", store.ErrNotFound)
	set("a", "one", time.Minute)
	set("a", "two", time.Minute)
	set("b", "two", 2*time.Hour)
	get("a", "two", nil)
	get("b", "two", nil)

	// Another process of the user reads it, in a session of its own, and nobody else may.
	out, err := exec.Command("keyctl", "session", "-", "sh", "-c", `keyctl print $(keyctl search @u user git-credential-bitbucket:token:`+secret.New("two").Fingerprint()+`)`).Output()
	if err != nil || string(out) != "two\n" {
		t.Errorf("%q, %v", out, err)
	}
	keys, err := os.ReadFile("/proc/keys")
	if err != nil {
		t.Fatal(err)
	}
	own, err := exec.Command("keyctl", "rlist", "@u").Output()
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for line := range strings.Lines(string(keys)) {
		fields := strings.Fields(line) // id, flags, uses, time left, permissions
		id, err := strconv.ParseUint(fields[0], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(strings.Fields(string(own)), strconv.FormatUint(id, 10)) {
			continue // another keyring's
		}
		kept++
		if fields[4] != "3f3f0000" || fields[3] == "perm" || strings.HasSuffix(fields[3], "h") && fields[3] != "1h" || strings.HasSuffix(fields[3], "d") {
			t.Errorf("%s", line)
		}
	}
	if kept < 4 {
		t.Errorf("%d keys:\n%s", kept, keys)
	}

	// What is dropped is gone for every name; what is forgotten for one.
	if err := m.Drop(secret.New("two")); err != nil {
		t.Error(err)
	}
	get("a", "", store.ErrNotFound)
	get("b", "", store.ErrNotFound)
	if err := m.Drop(secret.New("two")); err != nil {
		t.Error(err)
	}
	set("a", "three", time.Minute)
	set("b", "three", time.Minute)
	if err := m.Forget("a"); err != nil {
		t.Error(err)
	}
	get("a", "", store.ErrNotFound)
	get("b", "three", nil)

	// What lies under another's fingerprint is no answer, and can be replaced.
	if out, err := exec.Command("keyctl", "add", "user", "git-credential-bitbucket:token:"+secret.New("three").Fingerprint(), "other", "@u").CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	get("b", "", store.ErrNotFound)
	set("b", "three", time.Minute)
	get("b", "three", nil)

	// The kernel ends it.
	set("short", "four", 2*time.Second)
	get("short", "four", nil)
	time.Sleep(2100 * time.Millisecond)
	get("short", "", store.ErrNotFound)
	if err := m.Set("none", secret.New("five"), time.Millisecond); err == nil {
		t.Error("kept for less than a second: for ever?")
	}
	if err := m.Set("big", secret.New(strings.Repeat("x", 40000)), time.Minute); err == nil {
		t.Error("larger than the kernel takes")
	}

	// Writers and readers at once: always a whole value.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				_ = m.Set("busy", secret.New("six"), time.Minute)
				if got, err := m.Get("busy"); err == nil && got.Reveal() != "six" {
					t.Errorf("%q", got.Reveal())
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for range 50 {
				if err := m.Usable(); err != nil {
					t.Errorf("while others try too: %v", err)
				}
			}
		})
	}
	all.Wait()
	get("busy", "six", nil)
}

// A process that is killed while it has the turn loses it.
func TestMemoryTurn(t *testing.T) {
	t.Parallel()
	require.Tool(t, "flock", "sleep")
	dir := filepath.Join(t.TempDir(), "state")
	m := store.OpenMemory(dir, nobodys())
	unlock, waited := m.Turn(t.Context(), "aabb", time.Second)
	if unlock == nil || waited {
		t.Fatalf("waited %v", waited)
	}
	if other, waited := m.Turn(t.Context(), "aabb", 50*time.Millisecond); other != nil || !waited {
		t.Errorf("two have the turn; waited %v", waited)
	}
	if other, waited := m.Turn(t.Context(), "ccdd", time.Second); other == nil || waited {
		t.Errorf("another name's turn: waited %v", waited)
	} else {
		other()
	}
	unlock()

	holder := exec.Command("flock", "--no-fork", filepath.Join(dir, "turn=aa"), "sh", "-c", "echo held; exec sleep 60")
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = holder.Process.Signal(syscall.SIGKILL) })
	unlock, waited = m.Turn(t.Context(), "aabb", 10*time.Second)
	if unlock == nil || !waited {
		t.Errorf("the killed one's turn: %v, waited %v", unlock != nil, waited)
	} else {
		unlock()
	}
	_ = holder.Wait()

	for _, none := range []string{"", "/dev/null/state"} {
		if unlock, _ := store.OpenMemory(none, nobodys()).Turn(t.Context(), "aabb", time.Second); unlock != nil {
			t.Errorf("a lock in %q", none)
		}
	}
}

// Where the folder cannot be written, turns are taken in the observations' fallback.
func TestMemoryTurnElsewhere(t *testing.T) {
	t.Parallel()
	fallback := filepath.Join(t.TempDir(), "fallback")
	m := store.OpenMemory("/dev/null/state", store.OpenObservations("", []string{fallback}, os.Getuid()))
	unlock, waited := m.Turn(t.Context(), "aabb", time.Second)
	if unlock == nil || waited {
		t.Fatalf("waited %v", waited)
	}
	defer unlock()
	if other, waited := m.Turn(t.Context(), "aabb", 50*time.Millisecond); other != nil || !waited {
		t.Errorf("two have the turn; waited %v", waited)
	}
	if info, err := os.Stat(fallback); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

func nobodys() *store.Observations { return store.OpenObservations("", nil, os.Getuid()) }
