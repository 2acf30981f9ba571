package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fakeProc is a /proc with this boot and namespace, in which process 20 is this program.
type fakeProc struct {
	testing.TB
	folder string
}

func newProc(t testing.TB) fakeProc {
	p := fakeProc{t, t.TempDir()}
	p.write("sys/kernel/random/boot_id", "66cdbb4a\n")
	p.link("self", "20")
	p.link("20/ns/pid", "pid:[4026531836]")
	p.process(20, 14, 100, "git-credential-bitbucket\x00get\x00")
	p.process(14, 13, 100, "sh\x00-c\x00git credential-bitbucket get\x00git credential-bitbucket get\x00")
	p.process(13, 12, 99, "/usr/lib/git-core/git\x00remote-https\x00origin\x00")
	p.process(12, 1, 98, "git\x00fetch\x00")
	p.process(1, 0, 1, "init\x00")
	return p
}

// place is where a file goes; what stood there is gone.
func (p fakeProc) place(name string) string {
	p.Helper()
	file := filepath.Join(p.folder, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.Fatal(err)
	}
	_ = os.Remove(file)
	return file
}

func (p fakeProc) write(name, text string) {
	p.Helper()
	if err := os.WriteFile(p.place(name), []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
}

func (p fakeProc) link(name, target string) {
	p.Helper()
	if err := os.Symlink(target, p.place(name)); err != nil {
		p.Fatal(err)
	}
}

func (p fakeProc) process(id, parent int, start int64, line string) {
	p.Helper()
	p.write(fmt.Sprintf("%d/stat", id), fmt.Sprintf("%d (a) 1 2 (b) S %d 0 0 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 4096 1", id, parent, start))
	p.write(fmt.Sprintf("%d/cmdline", id), line)
}

func (p fakeProc) chain() []string { return procfs(p.folder).chain(20, 14) }

// Who asked is told by more than its number, which another container gives too: any
// other start, boot or namespace is somebody else. What is not to be known is nobody.
func TestParentsOfOneGit(t *testing.T) {
	usual := newProc(t).chain()
	if len(usual) != 2 || !strings.HasPrefix(usual[0], "13.99.") || !strings.HasPrefix(usual[1], "12.98.") || !slices.Equal(usual, newProc(t).chain()) {
		t.Fatalf("%v, then %v", usual, newProc(t).chain())
	}
	for _, c := range []struct {
		name   string
		change func(p fakeProc)
		known  int // how many are identified
	}{
		{"other starts", func(p fakeProc) {
			p.process(13, 12, 299, "git\x00remote-https\x00")
			p.process(12, 1, 298, "git\x00fetch\x00")
		}, 2},
		{"another boot", func(p fakeProc) { p.write("sys/kernel/random/boot_id", "77cdbb4a\n") }, 2},
		{"another namespace", func(p fakeProc) { p.link("20/ns/pid", "pid:[4026532178]") }, 2},
		{"an unknown boot", func(p fakeProc) { p.place("sys/kernel/random/boot_id") }, 0},
		{"an unknown namespace", func(p fakeProc) { p.place("20/ns/pid") }, 0},
		{"the /proc of another namespace", func(p fakeProc) { p.link("self", "4711") }, 0},
		{"no /proc", func(p fakeProc) { p.place("self") }, 0},
		{"an asker that is gone", func(p fakeProc) { p.process(14, 1, 100, "sh\x00-c\x00git credential-bitbucket get\x00") }, 0},
		{"no starts", func(p fakeProc) { p.write("13/stat", "13 (git) S 12 0 0") }, 0},
	} {
		p := newProc(t)
		c.change(p)
		got := p.chain()
		if len(got) != c.known || slices.ContainsFunc(got, func(id string) bool { return slices.Contains(usual, id) }) {
			t.Errorf("%s: %v, usually %v", c.name, got, usual)
		}
	}
	p := newProc(t)
	if got := procfs(p.folder).chain(20, 1); got != nil {
		t.Errorf("the first process, which adopts every orphan, is taken for a git: %v", got)
	}
}

// A log's note holds 100 bytes: the largest processes, in a machine up for a century.
func TestParentsFitANote(t *testing.T) {
	const largest, century = 1 << 22, 100 * 366 * 24 * 3600 * 1000
	p := newProc(t)
	p.process(largest-1, largest, century, "git\x00remote-https\x00")
	p.process(largest, 1, century, "git\x00fetch\x00")
	got := procfs(p.folder).chain(20, largest-1)
	if note := strings.Join(got, ","); len(got) != 2 || len(note) > 100 {
		t.Errorf("%d bytes: %s", len(note), note)
	}
}

// The real /proc tells of this test.
func TestParentsHere(t *testing.T) {
	self := os.Getpid()
	got := procfs("/proc").chain(self, self)
	if len(got) == 0 || !strings.HasPrefix(got[0], strconv.Itoa(self)+".") || !slices.Equal(got, procfs("/proc").chain(self, self)) {
		t.Errorf("%v, in process %d", got, self)
	}
}
