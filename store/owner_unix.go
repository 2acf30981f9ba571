//go:build !windows

package store

import (
	"io/fs"
	"syscall"
)

// ownedBy reports whether the file is uid's and nobody else can open it.
func ownedBy(info fs.FileInfo, uid int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == uid && info.Mode().Perm()&0o077 == 0
}
