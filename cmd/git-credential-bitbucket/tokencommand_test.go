package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store/secret"
)

// ranCommand runs the token command with a home, and returns what it gave.
func ranCommand(t *testing.T, p *process, command string) (secret.Secret, error) {
	t.Helper()
	return p.runTokenCommand(context.Background(), commandVariable, command)
}

func atHome(t *testing.T) (p *process, home string) {
	t.Helper()
	require.Tool(t, "sh")
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return inside(t, map[string]string{"HOME": home, "USERPROFILE": home}), home
}

func TestTokenCommand(t *testing.T) {
	for _, c := range []struct{ name, command, want string }{
		{"its output", "echo token", "token\n"},
		{"a shell's line", "printf tok; printf %s en | cat", "token"},
		{"nothing to read", "cat; echo token", "token\n"},
		{"not its stderr", "echo token; echo hint >&2", "token\n"},
		{"an empty output", "true", ""},
	} {
		p, _ := atHome(t)
		got, err := ranCommand(t, p, c.command)
		if err != nil || got.Reveal() != c.want {
			t.Errorf("%s: %q, %v", c.name, got.Reveal(), err)
		}
	}
}

func TestTokenCommandStderr(t *testing.T) {
	p, _ := atHome(t)
	if _, err := ranCommand(t, p, "echo 'vault: sealed' >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "BITBUCKET_TOKEN_COMMAND failed: exit status 3") {
		t.Error(err)
	}
	if got := p.said(t); got != "vault: sealed\n" {
		t.Errorf("%q", got)
	}
}

func TestTokenCommandFailure(t *testing.T) {
	p, _ := atHome(t)
	for command, says := range map[string]string{
		"exit 1":                          "failed: exit status 1",
		"echo token; false":               "failed: exit status 1",
		"/nonexistent/program 2>/dev/nil": "failed",
		"kill -9 $$":                      "failed: signal: killed",
		"":                                "is set but empty",
	} {
		token, err := ranCommand(t, p, command)
		var known *sourceError
		if !errors.As(err, &known) || !strings.Contains(err.Error(), says) || known.remedy == "" || !token.IsZero() {
			t.Errorf("%q: %q, %v", command, token.Reveal(), err)
		}
		if command != "" && strings.Contains(err.Error(), command) {
			t.Errorf("%q is told, and may hold a secret: %v", command, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := ranCommand(t, p, "echo token"); err == nil || !strings.Contains(err.Error(), "there is no sh on PATH") {
		t.Error(err)
	}
}

// It runs at home: the working directory may be anybody's repository.
func TestTokenCommandFolder(t *testing.T) {
	p, home := atHome(t)
	got, err := ranCommand(t, p, "pwd -P")
	if err != nil || got.Reveal() != home+"\n" {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	for _, none := range []map[string]string{nil, {"HOME": filepath.Join(home, "missing")}} {
		p := inside(t, none)
		if got, err := ranCommand(t, p, "pwd -P"); err != nil || got.Reveal() != string(os.PathSeparator)+"\n" {
			t.Errorf("without a home: %q, %v", got.Reveal(), err)
		}
	}
}

func TestTokenCommandEnvironment(t *testing.T) {
	p, _ := atHome(t)
	for _, variable := range variables {
		t.Setenv(variable.name, "hidden")
		t.Setenv(variable.name+"_FILE", "hidden")
	}
	t.Setenv(commandVariable, "hidden")
	t.Setenv("BITBUCKET_CREDENTIAL_PASSPHRASE", "hidden")
	t.Setenv("BITBUCKET_BUILD_NUMBER", "7")
	got, err := ranCommand(t, p, "env")
	if err != nil || strings.Contains(got.Reveal(), "hidden") || !strings.Contains(got.Reveal(), "BITBUCKET_BUILD_NUMBER=7\n") {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
}

// What a command leaves behind keeps the answer for a second, not for its own life.
func TestTokenCommandBackground(t *testing.T) {
	t.Parallel()
	p, home := atHome(t)
	start := time.Now()
	got, err := ranCommand(t, p, "sleep 30 & echo $! >pid; echo token")
	took := time.Since(start)
	end(t, filepath.Join(home, "pid"))
	if err != nil || got.Reveal() != "token\n" || took > 10*time.Second {
		t.Errorf("%q, %v, after %s", got.Reveal(), err, took)
	}
}

// The time limit ends the whole group.
func TestTokenCommandLimit(t *testing.T) {
	t.Parallel()
	p, home := atHome(t)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	token, err := p.runTokenCommand(ctx, commandVariable, "sleep 30 & echo $! >pid; wait")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err == nil || !strings.Contains(err.Error(), "gave no token within 10s") || !token.IsZero() {
		t.Error(err)
	}
	if end(t, filepath.Join(home, "pid")) {
		t.Error("what the command started lives on")
	}
}

func TestTokenCommandInterrupted(t *testing.T) {
	p, _ := atHome(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.runTokenCommand(ctx, commandVariable, "sleep 30"); err == nil || !strings.Contains(err.Error(), "was interrupted") {
		t.Error(err)
	}
}

// end ends the process whose id the file has, and reports whether it was alive.
func end(t *testing.T, path string) (alive bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(id)
	if err != nil {
		return false
	}
	// A killed process stays for a moment until it is reaped.
	for range 50 {
		if stat, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		break
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(id) + "/stat")
	alive = err == nil && !strings.Contains(string(stat), ") Z ")
	_ = process.Kill()
	return alive
}

// A command that prints without end is read to its end, and refused.
func TestLimitedBuffer(t *testing.T) {
	var b limitedBuffer
	for range 3 {
		data := []byte(strings.Repeat("x", bitbucket.MaxToken/2+1))
		if n, err := b.Write(data); n != len(data) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if n := len(b.String()); n != bitbucket.MaxToken+1 {
		t.Errorf("%d bytes are kept", n)
	}
	if _, err := bitbucket.Clean(secret.New(b.String())); !errors.Is(err, bitbucket.ErrLongToken) {
		t.Error(err)
	}
	p, _ := atHome(t)
	got, err := ranCommand(t, p, "head -c 300000 /dev/zero | tr '\\0' x")
	if err != nil || len(got.Reveal()) != bitbucket.MaxToken+1 {
		t.Errorf("%d bytes, %v", len(got.Reveal()), err)
	}
}
