package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// readyWithin is how long a real service may take to start.
const readyWithin = 20 * time.Second

// A cleanup is a stack of what has to be undone.
type cleanup []func() error

func (c *cleanup) add(f func() error) { *c = append(*c, f) }

// Close undoes everything, the last first.
func (c *cleanup) Close() error {
	var all []error
	for i := len(*c) - 1; i >= 0; i-- {
		all = append(all, (*c)[i]())
	}
	*c = nil
	return errors.Join(all...)
}

// folder makes a folder whose path is short enough for a socket below it.
func (c *cleanup) folder() (string, error) {
	dir, err := os.MkdirTemp("", "bb")
	if err == nil {
		c.add(func() error { return os.RemoveAll(dir) })
	}
	return dir, err
}

// start runs a program until Close kills it.
func (c *cleanup) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	c.add(func() error {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil
	})
	return nil
}

// startLine starts a program and returns the first line that it prints.
func (c *cleanup) startLine(cmd *exec.Cmd) (string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer read.Close()
	cmd.Stdout = write
	err = c.start(cmd)
	_ = write.Close()
	if err != nil {
		return "", err
	}
	_ = read.SetReadDeadline(time.Now().Add(readyWithin))
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s printed nothing: %w", cmd.Path, err)
	}
	return strings.TrimSpace(line), nil
}

// until waits for a condition.
func until(what string, ready func() bool) error {
	for end := time.Now().Add(readyWithin); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ready() {
			return nil
		}
	}
	return fmt.Errorf("waited %v for %s", readyWithin, what)
}

// started hands a test what was started for it, and closes it in the end.
func started[T io.Closer](t testing.TB, it T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	})
	return it
}

// bare is the environment that programs get which must not see the person's own.
func bare(home string, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8"}, more...)
}
