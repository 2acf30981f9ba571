package leftovers

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// Repositories lists the work trees and bare repositories below the folders, sorted
// within each: those with a .git in them, and those that are git folders themselves.
// No symbolic link is followed, and what cannot be read is passed over.
func Repositories(ctx context.Context, folders []string) (paths []string) {
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && entry != nil && entry.IsDir():
				return fs.SkipDir
			case err != nil || !entry.IsDir():
				return nil
			case entry.Name() == ".git":
				return fs.SkipDir
			}
			if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
				paths = append(paths, path)
			} else if isBare(path) {
				paths = append(paths, path)
				return fs.SkipDir
			}
			return nil
		})
	}
	return paths
}

// isBare reports whether the folder has what git takes for a repository (git's setup.c,
// is_git_directory).
func isBare(path string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Lstat(filepath.Join(path, name)); err != nil {
			return false
		}
	}
	return true
}
