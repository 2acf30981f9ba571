package store_test

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
)

// https://github.com/99designs/keyring/issues/103 and
// https://github.com/godbus/dbus/issues/268: each start left a dbus-daemon behind.
func TestNoBusIsStarted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		require.Absent(t, "no D-Bus on Windows")
	}
	bin, marker := t.TempDir(), filepath.Join(t.TempDir(), "launched")
	launch := "#!/bin/sh\necho launched >>" + marker + "\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(launch), 0o700); err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")
	for _, e := range []errand{
		{Op: "bus", Backend: store.BackendFile},
		{Op: "get", Backend: store.BackendFile, Key: "default", Config: place{FileDir: t.TempDir()}},
		{Op: "get", Backend: store.BackendKeyring, Key: "default", Person: true},
		{Op: "choose", Person: true, Backend: store.BackendKeyring, Config: place{FileDir: t.TempDir()}},
	} {
		e.run(t, nil, path)
		if _, err := os.Stat(marker); err == nil {
			t.Fatalf("%s %s ran dbus-launch", e.Op, e.Backend)
		}
	}
}

// A bus that accepts and never answers hung the program before main, whatever the
// backend.
func TestNothingIsDialledForOtherBackends(t *testing.T) {
	t.Parallel()
	address, accepted := countingBus(t)
	for _, e := range []errand{
		{Op: "bus", Backend: store.BackendFile},
		{Op: "get", Backend: store.BackendFile, Key: "default", Config: place{FileDir: t.TempDir()}},
		{Op: "get", Backend: store.BackendPass, Key: "default"},
	} {
		begun := time.Now()
		out := e.run(t, nil, "DBUS_SESSION_BUS_ADDRESS="+address)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s %s took %v", e.Op, e.Backend, took)
		}
		if e.Op == "bus" && out.Value != address {
			t.Errorf("the bus's address became %q", out.Value)
		}
	}
	if n := accepted.Load(); n != 0 {
		t.Errorf("%d connections to the bus", n)
	}
}

func TestNobusIsInitialisedFirst(t *testing.T) {
	t.Parallel()
	cmd := errand{Op: "bus", Backend: store.BackendFile}.command(t, nil, "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.Index(string(out), "init git-credential-bitbucket/store/internal/nobus ")
	theirs := strings.Index(string(out), "init github.com/99designs/keyring ")
	if ours < 0 || theirs < 0 || ours > theirs {
		t.Errorf("nobus at %d, 99designs/keyring at %d of\n%s", ours, theirs, out)
	}
}

// countingBus is a mute bus that counts who connects.
func countingBus(t *testing.T) (address string, accepted *atomic.Int32) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int32)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return "unix:path=" + path, accepted
}
