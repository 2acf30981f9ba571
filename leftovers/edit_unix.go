//go:build !windows

package leftovers

import (
	"io/fs"
	"os"
	"syscall"
)

// names is how many names the file has.
func names(info fs.FileInfo) uint64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(stat.Nlink)
}

// keepOwner gives the file the owner and the group of another one, as far as that is
// permitted, and reports whether it has the group.
func keepOwner(f *os.File, of fs.FileInfo) bool {
	want, ok := of.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	_ = f.Chown(int(want.Uid), int(want.Gid))
	info, err := f.Stat()
	if err != nil {
		return false
	}
	has, ok := info.Sys().(*syscall.Stat_t)
	if ok && has.Gid != want.Gid {
		_ = f.Chown(-1, int(want.Gid)) // one's own groups may be given without the owner
		if info, err = f.Stat(); err != nil {
			return false
		}
		has, ok = info.Sys().(*syscall.Stat_t)
	}
	return ok && has.Gid == want.Gid
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
