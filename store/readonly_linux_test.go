package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unprivileged runs f where root's rights do not count: on a thread of its own, with
// nobody's rights to files. The thread ends with f.
func unprivileged(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		const nobody = 65534
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// passable returns a folder to which the unprivileged find their way.
func passable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// readOnly takes the right to write in dir away, and lets others read.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chmod(filepath.Join(dir, e.Name()), 0o444); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAccountsInAReadOnlyFolder(t *testing.T) {
	a := OpenAccounts(passable(t))
	mustUpdate(t, a, put(Account{Name: "old"}))
	readOnly(t, filepath.Dir(a.Path()))
	unprivileged(t, func() {
		if err := a.Update(put(Account{Name: "new"})); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("update: %v", err)
		}
		if s, err := a.Read(); err != nil || s.Len() != 1 {
			t.Errorf("read: %v", err)
		}
	})
}

func TestObservationsInAReadOnlyFolder(t *testing.T) {
	const key = tokenKey
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	dir := passable(t)
	alone := OpenObservations(dir, nil, os.Getuid())
	if err := alone.Append(key, Event{At: now, What: EventServed}); err != nil {
		t.Fatal(err)
	}
	if err := alone.Writable(); err != nil {
		t.Error(err)
	}
	readOnly(t, dir)
	temp := passable(t) // as the temporary directory is: everybody's
	if err := os.Chmod(temp, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	unprivileged(t, func() {
		later := Event{At: now.Add(time.Second), What: EventRejected}
		if err := alone.Append(key, later); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("append: %v", err)
		}
		if err := alone.Writable(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("writable: %v", err)
		}
		for range 2 {
			if !alone.Claim("x", time.Minute, now) {
				t.Error("where nothing can be written everybody may")
			}
		}
		if len(alone.Read(key)) != 1 || !alone.Known(key) {
			t.Error("what is there is not read")
		}
		// Without root's rights the folder made is another's than this process's.
		made := filepath.Join(temp, "probe")
		if err := os.Mkdir(made, 0o700); err != nil {
			t.Error(err)
			return
		}
		info, err := os.Lstat(made)
		if err != nil {
			t.Error(err)
			return
		}
		private := filepath.Join(temp, "private")
		o := OpenObservations(dir, []string{private}, int(info.Sys().(*syscall.Stat_t).Uid))
		if err := o.Append(key, later); err != nil {
			t.Errorf("append: %v", err)
		}
		if got := o.Read(key); len(got) != 2 || got[1].What != EventRejected {
			t.Errorf("read: %+v", got)
		}
		if err := o.Writable(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), private) {
			t.Errorf("writable: %v", err)
		}
		if !o.Claim("x", time.Minute, now) || o.Claim("x", time.Minute, now) {
			t.Error("claims in the fallback are not exclusive")
		}
	})
}
