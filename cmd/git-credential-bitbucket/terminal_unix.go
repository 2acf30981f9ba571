//go:build !windows

package main

import (
	"os/signal"
	"syscall"
)

// refuseStop keeps Ctrl-Z from stopping the program, until restore is called.
func refuseStop() (restore func()) {
	signal.Ignore(syscall.SIGTSTP)
	return func() { signal.Reset(syscall.SIGTSTP) }
}

// The controlling terminal, whatever the standard streams are.
const (
	terminalDevice = "/dev/tty"
	terminalOutput = "/dev/tty"
)
