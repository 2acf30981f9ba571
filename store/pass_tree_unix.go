//go:build unix

package store

import "syscall"

func stopProcess(pid int) { _ = syscall.Kill(pid, syscall.SIGSTOP) }
func killProcess(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }
