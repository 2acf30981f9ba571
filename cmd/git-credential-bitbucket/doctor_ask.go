package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"time"
)

// ask runs a program with that input, without our secrets and in a process group of its
// own, and returns what it wrote.
func (p *process) ask(ctx context.Context, input, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var out limitedBuffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.WaitDelay = append(p.childEnviron(), "GIT_TERMINAL_PROMPT=0", "GCM_INTERACTIVE=never", "LC_ALL=C"), time.Second/2
	cmd.Stdin, cmd.Stdout = strings.NewReader(input), &out
	ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	return out.kept.Bytes(), err
}
