//go:build linux && (amd64 || arm64)

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A program is killed instead of being let do its n-th change. strace can inject a
// signal too, but counts each thread's calls by themselves (strace(1), "per tracee"), and
// of a Go program's threads any may make a call: some would never be the one.

// changes are the calls by which a Go program can change what another process sees.
// fsync is none: what is on the disk matters where the power is cut.
var changes = map[uint64]string{
	unix.SYS_OPENAT: "openat", unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite64", unix.SYS_WRITEV: "writev",
	unix.SYS_RENAMEAT: "renameat", unix.SYS_RENAMEAT2: "renameat2", unix.SYS_LINKAT: "linkat", unix.SYS_SYMLINKAT: "symlinkat",
	unix.SYS_UNLINKAT: "unlinkat", unix.SYS_MKDIRAT: "mkdirat", unix.SYS_TRUNCATE: "truncate", unix.SYS_FTRUNCATE: "ftruncate",
	unix.SYS_FCHMOD: "fchmod", unix.SYS_FCHMODAT: "fchmodat",
}

const (
	syscallStop = unix.SIGTRAP | 0x80 // PTRACE_O_TRACESYSGOOD
	atEntry     = 1                   // PTRACE_SYSCALL_INFO_ENTRY
)

// A killer starts a program, which must start no other, and kills it at one of its
// changes: before it is made, and what is sent to another process also right after.
type killer struct {
	pid    int
	number int // the change at which to kill, from 1
	counts func(what string) bool
	sent   map[int]string // by thread: what it is sending
}

// kill returns the change at which the program was killed, or "" if it came to its end
// before, and then its exit status.
func (k *killer) kill(cmd *exec.Cmd) (at string, status int, err error) {
	// What is traced belongs to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	defer null.Close()
	in := null
	if cmd.Stdin != nil {
		in = cmd.Stdin.(*os.File)
	}
	process, err := os.StartProcess(cmd.Path, cmd.Args, &os.ProcAttr{
		Dir: cmd.Dir, Env: cmd.Env, Files: []*os.File{in, null, null},
		Sys: &syscall.SysProcAttr{Ptrace: true, Setsid: true},
	})
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = process.Release() }()
	k.pid, k.sent = process.Pid, map[int]string{}
	var ws unix.WaitStatus
	thread, err := unix.Wait4(k.pid, &ws, unix.WALL, nil)
	if err != nil {
		return "", 0, err
	}
	err = unix.PtraceSetOptions(k.pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL)
	for err == nil {
		if at == "" && ws.Stopped() {
			pass := 0
			switch signal := ws.StopSignal(); {
			case signal == syscallStop:
				if what := k.change(thread); what != "" && k.counts(what) {
					if k.number--; k.number == 0 {
						at = what
						err = unix.Kill(k.pid, unix.SIGKILL)
						continue
					}
				}
			case signal != unix.SIGTRAP && signal != unix.SIGSTOP:
				pass = int(signal)
			}
			_ = unix.PtraceSyscall(thread, pass)
		}
		// By its group, for the tests beside this one have children too.
		if thread, err = unix.Wait4(-k.pid, &ws, unix.WALL, nil); thread == k.pid && (ws.Exited() || ws.Signaled()) {
			break
		}
	}
	return at, ws.ExitStatus(), err
}

// change is the change that the stopped thread is about to make, or what it has sent
// right now, or "".
func (k *killer) change(thread int) string {
	var info [88]byte // struct ptrace_syscall_info, ptrace(2)
	_, _, _ = unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if info[0] != atEntry {
		defer delete(k.sent, thread)
		return k.sent[thread]
	}
	field := func(n int) uint64 { return binary.NativeEndian.Uint64(info[24+8*n:]) } // 0: the call, 1…: its arguments
	name := changes[field(0)]
	switch name {
	case "openat":
		path := textAt(thread, uintptr(field(2)))
		_, err := os.Lstat(path)
		if flags := field(3); flags&unix.O_TRUNC == 0 && (flags&unix.O_CREAT == 0 || err == nil) {
			return ""
		}
		name += " " + path
	case "write", "pwrite64", "writev":
		// The runtime wakes its own threads by a write, and what is said to a person
		// changes nothing.
		file, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", k.pid, field(1)))
		name += " " + file
		if strings.HasPrefix(file, "socket:") {
			if name += " " + request(textOf(thread, uintptr(field(2)), int(field(3)))); name[len(name)-1] == ' ' {
				return ""
			}
			k.sent[thread] = "behind " + name
		} else if !strings.HasPrefix(file, "/") || file == os.DevNull {
			return ""
		}
	}
	return name
}

// request is the request for a change that a message to the secret service makes, or "".
// The others, some forty for each of ours, only ask.
func request(message string) string {
	for _, name := range []string{"CreateItem", "SetSecret", "Delete", "Unlock"} {
		if strings.Contains(message, name) {
			return name
		}
	}
	return ""
}

// textOf is what the stopped thread has in its memory there.
func textOf(thread int, place uintptr, size int) string {
	text := make([]byte, size)
	n, _ := unix.PtracePeekData(thread, place, text)
	return string(text[:max(0, n)])
}

// textAt is a text of C there.
func textAt(thread int, place uintptr) string {
	for size := 64; ; size *= 2 {
		text, _, ends := strings.Cut(textOf(thread, place, size), "\x00")
		if ends || size > 4096 {
			return text
		}
	}
}
