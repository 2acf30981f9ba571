package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What waits is waited for together, and no longer than the report's limit.
func TestDoctorHangs(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "bus") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "mute")
	bus, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })

	m := newMachine(t)
	m.keep(apiToken)
	accounts := filepath.Join(m.home, ".config", "git-credential-bitbucket", "accounts")
	text, err := os.ReadFile(accounts)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(accounts, []byte(strings.ReplaceAll(string(text), `"backend":"file"`, `"backend":"keyring"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.env = append(m.without("DBUS_SESSION_BUS_ADDRESS"), "DBUS_SESSION_BUS_ADDRESS=unix:path="+socket, "DISPLAY=:99", "HTTPS_PROXY=http://"+mute.Addr().String())
	r := m.run("", "doctor", "--json")
	var report doctorReport
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || r.status != int(exitFailed) {
		t.Fatalf("status %d, %v: %s", r.status, err, r.stdout)
	}
	for _, id := range []string{"backend-silent", "site-unreachable", "git"} {
		if !slices.ContainsFunc(report.Findings, func(f finding) bool { return f.ID == id }) {
			t.Errorf("no finding %s in %s", id, r.stdout)
		}
	}
	if r.took > 15*time.Second {
		t.Errorf("it took %s", r.took)
	}
}
