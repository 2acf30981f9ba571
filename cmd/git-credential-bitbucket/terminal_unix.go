//go:build !windows

package main

// The controlling terminal, whatever the standard streams are.
const (
	terminalDevice = "/dev/tty"
	terminalOutput = "/dev/tty"
)
