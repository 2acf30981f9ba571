package leftovers

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// accessList is where the kernel has a file's POSIX access list (acl(5)). With one, the
// group's bits of the mode are a limit for all whom it names, and not the group's own.
const accessList = "system.posix_acl_access"

// keepMode gives the file the mode of another one, its access list, and what other extended
// attributes are permitted. What it inherited from its folder goes. Without the list nobody
// but the owner may do more than anybody.
func keepMode(f *os.File, path string, mode os.FileMode) error {
	fd := int(f.Fd())
	_ = unix.Fremovexattr(fd, accessList)
	if err := f.Chmod(mode); err != nil {
		return err
	}
	var lost error
	for _, name := range attributes(path) {
		value, err := attribute(path, name)
		if err == nil {
			err = unix.Fsetxattr(fd, name, value, 0)
		}
		if name == accessList {
			lost = err
		}
	}
	if lost != nil && !errors.Is(lost, unix.ENODATA) {
		return f.Chmod(mode &^ 0o070)
	}
	return nil
}

func attributes(path string) []string {
	size, err := unix.Llistxattr(path, nil)
	if err != nil || size == 0 {
		return nil
	}
	list := make([]byte, size)
	if size, err = unix.Llistxattr(path, list); err != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(string(list[:size]), "\x00"), "\x00")
}

func attribute(path, name string) ([]byte, error) {
	size, err := unix.Lgetxattr(path, name, nil)
	if err != nil {
		return nil, err
	}
	value := make([]byte, size)
	size, err = unix.Lgetxattr(path, name, value)
	return value[:max(size, 0)], err
}
