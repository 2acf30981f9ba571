package leftovers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// repository reads what git keeps for the work tree in folder: in its .git, or where the
// file of that name says.
func (w *walker) repository(ctx context.Context, folder string, found *results) {
	git := filepath.Join(folder, ".git")
	info, err := os.Lstat(git)
	if err != nil {
		found.counts.Unreadable++
		return
	}
	if !info.IsDir() {
		content, state := readRegular(git, false, nil)
		path, ok := strings.CutPrefix(strings.TrimSpace(string(content)), "gitdir:")
		if state != readable || !ok {
			return
		}
		git = strings.TrimSpace(path)
		if !filepath.IsAbs(git) {
			git = filepath.Join(folder, git)
		}
	}
	w.gitFolder(ctx, resolved(git), found)
}

// gitFolder reads the configs of a git folder and of those that belong to it: the
// submodules', the other work trees', and the one that it shares its config with.
func (w *walker) gitFolder(ctx context.Context, git string, found *results) {
	if ctx.Err() != nil || !w.claim(filepath.Join(git, "HEAD")) {
		return
	}
	if shared, state := readRegular(filepath.Join(git, "commondir"), true, nil); state == readable {
		common := strings.TrimSpace(string(shared))
		if !filepath.IsAbs(common) {
			common = filepath.Join(git, common)
		}
		w.config(filepath.Join(git, "config.worktree"), treeOf(git), found)
		w.gitFolder(ctx, resolved(common), found)
		return
	}
	found.counts.Repositories++
	for _, name := range []string{"config", "config.worktree"} {
		w.config(filepath.Join(git, name), treeOf(git), found)
	}
	trees, _ := os.ReadDir(filepath.Join(git, "worktrees"))
	for _, tree := range trees {
		w.gitFolder(ctx, filepath.Join(git, "worktrees", tree.Name()), found)
	}
	w.modules(ctx, filepath.Join(git, "modules"), 0, found)
}

// modules looks for the git folders of submodules, whose names may have slashes in them.
func (w *walker) modules(ctx context.Context, folder string, depth int, found *results) {
	const deepest = 16
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		if !entry.IsDir() || depth > deepest || ctx.Err() != nil {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		if info, err := os.Lstat(filepath.Join(path, "HEAD")); err == nil && info.Mode().IsRegular() {
			w.gitFolder(ctx, path, found)
			continue
		}
		w.modules(ctx, path, depth+1, found)
	}
}

// treeOf is the work tree that a git folder is for, as far as its place or its file gitdir
// tell; else the git folder itself.
func treeOf(git string) string {
	if content, state := readRegular(filepath.Join(git, "gitdir"), true, nil); state == readable {
		if path := strings.TrimSpace(string(content)); filepath.IsAbs(path) && filepath.Base(path) == ".git" {
			return filepath.Dir(path)
		}
	}
	if filepath.Base(git) == ".git" {
		return filepath.Dir(git)
	}
	return git
}
