package main

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"git-credential-bitbucket/store/storetest"
)

// wantStatus runs a program that must end with that status: "exits 3 PROGRAM ARGS...".
func wantStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// findReal looks for a program, or for what the name keyctl-session stands for: a
// kernel keyring of one's own, or mounts: a folder of the system with other content.
func findReal(name string) error {
	if name == "keyctl-session" {
		_, err := storetest.KeyctlSession()
		return err
	}
	if name == "mounts" {
		out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/run").CombinedOutput()
		if err != nil {
			return fmt.Errorf("no mount namespace: %w: %s", err, out)
		}
		return nil
	}
	_, err := exec.LookPath(name)
	return err
}

// startKeyring is "keyring unlocked" and "keyring none", which start a gnome-keyring on
// a bus of its own, with and without a keyring in it, and "keyring lock".
func startKeyring(ts *testscript.TestScript, neg bool, args []string) {
	const address = "DBUS_SESSION_BUS_ADDRESS"
	switch strings.Join(args, " ") {
	case "unlocked", "none":
		keyring, err := storetest.StartGnomeKeyring(storetest.KeyringOptions{NoLogin: args[0] == "none"})
		ts.Check(err)
		closeAfter(ts, keyring)
		ts.Setenv(address, keyring.Address)
	case "lock":
		keyring := storetest.GnomeKeyring{Bus: &storetest.Bus{Address: ts.Getenv(address)}}
		ts.Check(keyring.Lock())
	default:
		ts.Fatalf("usage: keyring unlocked|none|lock")
	}
}

// startPass is "pass [PASSPHRASE]": it sets up pass with a gpg key of its own.
func startPass(ts *testscript.TestScript, neg bool, args []string) {
	pass, err := storetest.StartPass(strings.Join(args, ""))
	ts.Check(err)
	closeAfter(ts, pass)
	for _, line := range pass.Env {
		name, value, _ := strings.Cut(line, "=")
		ts.Setenv(name, value)
	}
}

// closeAfter ends with the script what was started for it.
func closeAfter(ts *testscript.TestScript, it io.Closer) {
	ts.Defer(func() { _ = it.Close() })
}
