package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// parents returns the process ids of the parent and, where /proc tells it, of the
// parent's parent.
func parents() []int {
	parent := os.Getppid()
	chain := []int{parent}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", parent))
	if err != nil {
		return chain
	}
	// proc(5): "pid (comm) state ppid …", and comm may hold blanks and parentheses.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return chain
	}
	if grandparent, err := strconv.Atoi(string(fields[1])); err == nil && grandparent > 1 {
		chain = append(chain, grandparent)
	}
	return chain
}
