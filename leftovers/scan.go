package leftovers

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/install"
)

// Known are the places outside the folders, as absolute paths. What does not exist is
// passed over.
type Known struct {
	CredentialFiles []string // of git credential-store
	Netrc           []string
	Configs         []string // git configs; what they include is read too
	OlderTool       []string // folders with the older tool's JSON
	Environment     []string // shell profiles
	Packages        []string // pip.conf and its like; composer's auth.json and docker's config.json go by their names
	Repositories    []string // work trees or git folders: their configs and .gitmodules are read, nothing else
}

// A Scan says where to look.
type Scan struct {
	Home     string   // what "~" in an include's path means
	Folders  []string // absolute; walked to the bottom, no symbolic link followed
	Known    Known
	Git      install.Git  // asked which configs it reads in its Dir; not asked with Path ""
	Progress func(Counts) // nil: none; called now and then, by one goroutine at a time
}

// Run looks everywhere. The findings are sorted by path, line and place in the file, each
// secret at a place once. A file or folder that cannot be read is counted and no error:
// the only error is the context's, with what was found until then.
func (s Scan) Run(ctx context.Context) ([]Finding, Counts, error) {
	w := newWalker(s.Home, s.Progress)
	var found results
	for _, known := range []struct {
		paths []string
		kind  class
	}{
		{s.Known.CredentialFiles, credentials}, {s.Known.Netrc, netrc}, {olderFiles(s.Known.OlderTool), olderTool},
		{s.Known.Environment, shell}, {s.Known.Packages, packages},
	} {
		for _, path := range known.paths {
			w.known(ctx, path, known.kind, &found)
		}
	}
	for _, path := range s.configs(ctx) {
		w.config(path, "", &found)
	}
	for _, path := range s.Known.Repositories {
		w.standing(ctx, resolved(path), &found)
	}
	w.take(found)
	w.readIncludes(ctx)
	for _, folder := range s.Folders {
		if ctx.Err() == nil {
			w.walk(ctx, resolved(folder))
			w.readIncludes(ctx)
		}
	}
	if s.Progress != nil {
		s.Progress(w.counts)
	}
	slices.SortStableFunc(w.findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.At, b.At), strings.Compare(a.What, b.What))
	})
	return w.findings, w.counts, ctx.Err()
}

// configs are those given and those that git reads where it is run, its includes with them.
func (s Scan) configs(ctx context.Context) []string {
	paths := slices.Clone(s.Known.Configs)
	if s.Git.Path == "" {
		return paths
	}
	lines, err := install.Lines(ctx, s.Git, ".")
	if err != nil {
		return paths // a broken config keeps git from answering; those given are read all the same
	}
	for _, l := range lines {
		path := l.File()
		if path != "" && !filepath.IsAbs(path) {
			path = filepath.Join(s.Git.Dir, path)
		}
		if path != "" && filepath.IsAbs(path) && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// olderFiles are the older tool's in its folders.
func olderFiles(folders []string) (files []string) {
	for _, folder := range folders {
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), ".json") {
				files = append(files, filepath.Join(folder, entry.Name()))
			}
		}
	}
	return files
}

// known reads a file that was named, through symbolic links.
func (w *walker) known(ctx context.Context, path string, kind class, found *results) {
	path = filepath.Clean(path)
	if ctx.Err() != nil || !w.claim(resolved(path)) {
		return
	}
	content, ok := w.read(path, true, found, nil)
	if !ok {
		return
	}
	if named := classOf(path); kind == packages && named >= composer {
		kind = named
	}
	findings, _ := fileFindings(path, kind, content)
	found.findings = append(found.findings, findings...)
}

// standing reads the configs of one repository, without walking it.
func (w *walker) standing(ctx context.Context, path string, found *results) {
	if _, err := os.Lstat(filepath.Join(path, ".git")); err != nil {
		w.gitFolder(ctx, path, found)
		return
	}
	w.repository(ctx, path, found)
	for _, name := range []string{".gitmodules", ".lfsconfig"} {
		w.config(filepath.Join(path, name), path, found)
	}
}
