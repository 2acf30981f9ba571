package store

import (
	"os"
	"slices"
)

// A process is a row of the process table.
type process struct {
	pid, parent int
	args        []string
}

// killChildren ends the children of this process that were started with the given
// argument, and all below them; nobody else's. They are stopped from the top before
// any is killed, lest one starts another meanwhile.
func killChildren(argument string) {
	tree := map[int]bool{}
	for range 10 {
		grown := false
		for _, p := range processes() {
			ours := tree[p.parent] || p.parent == os.Getpid() && slices.Contains(p.args, argument)
			if ours && !tree[p.pid] {
				tree[p.pid], grown = true, true
				stopProcess(p.pid)
			}
		}
		if !grown {
			break
		}
	}
	for pid := range tree {
		killProcess(pid)
	}
}
