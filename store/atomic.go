package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const tempSuffix = ".tmp"

// writeFileAtomic replaces path by data: whoever reads meanwhile, and whoever looks
// after a crash, finds the old content or the new one. The folder must exist. A path
// that is a symbolic link, dangling or not, stays one, and its target is replaced.
//
// Data is synced before the rename, because some file systems order the two the
// other way and leave an empty file after a power cut
// (https://bugs.launchpad.net/ubuntu/+source/linux/+bug/317781/comments/45).
func writeFileAtomic(path string, data []byte, perm os.FileMode) error {
	target, err := followLinks(path)
	if err != nil {
		return err
	}
	temp, err := writeTemp(target, data, perm, (*os.File).Sync)
	if err != nil {
		return err
	}
	if err := retry(func() error { return os.Rename(temp, target) }); err != nil {
		_ = os.Remove(temp)
		return err
	}
	// An error here would tell the caller that nothing was written, and something was.
	_ = syncDir(dirOf(target))
	return nil
}

// unsynced is for files that may be lost.
func unsynced(*os.File) error { return nil }

// writeTemp writes a new file beside path, syncs it by sync, and returns its name.
func writeTemp(path string, data []byte, perm os.FileMode, sync func(*os.File) error) (name string, err error) {
	f, err := os.CreateTemp(dirOf(path), filepath.Base(path)+".*"+tempSuffix)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = sync(f)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return f.Name(), err
}

// removeTemps removes what killed writers left beside path. Only for who holds the
// lock under which path is written.
func removeTemps(path string) {
	for _, temp := range temps(path) {
		_ = os.Remove(temp)
	}
}

// temps lists the temporary files beside path.
func temps(path string) (all []string) {
	target, err := followLinks(path)
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(dirOf(target))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(target)+".") && strings.HasSuffix(e.Name(), tempSuffix) {
			all = append(all, filepath.Join(dirOf(target), e.Name()))
		}
	}
	return all
}

// followLinks returns the path of the file that path leads to, which need not exist.
// Paths are joined without cleaning: "link/../x" is not "x" where link is a link.
func followLinks(path string) (string, error) {
	const most = 40
	for range most {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		link, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(link) {
			link = dirOf(path) + string(filepath.Separator) + link
		}
		path = link
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// dirOf is filepath.Dir without cleaning.
func dirOf(path string) string {
	dir, _ := filepath.Split(path)
	if dir == "" {
		return "."
	}
	return dir
}
