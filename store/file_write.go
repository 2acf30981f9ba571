package store

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// abandoned is the age at which a scratch folder's writer is taken for dead.
const abandoned = 5 * time.Minute

// makePrivate makes the folder, or takes others' access to it away.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// replace puts a file that make writes into the scratch folder it is given in the
// place of the entry of the same name. The library truncates and writes in place,
// where SIGKILL or a full disk leave an empty file and no old value. The data is on
// disk before the name is: a rename may otherwise survive a power cut that the
// content does not.
func (f *fileStore) replace(entry string, make func(dir string) error) error {
	dir, err := os.MkdirTemp(f.dir, scratch)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f.sweep(dir)
	if err := make(dir); err != nil {
		return err
	}
	written := filepath.Join(dir, entry)
	if err := syncFile(written); err != nil {
		return err
	}
	if err := os.Rename(written, filepath.Join(f.dir, entry)); err != nil {
		return err
	}
	syncFolder(f.dir)
	return nil
}

// sweep removes the scratch folders of writers that were killed. It compares with
// the newest one, so that the file system's own clock counts.
func (f *fileStore) sweep(newest string) {
	now, err := os.Stat(newest)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.IsDir() || !strings.HasPrefix(entry.Name(), scratch) {
			continue
		}
		if now.ModTime().Sub(info.ModTime()) > abandoned {
			_ = os.RemoveAll(filepath.Join(f.dir, entry.Name()))
		}
	}
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// syncFolder makes a rename last. Not every system can, and then it lasts soon.
func syncFolder(path string) {
	if dir, err := os.Open(path); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}
