package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"git-credential-bitbucket/install"
)

// checkPrograms looks for other programs of this one's name, and for what an older tool
// of that name left.
func checkPrograms(ctx context.Context, e *examination) []finding {
	var fs []finding
	own, err := e.executable()
	if err != nil {
		own = ""
	}
	run := e.programsRun()
	for i, path := range programsOn(e.env("PATH")) {
		info, err := os.Stat(path)
		if err != nil || own != "" && sameFile(info, own) || slices.ContainsFunc(run, func(other string) bool { return sameFile(info, other) }) {
			continue
		}
		others := e.otherVersion(ctx, path, "on PATH is also")
		if i == 0 && len(others) == 0 {
			others = []finding{{levelNote, "program-copy", "first on PATH is " + path + ", another copy of this version", "remove the one that is not needed"}}
		}
		fs = append(fs, others...)
	}
	if dir := e.olderData(); dir != "" {
		fs = append(fs, finding{levelNote, "older-tool", "an older tool of the same name, git-credential-bitbucket, keeps secrets in " + dir,
			"when you no longer use it, remove its OAuth consumer at Bitbucket, then that folder"})
	}
	return fs
}

// programsRun are those that git runs by lines that are ours: checkHelpers looks at them.
func (e *examination) programsRun() []string {
	var run []string
	for _, h := range install.Examine(e.lines, e.ours(), "", install.Surroundings{}).Helpers {
		if !h.Command.Ours {
			continue
		}
		if program, err := programOf(h); err == nil {
			run = append(run, program)
		}
	}
	return run
}

// programsOn are the programs of this one's name in the folders of PATH, each file once.
func programsOn(path string) []string {
	name := install.Binary
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	var found []string
	var seen []os.FileInfo
folders:
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err != nil || !filepath.IsAbs(dir) || info.IsDir() || runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
			continue
		}
		for _, other := range seen {
			if os.SameFile(other, info) {
				continue folders
			}
		}
		found, seen = append(found, file), append(seen, info)
	}
	return found
}

// olderData is the folder in which gildas/git-credential-bitbucket keeps its OAuth
// secrets and tokens, "" without one.
func (e *examination) olderData() string {
	dir := e.folder("XDG_DATA_HOME")
	if dir == "" && e.home() != "" {
		dir = filepath.Join(e.home(), ".local", "share")
	}
	if dir == "" {
		return ""
	}
	dir = filepath.Join(dir, install.Binary)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}
