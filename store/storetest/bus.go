package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/godbus/dbus/v5"

	"git-credential-bitbucket/internal/require"
)

// A Bus is a private D-Bus session bus.
type Bus struct {
	Address string // for store.Config.BusAddress or DBUS_SESSION_BUS_ADDRESS
	cleanup
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth><servicedir>%s</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
`

// StartBus starts dbus-daemon. Services are the programs that it starts when their
// name is called for, with env as their environment.
func StartBus(services map[string]string, env ...string) (*Bus, error) {
	b := &Bus{}
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	for name, program := range services {
		service := fmt.Sprintf("[D-BUS Service]\nName=%s\nExec=%s\n", name, program)
		if err := os.WriteFile(filepath.Join(dir, name+".service"), []byte(service), 0o600); err != nil {
			return nil, err
		}
	}
	config := filepath.Join(dir, "bus.conf")
	text := fmt.Sprintf(busConfig, filepath.Join(dir, "bus"), dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("dbus-daemon", "--nofork", "--nopidfile", "--print-address=1", "--config-file="+config)
	cmd.Env = bare(dir, env...)
	b.Address, err = b.startLine(cmd)
	if err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

// NewBus is StartBus for a test.
func NewBus(t testing.TB, services map[string]string, env ...string) *Bus {
	t.Helper()
	require.Tool(t, "dbus-daemon")
	b, err := StartBus(services, env...)
	return started(t, b, err)
}

// Dial connects to the bus as a program of its own would.
func (b *Bus) Dial() (*dbus.Conn, error) { return dbus.Connect(b.Address) }
