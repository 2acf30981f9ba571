package storetest

import (
	"fmt"
	"os/exec"
	"testing"

	"git-credential-bitbucket/internal/require"
)

// Display is a virtual X display with nobody before it but the test.
type Display struct {
	Env []string // "DISPLAY=:5"
	cleanup
}

// StartDisplay starts Xvfb.
func StartDisplay() (*Display, error) {
	d := &Display{}
	number, err := d.startLine(exec.Command("Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "800x600x24"))
	if err != nil {
		_ = d.Close()
		return nil, err
	}
	d.Env = []string{"DISPLAY=:" + number}
	return d, nil
}

// NewDisplay is StartDisplay for a test.
func NewDisplay(t testing.TB) *Display {
	t.Helper()
	require.Tool(t, "Xvfb", "xdotool")
	d, err := StartDisplay()
	return started(t, d, err)
}

// Answer waits for a dialog and types text and then a key, such as "Return".
func (d *Display) Answer(text, key string) error {
	if err := until("a dialog", func() bool { return d.xdotool("search", "--onlyvisible", "--name", ".") == nil }); err != nil {
		return err
	}
	if text != "" {
		if err := d.xdotool("type", "--delay", "1", text); err != nil {
			return err
		}
	}
	return d.xdotool("key", key)
}

func (d *Display) xdotool(arguments ...string) error {
	cmd := exec.Command("xdotool", arguments...)
	cmd.Env = bare("/", d.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("xdotool: %w: %s", err, out)
	}
	return nil
}
