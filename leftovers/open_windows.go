package leftovers

import (
	"errors"
	"io/fs"
	"os"
)

// readRegular reads a regular file of at most largest bytes into buffer, which it may
// replace by a larger one. There are no FIFOs among the files of this system; what was
// opened is looked at all the same.
func readRegular(path string, followed bool, buffer []byte) (content []byte, state fileState) {
	look := os.Lstat
	if followed {
		look = os.Stat
	}
	info, err := look(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent
	}
	if err != nil {
		return nil, unreadable
	}
	if !info.Mode().IsRegular() {
		return nil, special
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable
	}
	defer file.Close()
	opened, err := file.Stat()
	if err != nil || !opened.Mode().IsRegular() {
		return nil, special
	}
	return readAll(opened.Size(), buffer, file.Read)
}
