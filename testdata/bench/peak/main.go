//go:build unix

// Command peak runs the command in its arguments and prints how much memory it took at
// the most, in bytes. A process is accounted its parent's memory from before exec, so
// that the parent has to be small.
package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
)

func main() {
	child, err := os.StartProcess(os.Args[1], os.Args[1:], &os.ProcAttr{Files: []*os.File{os.Stdin, nil, nil}})
	if err != nil {
		os.Exit(1)
	}
	state, err := child.Wait()
	if err != nil || !state.Success() {
		os.Exit(1)
	}
	bytes := state.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" {
		bytes <<= 10 // getrusage(2): kilobytes, on macOS bytes
	}
	_, _ = os.Stdout.WriteString(strconv.FormatInt(bytes, 10))
}
