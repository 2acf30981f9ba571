package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"git-credential-bitbucket/store"
)

// parents returns the process ids of who asked and, where /proc tells it, of the parent
// of that. What git puts between itself and a helper is passed over: a shell, which may
// or may not replace itself by its command, and for a helper by name "git
// credential-bitbucket" and one more shell.
func parents() []int {
	const between = 3
	asker := os.Getppid()
	for range between {
		above, ok := parentOf(asker)
		if !ok || !startsUs(asker) {
			break
		}
		asker = above
	}
	chain := []int{asker}
	if above, ok := parentOf(asker); ok {
		chain = append(chain, above)
	}
	return chain
}

// startsUs reports whether the process does nothing but start this program. The form of
// its arguments counts, for a repository's name can be among another's.
func startsUs(id int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id))
	if err != nil {
		return false
	}
	args := strings.Split(string(line), "\x00")
	if len(args) < 3 {
		return false
	}
	name := strings.TrimPrefix(store.Service, "git-")
	switch filepath.Base(args[0]) {
	case "sh":
		return args[1] == "-c" && strings.Contains(args[2], name)
	case "git":
		return args[1] == name
	}
	return false
}

// parentOf is the process's parent, unless that is the first process or not to be known.
func parentOf(id int) (parent int, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0, false
	}
	// proc(5): "pid (comm) state ppid …", and comm may hold blanks and parentheses.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0, false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return parent, err == nil && parent > 1
}
