package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store/secret"
)

const (
	sentinel    = "x-bitbucket-api-token-auth"
	onBitbucket = "protocol=https\nhost=bitbucket.org\n"
	inAcme      = onBitbucket + "path=acme/app.git\n"
)

// noNetwork leads whoever would ask Bitbucket to a port where nobody listens.
const noNetwork = "HTTPS_PROXY=http://127.0.0.1:1"

// made is a token as Bitbucket makes them: its kind's letters, a body and a checksum.
func made(prefix, body string) secret.Secret {
	text := prefix + "-made-for-tests-" + body
	return secret.New(text + fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(text))))
}

var apiToken, accessToken = made("ATATT", "work"), made("ATCTT", "pipeline")

func answered(username string, token secret.Secret) string {
	return "username=" + username + "\npassword=" + token.Reveal() + "\n"
}

// machine is an empty home in which the program is run as processes of its own. The
// program is this test binary under its name; see TestMain.
type machine struct {
	testing.TB
	program, home string
	env           []string
}

func newMachine(t testing.TB, env ...string) *machine {
	t.Helper()
	program, err := exec.LookPath("git-credential-bitbucket")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	return &machine{t, program, home, append([]string{
		"HOME=" + home, "USERPROFILE=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + home, "SystemRoot=" + os.Getenv("SystemRoot"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "DBUS_SESSION_BUS_ADDRESS=disabled:", "TZ=UTC", "LC_ALL=C",
		noRaceSleep, noNetwork,
	}, env...)}
}

// without is the machine's environment without the variable.
func (m *machine) without(name string) []string {
	return slices.DeleteFunc(slices.Clone(m.env), func(line string) bool { return strings.HasPrefix(line, name+"=") })
}

// keep stores the token in the encrypted file.
func (m *machine) keep(token secret.Secret, args ...string) {
	m.Helper()
	r := m.run(token.Reveal(), append([]string{"store", "--token-stdin", "--no-verify", "--backend", "file"}, args...)...)
	if r.status != 0 {
		m.Fatalf("store: %d, %s", r.status, r.stderr)
	}
}

// result is how a process ended.
type result struct {
	stdout, stderr string
	status         int // -1: by a signal
	took           time.Duration
}

// command is the program with the input, not yet started.
func (m *machine) command(stdin string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	m.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, m.program, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = m.env, m.home, strings.NewReader(stdin)
	return cmd
}

func (m *machine) run(stdin string, args ...string) result {
	m.Helper()
	return m.finish(m.command(stdin, args...))
}

func (m *machine) finish(cmd *exec.Cmd) result {
	m.Helper()
	var out, errs bytes.Buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &errs
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.Error(err)
		return result{}
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode(), time.Since(start)}
}

// wants checks a whole result; stderr is a beginning, "" for silence.
func (m *machine) wants(name string, r result, stdout, stderr string, status int) {
	m.Helper()
	if r.stdout != stdout || r.status != status || !strings.HasPrefix(r.stderr, stderr) || stderr == "" && r.stderr != "" || strings.Count(r.stderr, "\n") > 1 {
		m.Errorf("%s: status %d, stdout %q, stderr %q; want %d, %q, %q", name, r.status, r.stdout, r.stderr, status, stdout, stderr)
	}
}

// files lists every file below the home with its content.
func (m *machine) files() map[string]string {
	m.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(m.home, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		found[path] = string(data)
		return err
	})
	if err != nil {
		m.Fatal(err)
	}
	return found
}
