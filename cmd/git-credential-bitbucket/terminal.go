package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

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
	line, err := interruptible(context.Background(), t, func(*term.State) { t.print("%s", prompt) }, t.lines.ReadString, '\n')
	return strings.TrimSpace(line), err
}

// askSecret reads one line without showing it. The prompt comes once the echo is off,
// so that what is typed at once is not shown either.
func (t *terminal) askSecret(prompt string) (secret.Secret, error) {
	return t.askSecretUntil(context.Background(), prompt)
}

// askSecretUntil is askSecret until the context ends, whose error it then returns: the
// terminal is not to be read from again.
func (t *terminal) askSecretUntil(ctx context.Context, prompt string) (secret.Secret, error) {
	fd := int(t.in.Fd())
	text, err := interruptible(ctx, t, func(before *term.State) {
		const longest = 100 * time.Millisecond // the echo may have been off before
		for start := time.Now(); time.Since(start) < longest; time.Sleep(time.Millisecond) {
			if now, err := term.GetState(fd); err != nil || *now != *before {
				break
			}
		}
		t.print("%s", prompt)
	}, term.ReadPassword, fd)
	t.print("\n")
	return secret.New(string(text)), err
}

// confirm reads a yes or no; an empty line is def.
func (t *terminal) confirm(question string, def bool) (bool, error) {
	choice := " [y/N] "
	if def {
		choice = " [Y/n] "
	}
	for {
		answer, err := t.ask(question + choice)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return def, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

// interruptible calls read, then prompt with the terminal's state of before, and gives
// the terminal that state back if the person stops the program meanwhile, or the context
// ends.
func interruptible[A, R any](ctx context.Context, t *terminal, prompt func(*term.State), read func(A) (R, error), argument A) (R, error) {
	var none R
	state, err := term.GetState(int(t.in.Fd()))
	if err != nil {
		return none, errNoTerminal
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	// Whoever stopped it here and went on would find the echo back on.
	defer refuseStop()()
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
	prompt(state)
	var r result
	interrupt := false
	select {
	case r = <-done:
		select {
		case <-stop: // at once followed by Enter
			interrupt = true
		default:
		}
	case <-stop:
		interrupt = true
	case <-ctx.Done():
		_ = term.Restore(int(t.in.Fd()), state)
		return none, ctx.Err()
	}
	if interrupt {
		_ = term.Restore(int(t.in.Fd()), state)
		t.print("\n")
		return none, interrupted()
	}
	return r.value, r.err
}
