package install

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestPlace(t *testing.T) {
	h := newHouse(t)
	h.write("src", "#!/bin/sh\necho one\n")
	dst := h.path("new/dir/" + Binary)
	place := func(want bool) {
		t.Helper()
		changed, err := Place(h.path("src"), dst)
		if err != nil || changed != want {
			t.Fatalf("changed %v, %v", changed, err)
		}
		if left, _ := filepath.Glob(h.path("new/dir/.*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	place(true)
	if out, err := exec.Command(dst).Output(); err != nil || string(out) != "one\n" {
		t.Errorf("%q, %v", out, err)
	}
	if info, _ := os.Stat(dst); info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v", info.Mode())
	}
	place(false)
	h.chmod("new/dir/"+Binary, 0o600)
	place(true)
	h.write("src", "#!/bin/sh\necho two\n")
	old, err := os.Open(dst)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	place(true)
	if is, was := mustStat(t, dst), mustInfo(t, old); os.SameFile(is, was) {
		t.Error("written into the file that runs, not put in its place")
	}
	if changed, err := Place(dst, dst); changed || err != nil {
		t.Errorf("onto itself: %v, %v", changed, err)
	}
}

func mustStat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func mustInfo(t *testing.T, f *os.File) os.FileInfo {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestPlaceFails(t *testing.T) {
	h := newHouse(t)
	h.write("src", "x")
	h.write("file", "y")
	if err := os.Mkdir(h.path("dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	var fe *FileError
	for _, c := range [][2]string{{"none", "dst"}, {"src", "dir"}, {"src", "file/dst"}} {
		if changed, err := Place(h.path(c[0]), h.path(c[1])); changed || !errors.As(err, &fe) {
			t.Errorf("%v: %v, %v", c, changed, err)
		}
	}
}

// TestReplaceRunning plays a system that will not replace a program that runs.
func TestReplaceRunning(t *testing.T) {
	busy := errors.New("in use")
	h := newHouse(t)
	h.write("tmp", "new")
	h.write("dst", "old")
	windows := func(from, to string) error {
		if exists(to) {
			return busy
		}
		return os.Rename(from, to)
	}
	if err := replaceRunning(h.path("tmp"), h.path("dst"), windows); err != nil || h.read("dst") != "new" {
		t.Errorf("%v, %q", err, h.read("dst"))
	}
	h.write("tmp", "newer")
	stuck := func(from, to string) error {
		if from == h.path("tmp") {
			return busy
		}
		return os.Rename(from, to)
	}
	if err := replaceRunning(h.path("tmp"), h.path("dst"), stuck); !errors.Is(err, busy) || h.read("dst") != "new" {
		t.Errorf("%v, and the old one is not back: %q", err, h.read("dst"))
	}
}
