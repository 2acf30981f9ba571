package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
)

func TestFileSweepsWhatTheKilledLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{"writing-old": time.Hour, "writing-now": time.Minute} {
		path, then := filepath.Join(dir, name), time.Now().Add(-age)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	set(t, open(t, store.BackendFile, store.Config{FileDir: dir, Person: true}), "default", "x")
	if got := state(t, dir); got != "key keyfile-default writing-now" {
		t.Errorf("the folder holds %s", got)
	}
}

func TestFileFullDisk(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		require.Absent(t, "no limit on files' size on Windows")
	}
	dir := t.TempDir()
	b := open(t, store.BackendFile, store.Config{FileDir: dir, Person: true})
	set(t, b, "default", "old")
	e := errand{Op: "set", Backend: store.BackendFile, Key: "default", Value: "new", Config: place{FileDir: dir}, Full: true}
	if out := e.run(t, nil); out.Error == "" || len(out.Kinds) > 0 {
		t.Errorf("set on a full disk: %q, %q", out.Error, out.Kinds)
	}
	wants(t, b, "default", "old")
	if got := state(t, dir); got != "key keyfile-default" {
		t.Errorf("the folder holds %s", got)
	}
}

// Eight processes that are the first ones agree on one key.
func TestFileFirstWriters(t *testing.T) {
	t.Parallel()
	const writers = 8
	dir := filepath.Join(t.TempDir(), "secrets")
	var all sync.WaitGroup
	for i := range writers {
		e := errand{Op: "set", Backend: store.BackendFile, Key: fmt.Sprint("w", i), Value: fmt.Sprint(i), Person: true, Config: place{FileDir: dir}}
		cmd := e.command(t, nil)
		all.Go(func() {
			if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), `"Error":""`) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	b := open(t, store.BackendFile, store.Config{FileDir: dir, Person: true})
	for i := range writers {
		wants(t, b, fmt.Sprint("w", i), fmt.Sprint(i))
	}
}

// Five hundred writers are killed at random instants; each reads what the one before
// it left, which is always a value that was written.
func TestFileKilledWriters(t *testing.T) {
	t.Parallel()
	require.Tool(t, "go")
	const lines, rounds, begin = 2, 250, "token "
	writer := filepath.Join(t.TempDir(), "writer.exe")
	if out, err := exec.Command("go", "build", "-o", writer, "./testdata/writer").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for range lines {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := open(t, store.BackendFile, store.Config{FileDir: dir, Person: true})
			set(t, b, "default", begin+"0")
			var before []byte
			changed := 0
			for range rounds {
				var trouble strings.Builder
				cmd := exec.Command(writer, dir, begin)
				cmd.Stderr = &trouble
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Duration(5+rand.IntN(18)) * time.Millisecond)
				_ = cmd.Process.Kill()
				if _ = cmd.Wait(); trouble.Len() > 0 {
					t.Fatalf("after a kill: %s", trouble.String())
				}
				after, err := os.ReadFile(filepath.Join(dir, "keyfile-default"))
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(before, after) {
					changed++
				}
				before = after
			}
			got, err := b.Get(t.Context(), "default")
			if err != nil || !strings.HasPrefix(got.Reveal(), begin) {
				t.Errorf("%q, %v", got.Reveal(), err)
			}
			if changed < rounds/20 {
				t.Errorf("only %d of %d writers came to write", changed, rounds)
			}
			t.Logf("%d of %d writers had written before they were killed", changed, rounds)
		})
	}
}
