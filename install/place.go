package install

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Place copies the program src to dst in one step, mode 0755, and makes dst's folder
// where it is missing. It does nothing where dst has src's bytes and may be run. On
// Windows a running dst is moved aside to dst.old. Errors are *FileError.
func Place(src, dst string) (changed bool, err error) {
	if same, err := sameBytes(src, dst); same || err != nil {
		return false, err
	}
	dir := filepath.Dir(dst)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, &FileError{dir, notWritable(err)}
	}
	tmp, err := copyBeside(src, dst)
	if err != nil {
		return false, &FileError{dst, notWritable(err)}
	}
	defer os.Remove(tmp)
	if err := replaceRunning(tmp, dst, os.Rename); err != nil {
		return false, &FileError{dst, notWritable(err)}
	}
	return true, nil
}

// sameBytes reports whether dst is src or a copy of it that may be run.
func sameBytes(src, dst string) (bool, error) {
	if sameFile(src, dst) {
		return true, nil
	}
	info, err := os.Stat(dst)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		return false, &FileError{dst, unwrapPath(err)}
	}
	a, err := os.ReadFile(src)
	if err != nil {
		return false, &FileError{src, unwrapPath(err)}
	}
	b, err := os.ReadFile(dst)
	if err != nil {
		return false, &FileError{dst, unwrapPath(err)}
	}
	return bytes.Equal(a, b) && executable(info.Mode()), nil
}

func copyBeside(src, dst string) (name string, err error) {
	in, err := os.Open(src)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(dst), "."+filepath.Base(dst)+".*")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Chmod(0o755), out.Sync(), out.Close())
	if err != nil {
		_ = os.Remove(out.Name())
		return "", err
	}
	return out.Name(), nil
}

// replaceRunning renames tmp to dst. Windows does not replace a program that runs,
// but lets it be renamed.
func replaceRunning(tmp, dst string, rename func(from, to string) error) error {
	err := rename(tmp, dst)
	if err == nil || !exists(dst) {
		return err
	}
	aside := dst + ".old"
	_ = os.Remove(aside) // of the time before; it may still run
	if rename(dst, aside) != nil {
		return err
	}
	if err := rename(tmp, dst); err != nil {
		return errors.Join(err, rename(aside, dst))
	}
	_ = os.Remove(aside)
	return nil
}

func executable(mode fs.FileMode) bool {
	return runtime.GOOS == "windows" || mode&0o111 == 0o111
}
