package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"

	"git-credential-bitbucket/store/secret"
)

// errNoTerminal: there is nobody to ask.
var errNoTerminal = errors.New("there is no terminal to ask on")

// terminal is where a person is asked: never the standard streams, which may be
// anything.
type terminal struct {
	in, out *os.File
	lines   *bufio.Reader
}

func openTerminal() (*terminal, error) {
	in, err := os.OpenFile(terminalDevice, os.O_RDWR, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	out, err := os.OpenFile(terminalOutput, os.O_WRONLY, 0)
	if err != nil {
		_ = in.Close()
		return nil, errNoTerminal
	}
	return &terminal{in, out, bufio.NewReader(in)}, nil
}

func (t *terminal) Close() {
	_ = t.in.Close()
	_ = t.out.Close()
}

func (t *terminal) print(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

// ask reads one line.
func (t *terminal) ask(prompt string) (string, error) {
	t.print("%s", prompt)
	line, err := interruptible(t, t.lines.ReadString, '\n')
	return strings.TrimSpace(line), err
}

// askSecret reads one line without showing it.
func (t *terminal) askSecret(prompt string) (secret.Secret, error) {
	t.print("%s", prompt)
	text, err := interruptible(t, term.ReadPassword, int(t.in.Fd()))
	t.print("\n")
	return secret.New(string(text)), err
}

// confirm reads a yes or no; an empty line is yes.
func (t *terminal) confirm(question string) (bool, error) {
	for {
		answer, err := t.ask(question + " [Y/n] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "", "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// interruptible calls read, and gives the terminal its echo back if the person stops
// the program meanwhile.
func interruptible[A, R any](t *terminal, read func(A) (R, error), argument A) (R, error) {
	state, err := term.GetState(int(t.in.Fd()))
	if err != nil {
		var none R
		return none, errNoTerminal
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(stop)
	type result struct {
		value R
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read(argument)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-stop:
		_ = term.Restore(int(t.in.Fd()), state)
		t.print("\n")
		var none R
		return none, fail(exitInterrupted, "interrupted; nothing was changed")
	}
}
