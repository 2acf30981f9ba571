//go:build !windows

package main

import "syscall"

// detach leaves the terminal, if there is one: git, and a command that asks, would ask
// whoever runs the tests. An error means that the process leads its group: it was not
// started by go test.
func detach() { _, _ = syscall.Setsid() }
