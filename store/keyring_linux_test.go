package store_test

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

func TestKeyringKeepsTheContract(t *testing.T) {
	t.Parallel()
	g := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	storetest.Run(t, storetest.Full, func(t *testing.T) store.Backend {
		return open(t, store.BackendKeyring, store.Config{BusAddress: g.Address, Person: true})
	})
}

// An address that is more than one Unix socket is left to godbus.
func TestKeyringSeveralAddresses(t *testing.T) {
	t.Parallel()
	g := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	b := open(t, store.BackendKeyring, store.Config{BusAddress: "unix:path=" + filepath.Join(t.TempDir(), "none") + ";" + g.Address})
	set(t, b, "default", "x")
	wants(t, b, "default", "x")
}

func TestKeyringItemIsVisibleToSecretTool(t *testing.T) {
	t.Parallel()
	require.Tool(t, "secret-tool")
	g := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	v := store.NewVault(func(name string) (store.Backend, error) {
		return store.Open(name, store.Config{BusAddress: g.Address})
	})
	if err := v.Put(t.Context(), store.BackendKeyring, "default", secret.New("ATATT-bare")); err != nil {
		t.Fatal(err)
	}
	ask := func(arguments ...string) string {
		cmd := exec.Command("secret-tool", append(arguments, "service", store.Service, "username", "default")...)
		cmd.Env = g.Env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	if got := ask("lookup"); got != "ATATT-bare" {
		t.Errorf("secret-tool lookup printed %q", got)
	}
	if got := ask("search"); !strings.Contains(got, "label = Bitbucket token for git (default)\n") {
		t.Errorf("secret-tool search printed no label: %q", got)
	}
}

// The failure matrix: each situation, what a get, a set and the choice make of it, and
// how long they take at most.
func TestKeyringFailures(t *testing.T) {
	t.Parallel()
	const quick, limited = 2 * time.Second, 4 * time.Second
	gnome := func(o storetest.KeyringOptions, prepare func(*testing.T, *storetest.GnomeKeyring)) func(*testing.T) string {
		return func(t *testing.T) string {
			g := storetest.NewGnomeKeyring(t, o)
			if prepare != nil {
				prepare(t, g)
			}
			return g.Address
		}
	}
	fixed := func(address string) func(*testing.T) string {
		return func(*testing.T) string { return address }
	}
	for _, c := range []struct {
		name     string
		address  func(t *testing.T) string
		person   bool
		get, set []string
		within   time.Duration
	}{
		{name: "no address", address: fixed(""), get: []string{"absent"}, set: []string{"absent"}, within: quick},
		{name: "autolaunch", address: fixed("autolaunch:"), get: []string{"absent"}, set: []string{"absent"}, within: quick},
		{name: "disabled", address: fixed("disabled:"), get: []string{"absent"}, set: []string{"absent"}, within: quick},
		{name: "dead socket", address: func(t *testing.T) string {
			return "unix:path=" + filepath.Join(t.TempDir(), "none")
		}, get: []string{"absent"}, set: []string{"absent"}, within: quick},
		{name: "mute bus", address: muteBus, get: []string{"timeout"}, set: []string{"timeout"}, within: limited},
		{name: "bus without service", address: func(t *testing.T) string {
			return storetest.NewBus(t, nil).Address
		}, get: []string{"absent"}, set: []string{"absent"}, within: quick},
		{name: "bus that does not know us", address: rejectingBus, get: []string{"refused"}, set: []string{"refused"}, within: quick},
		{name: "mute owner", address: muteOwner, get: []string{"timeout"}, set: []string{"timeout"}, within: limited},
		{name: "activation is left alone without a person", address: stalling, get: []string{"absent"}, set: []string{"absent"}, within: quick},
		{name: "no keyring yet", address: gnome(storetest.KeyringOptions{NoLogin: true}, nil),
			get: []string{"not found"}, set: []string{"absent", "no keyring"}, within: quick},
		{name: "locked", address: gnome(storetest.KeyringOptions{}, storeAndLock), get: []string{"locked"}, set: []string{"locked"}, within: quick},
		{name: "locked and nothing in it", address: gnome(storetest.KeyringOptions{}, lockOnly), person: true,
			get: []string{"not found"}, within: quick},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address := c.address(t)
			config := store.Config{BusAddress: address, Person: c.person}
			b := open(t, store.BackendKeyring, config)
			begun := time.Now()
			_, err := b.Get(t.Context(), "default")
			check(t, "get", err, c.get, begun, c.within)
			if c.set != nil {
				ctx, cancel := timeout(t, time.Second)
				defer cancel()
				begun = time.Now()
				err = b.Set(ctx, "default", secret.New("new"))
				check(t, "set", err, c.set, begun, c.within)
			}

			config.FileDir = t.TempDir()
			begun = time.Now()
			choice, err := store.Choose(t.Context(), config)
			want := store.BackendFile
			if c.person {
				want = store.BackendKeyring
			}
			if err != nil || choice.Backend != want {
				t.Errorf("Choose: %q, %v, want %q", choice.Backend, err, want)
			}
			check(t, "choose", nil, nil, begun, quick)
		})
	}
}

