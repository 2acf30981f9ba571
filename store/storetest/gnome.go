package storetest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"git-credential-bitbucket/internal/require"
)

// Password opens the login keyring of every GnomeKeyring.
const Password = "ci-password"

// GnomeKeyring is a real gnome-keyring on a Bus of its own, with an own home.
type GnomeKeyring struct {
	*Bus
	Env []string // what makes a program use it, HOME included
	cleanup
}

// KeyringOptions say how a GnomeKeyring differs from an unlocked one without display.
type KeyringOptions struct {
	NoLogin bool     // nobody has made a keyring yet
	Display []string // "DISPLAY=:5", …: where it can ask a person; needs gcr-prompter
}

const (
	prompter       = "/usr/libexec/gcr-prompter"
	systemPrompter = "org.gnome.keyring.SystemPrompter"
	loginKeyring   = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
)

// StartGnomeKeyring starts a bus and gnome-keyring-daemon on it.
func StartGnomeKeyring(o KeyringOptions) (*GnomeKeyring, error) {
	g := &GnomeKeyring{}
	if err := g.start(o); err != nil {
		_ = g.Close()
		return nil, err
	}
	return g, nil
}

func (g *GnomeKeyring) start(o KeyringOptions) error {
	dir, err := g.folder()
	if err != nil {
		return err
	}
	// A daemon's control socket lies in the runtime folder: two must not share one.
	env := append([]string{"XDG_RUNTIME_DIR=" + dir}, o.Display...)
	prompters := map[string]string{}
	if len(o.Display) > 0 {
		prompters[systemPrompter] = prompter
		prompters["org.gnome.keyring.PrivatePrompter"] = prompter
	}
	g.Bus, err = StartBus(prompters, env...)
	if err != nil {
		return err
	}
	g.add(g.Bus.Close)
	env = append(env, "DBUS_SESSION_BUS_ADDRESS="+g.Address)
	g.Env = append([]string{"HOME=" + dir}, env...)
	cmd := exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets")
	if !o.NoLogin {
		// What stands on its standard input, a newline too, is the password.
		cmd.Args = append(cmd.Args, "--unlock")
		cmd.Stdin = strings.NewReader(Password)
	}
	cmd.Env = bare(dir, env...)
	if err := g.cleanup.start(cmd); err != nil {
		return err
	}
	if len(o.Display) > 0 {
		// Started by the bus it may take longer than the keyring waits for it.
		ask := exec.Command(prompter)
		ask.Env = bare(dir, env...)
		if err := g.cleanup.start(ask); err != nil {
			return err
		}
	}
	return g.ready(o)
}

// ready waits until everything that was started answers.
func (g *GnomeKeyring) ready(o KeyringOptions) error {
	conn, err := g.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	service := conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	err = until("gnome-keyring", func() bool {
		var all []dbus.ObjectPath
		err := service.Call("org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart,
			"org.freedesktop.Secret.Service", "Collections").Store(&all)
		return err == nil && slices.Contains(all, loginKeyring) == !o.NoLogin
	})
	if err != nil || len(o.Display) == 0 {
		return err
	}
	return until("gcr-prompter", func() bool {
		var owned bool
		err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, systemPrompter).Store(&owned)
		return err == nil && owned
	})
}

// Close ends the daemons.
func (g *GnomeKeyring) Close() error { return g.cleanup.Close() }

// NewGnomeKeyring is StartGnomeKeyring for a test.
func NewGnomeKeyring(t testing.TB, o KeyringOptions) *GnomeKeyring {
	t.Helper()
	require.Tool(t, "dbus-daemon", "gnome-keyring-daemon")
	if _, err := os.Stat(prompter); len(o.Display) > 0 && err != nil {
		require.Absent(t, prompter+" is not installed (gcr)")
	}
	g, err := StartGnomeKeyring(o)
	return started(t, g, err)
}

// Lock locks the login keyring.
func (g *GnomeKeyring) Lock() error {
	conn, err := g.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Object("org.freedesktop.secrets", "/org/freedesktop/secrets").
		Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginKeyring}).Err
}
