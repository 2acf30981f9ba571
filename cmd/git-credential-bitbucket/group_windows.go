package main

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps the console's interrupts from the command, which is killed instead.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