func check(t *testing.T, what string, err error, kinds []string, begun time.Time, within time.Duration) {
	t.Helper()
	if took := time.Since(begun); took > within {
		t.Errorf("%s took %v", what, took)
	}
	o := outcome{Kinds: kindsOf(err)}
	if err != nil {
		o.Error = err.Error()
	}
	t.Logf("%s: %v", what, err)
	o.expect(t, kinds...)
}

func storeAndLock(t *testing.T, g *storetest.GnomeKeyring) {
	t.Helper()
	b := open(t, store.BackendKeyring, store.Config{BusAddress: g.Address})
	if err := b.Set(t.Context(), "default", secret.New("stored before")); err != nil {
		t.Fatal(err)
	}
	lockOnly(t, g)
}

func lockOnly(t *testing.T, g *storetest.GnomeKeyring) {
	t.Helper()
	if err := g.Lock(); err != nil {
		t.Fatal(err)
	}
}

// muteBus accepts and never answers.
func muteBus(t *testing.T) string {
	address, _ := countingBus(t)
	return address
}

// rejectingBus lets nobody in.
func rejectingBus(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "bus")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("REJECTED EXTERNAL\r\n"))
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "unix:path=" + path
}

// muteOwner owns the service's name and answers nothing.
func muteOwner(t *testing.T) string {
	bus := storetest.NewBus(t, nil)
	conn, err := dbus.Connect(bus.Address, dbus.WithHandler(deaf{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.RequestName("org.freedesktop.secrets", 0); err != nil {
		t.Fatal(err)
	}
	return bus.Address
}

// deaf handles a call by never coming back.
type deaf struct{}

func (deaf) LookupObject(dbus.ObjectPath) (dbus.ServerObject, bool) { select {} }

// stalling has a service that starts and never takes its name.
func stalling(t *testing.T) string {
	return storetest.NewBus(t, map[string]string{"org.freedesktop.secrets": "/bin/sleep 20"}).Address
}

func TestKeyringActivationThatStalls(t *testing.T) {
	t.Parallel()
	e := errand{Op: "get", Backend: store.BackendKeyring, Key: "default", Person: true, Config: place{BusAddress: stalling(t)}}
	b := open(t, store.BackendKeyring, e.config())
	ctx, cancel := timeout(t, 500*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := b.Get(ctx, "default")
	check(t, "get", err, []string{"timeout"}, begun, 2*time.Second)

	c := e.config()
	c.FileDir = t.TempDir()
	begun = time.Now()
	choice, err := store.Choose(t.Context(), c)
	check(t, "choose", err, nil, begun, 3*time.Second)
	if choice.Backend != store.BackendFile {
		t.Errorf("chose %q", choice.Backend)
	}
}

func TestKeyringIsStartedForAPerson(t *testing.T) {
	t.Parallel()
	require.Tool(t, "gnome-keyring-daemon")
	path, err := exec.LookPath("gnome-keyring-daemon")
	if err != nil {
		t.Fatal(err)
	}
	bus := storetest.NewBus(t, map[string]string{"org.freedesktop.secrets": path + " --start --foreground --components=secrets"},
		"XDG_RUNTIME_DIR="+t.TempDir())
	b := open(t, store.BackendKeyring, store.Config{BusAddress: bus.Address, Person: true})
	_, err = b.Get(t.Context(), "default")
	check(t, "get", err, []string{"not found"}, time.Now(), time.Second)
}

func TestKeyringChoice(t *testing.T) {
	t.Parallel()
	g := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	c := store.Config{BusAddress: g.Address, FileDir: t.TempDir()}
	choice, err := store.Choose(t.Context(), c)
	if err != nil || choice.Backend != store.BackendKeyring || len(choice.Passed) != 0 {
		t.Errorf("%+v, %v", choice, err)
	}
	lockOnly(t, g)
	choice, err = store.Choose(t.Context(), c)
	if err != nil || choice.Backend != store.BackendFile || fmt.Sprint(choice.Passed) != "[keyring: locked pass: not available here: no password store]" {
		t.Errorf("locked: %+v, %v", choice, err)
	}
}

func BenchmarkKeyringGet(b *testing.B) {
	g := storetest.NewGnomeKeyring(b, storetest.KeyringOptions{})
	backend, err := store.Open(store.BackendKeyring, store.Config{BusAddress: g.Address})
	if err != nil {
		b.Fatal(err)
	}
	if err := backend.Set(b.Context(), "default", secret.New(strings.Repeat("x", 192))); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := backend.Get(b.Context(), "default"); err != nil {
			b.Fatal(err)
		}
	}
}
