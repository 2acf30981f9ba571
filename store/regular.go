package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

var errNotRegular = errors.New("not a regular file")

// openRegular is os.OpenFile for what must be a file with content: opening a pipe, as
// anybody may put in the place of one, would wait for its other end.
func openRegular(path string, flag int, perm os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|nonblock, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// largestFile is more than any file of ours has: one that somebody blew up is not read.
const largestFile = 64 << 20

// readRegular is os.ReadFile for what must be a file with content.
func readRegular(path string) ([]byte, error) {
	f, err := openRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > largestFile {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("larger than 64 MiB")}
	}
	return io.ReadAll(f)
}
