package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"git-credential-bitbucket/internal/require"
)

const unitName = "git-credential-bitbucket-expiring"

func unitPath(kind string) string {
	return filepath.Join("..", "..", "install", "systemd", unitName+"."+kind)
}

// The unit runs a command that there is, and runs it as a person would.
func TestSystemdUnitRunsTheProgram(t *testing.T) {
	text, err := os.ReadFile(unitPath("service"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^ExecStart=%h/go/bin/git-credential-bitbucket (.*)$`).FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("no ExecStart of ours:\n%s", text)
	}
	m := newMachine(t)
	cmd := exec.Command(m.program, strings.Fields(found[1])...)
	cmd.Env = m.env
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "nothing expires within 30 days\n" {
		t.Errorf("%s: %v, %s", found[1], err, out)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil || !strings.Contains(string(readme), "install/systemd/"+unitName+".{service,timer}") || !strings.Contains(string(readme), unitName+".timer\n") {
		t.Errorf("README.md does not name the units: %v", err)
	}
	timer, err := os.ReadFile(unitPath("timer"))
	if err != nil || !strings.Contains(string(timer), "\nWantedBy=timers.target\n") || !strings.Contains(string(timer), "\nOnCalendar=") {
		t.Errorf("%v:\n%s", err, timer)
	}
}

func TestSystemdTakesTheUnits(t *testing.T) {
	require.Tool(t, "systemd-analyze")
	m := newMachine(t)
	bin := filepath.Join(m.home, "go", "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(m.program, filepath.Join(bin, "git-credential-bitbucket")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("systemd-analyze", "--user", "verify", unitPath("service"), unitPath("timer"))
	cmd.Env = append(m.env, "XDG_RUNTIME_DIR="+m.home, "SYSTEMD_LOG_LEVEL=warning")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), unitName) {
		t.Errorf("%v: %s", err, out)
	}
}
