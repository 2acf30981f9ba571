package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// commandLimit is how long a token command may take.
const commandLimit = 10 * time.Second

// runTokenCommand runs the command in a shell, with nothing to read, in a process
// group of its own that ends with the time limit, and without our variables that hold
// secrets. What it writes to stderr is shown. It is run in the home directory: the
// working directory is that of a repository, which may be anybody's.
func (p *process) runTokenCommand(ctx context.Context, source, command string) (secret.Secret, error) {
	if strings.TrimSpace(command) == "" {
		return secret.Secret{}, &sourceError{source, "is set but empty", "give it a command that prints the token, or unset it"}
	}
	if bitbucket.KindOf(secret.New(command)) != bitbucket.UnknownKind {
		return secret.Secret{}, &sourceError{source, "holds a token and no command", "set BITBUCKET_API_TOKEN instead"}
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		return secret.Secret{}, &sourceError{source, "cannot be run: there is no sh on PATH", "add it to PATH"}
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()

	var out limitedBuffer
	cmd := exec.CommandContext(ctx, shell, "-c", command)
	cmd.Env, cmd.Dir = p.childEnviron(), p.home()
	if info, err := os.Stat(cmd.Dir); err != nil || !info.IsDir() {
		cmd.Dir = string(os.PathSeparator)
	}
	cmd.Stdout, cmd.Stderr = &out, p.stderr
	if !term.IsTerminal(int(p.stderr.Fd())) {
		// Whoever reads git's stderr to its end must not wait for a descendant that
		// keeps it open: it gets a pipe that ends with us.
		cmd.Stderr = struct{ io.Writer }{p.stderr}
	}
	ownGroup(cmd)
	// A descendant that keeps the output open must not keep us.
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return secret.Secret{}, &sourceError{source, fmt.Sprintf("gave no token within %s", commandLimit), "run the command by hand to see why"}
	case ctx.Err() != nil:
		return secret.Secret{}, &sourceError{source, "was interrupted", "run git again"}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return secret.Secret{}, &sourceError{source, "failed: " + err.Error(), "run the command by hand to see why"}
	}
	return secret.New(out.String()), nil
}

// childEnviron is the environment without the variables that hold a secret of ours.
func (p *process) childEnviron() []string {
	var kept []string
	for _, line := range os.Environ() {
		name, _, _ := strings.Cut(line, "=")
		if !holdsSecret(name) {
			kept = append(kept, line)
		}
	}
	return kept
}

// dropSecrets takes them out of our own environment, for a library that starts programs.
func dropSecrets() {
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); holdsSecret(name) {
			_ = os.Unsetenv(name)
		}
	}
}

func holdsSecret(name string) bool {
	switch strings.TrimSuffix(name, "_FILE") {
	case commandVariable, passphraseVariable, clientVariable, clientSecretVariable, "ATLASSIAN_API_TOKEN", "BITBUCKET_APP_PASSWORD":
		return true
	}
	for _, variable := range variables {
		if strings.TrimSuffix(name, "_FILE") == variable.name {
			return true
		}
	}
	return false
}

// limitedBuffer keeps one byte more than a token may have, and drops what follows. The
// buffer is no embedded field: its ReadFrom would go past Write.
type limitedBuffer struct{ kept bytes.Buffer }

func (b *limitedBuffer) Write(data []byte) (int, error) {
	room := max(0, bitbucket.MaxToken+1-b.kept.Len())
	b.kept.Write(data[:min(room, len(data))])
	return len(data), nil
}

func (b *limitedBuffer) String() string { return b.kept.String() }
