package main

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the console's interrupts from the command, which is killed instead.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// apart leaves the command alone: a console is of no use to a browser here.
func apart(cmd *exec.Cmd) { ownGroup(cmd) }
