package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"git-credential-bitbucket/store"
)

// parents identifies who asked, and the parent of that. Where there is no /proc, so on
// macOS and Windows, nobody is identified: there no token typed at git's prompt is kept.
func parents() []string { return procfs("/proc").chain(os.Getpid(), os.Getppid()) }

// procfs is the folder in which Linux tells of processes, see proc(5).
type procfs string

// chain identifies the process that asked, and the parent of that if it has one but the
// first, as "PID.START.SYSTEM". A PID alone is not enough: two containers that share
// a home give their first processes the same. What git puts between itself and a helper
// is passed over: a shell, which may or may not replace itself by its command, and for
// a helper by name "git credential-bitbucket" and one more shell.
func (p procfs) chain(self, parent int) (ids []string) {
	system, ok := p.system(self)
	if !ok {
		return nil
	}
	const between, told = 3, 2
	asker := parent
	for range between {
		above, _, ok := p.stat(asker)
		if !ok || !p.startsUs(asker) {
			break
		}
		asker = above
	}
	for asker > 1 && len(ids) < told {
		above, start, ok := p.stat(asker)
		if !ok {
			break
		}
		ids = append(ids, fmt.Sprintf("%d.%s.%s", asker, start, system))
		asker = above
	}
	return ids
}

// system tells this boot and this namespace of process ids from any other, in eight
// digits, so that two processes fit into a log's note. It fails where either is not to be
// known, and where the folder is about another namespace than the one that self is of.
func (p procfs) system(self int) (digits string, ok bool) {
	own, _ := os.Readlink(filepath.Join(string(p), "self"))
	boot, _ := os.ReadFile(filepath.Join(string(p), "sys", "kernel", "random", "boot_id"))
	namespace, _ := os.Readlink(filepath.Join(string(p), strconv.Itoa(self), "ns", "pid"))
	if own != strconv.Itoa(self) || len(boot) == 0 || namespace == "" {
		return "", false
	}
	sum := sha256.Sum256([]byte(namespace + "\n" + string(boot)))
	return fmt.Sprintf("%x", sum[:4]), true
}

// startsUs reports whether the process does nothing but start this program. The form of
// its arguments counts, for a repository's name can be among another's.
func (p procfs) startsUs(id int) bool {
	line, err := os.ReadFile(filepath.Join(string(p), strconv.Itoa(id), "cmdline"))
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

// stat is a process's parent, and when it started, in clock ticks since boot.
func (p procfs) stat(id int) (parent int, start string, ok bool) {
	stat, err := os.ReadFile(filepath.Join(string(p), strconv.Itoa(id), "stat"))
	if err != nil {
		return 0, "", false
	}
	// "pid (comm) state ppid … starttime …", the fields 1 to 4 and 22; comm may hold
	// blanks and parentheses.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return 0, "", false
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return parent, string(fields[19]), err == nil
}
