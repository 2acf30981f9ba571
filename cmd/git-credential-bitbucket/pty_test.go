//go:build !windows

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// theEnd is shown behind all that a program wrote.
const theEnd = "(the end)"

// What a person does on the keyboard, besides typing.
const (
	enter         = "\r"
	ctrlC         = "\x03"
	ctrlD         = "\x04"
	ctrlZ         = "\x1a"
	ctrlBackslash = "\x1c"
)

// A screen is a pseudo-terminal with a program on it, and a person before it.
type screen struct {
	t        *testing.T
	keyboard *os.File // the terminal's other end
	line     *os.File // held open, so that the terminal outlives the program
	cmd      *exec.Cmd
	mu       sync.Mutex
	shown    bytes.Buffer
	seen     int // how much of shown the person has read
	drained  chan struct{}
}

// onTerminal starts the program as the leader of a terminal of its own.
func onTerminal(t *testing.T, dir string, env []string, name string, args ...string) *screen {
	t.Helper()
	keyboard, line, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, keyboard: keyboard, line: line, cmd: exec.Command(path, args...), drained: make(chan struct{})}
	s.cmd.Dir, s.cmd.Env = dir, env
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = line, line, line
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.show()
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
		_ = line.Close()
		_ = keyboard.Close()
		<-s.drained
	})
	return s
}

func (s *screen) show() {
	defer close(s.drained)
	piece := make([]byte, 4096)
	for {
		n, err := s.keyboard.Read(piece)
		s.mu.Lock()
		s.shown.Write(piece[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// text is all that was shown, the line ends as the program wrote them.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.shown.String(), "\r\n", "\n")
}

// sees waits until the text comes, behind what was seen before.
func (s *screen) sees(text string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		shown := s.text()
		if at := strings.Index(shown[s.seen:], text); at >= 0 {
			s.seen += at + len(text)
			return
		}
	}
	s.t.Fatalf("%q did not come; the screen:\n%s", text, s.text())
}

func (s *screen) types(keys string) {
	s.t.Helper()
	if _, err := s.keyboard.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// answers types a line when the question comes.
func (s *screen) answers(question, line string) {
	s.t.Helper()
	s.sees(question)
	s.types(line + enter)
}

// ends waits for the program's end with that status.
func (s *screen) ends(status exitStatus) {
	s.t.Helper()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	// What the program wrote last is still on its way.
	if _, err := s.line.WriteString(theEnd); err != nil {
		s.t.Fatal(err)
	}
	s.sees(theEnd)
	if got := s.cmd.ProcessState.ExitCode(); got != int(status) {
		s.t.Fatalf("exit status %d, want %d; the screen:\n%s", got, status, s.text())
	}
}

// echoes types something, which a terminal shows unless it was left without its echo.
func (s *screen) echoes() {
	s.t.Helper()
	s.types("shown again" + enter)
	s.sees("shown again")
}

// hides checks that nothing of a token was ever shown.
func (s *screen) hides(token string) {
	s.t.Helper()
	for part := 0; part+12 <= len(token); part += 12 {
		if strings.Contains(s.text(), token[part:part+12]) {
			s.t.Errorf("the screen shows the token:\n%s", s.text())
		}
	}
}

// A person has a home, in which git knows nobody yet.
type person struct {
	t    *testing.T
	home string
	env  []string
}

func newPerson(t *testing.T, gitConfig string, env ...string) *person {
	t.Helper()
	p := &person{t: t, home: t.TempDir()}
	clock := filepath.Join(p.home, ".clock")
	p.write(clock, "2026-11-23T12:00:00Z")
	p.write(filepath.Join(p.home, ".gitconfig"), gitConfig)
	p.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "TMPDIR=" + p.home, "TERM=dumb", "LC_ALL=C", "TZ=UTC",
		noRaceSleep, noNetwork, "GIT_CONFIG_NOSYSTEM=1", "DBUS_SESSION_BUS_ADDRESS=disabled:", clockVariable + "=" + clock,
		"XDG_CONFIG_HOME=" + filepath.Join(p.home, "config"), "XDG_STATE_HOME=" + filepath.Join(p.home, "state"),
	}, env...)
	return p
}

func (p *person) write(path, text string) {
	p.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// runs starts one of the program's commands on a terminal.
func (p *person) runs(args ...string) *screen {
	p.t.Helper()
	return onTerminal(p.t, p.home, p.env, "git-credential-bitbucket", args...)
}

// gets is what the program, without a terminal, prints for that input.
func (p *person) gets(input string, args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git-credential-bitbucket", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = p.home, p.env, strings.NewReader(input)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

// stored is the token that git would get.
func (p *person) stored() string {
	p.t.Helper()
	_, password, _ := strings.Cut(p.gets("protocol=https\nhost=bitbucket.org\n", "get"), "password=")
	password, _, _ = strings.Cut(password, "\n")
	return password
}
