package leftovers

import (
	"bytes"
	le "encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"git-credential-bitbucket/internal/require"
)

// listFor is a POSIX access list (linux/posix_acl_xattr.h): the owner may write, one other
// user may read, and the group may nothing.
func listFor(user uint32) []byte {
	list := le.LittleEndian.AppendUint32(nil, 2)
	for _, entry := range []struct {
		tag, may uint16
		id       uint32
	}{{1, 6, ^uint32(0)}, {2, 4, user}, {4, 0, ^uint32(0)}, {0x10, 4, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		list = le.LittleEndian.AppendUint16(list, entry.tag)
		list = le.LittleEndian.AppendUint16(list, entry.may)
		list = le.LittleEndian.AppendUint32(list, entry.id)
	}
	return list
}

// listed is a folder whose file system has access lists.
func listed(t *testing.T) string {
	for _, parent := range []string{t.TempDir(), "/dev/shm"} {
		dir, err := os.MkdirTemp(parent, "leftovers")
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		if unix.Setxattr(dir, accessList, listFor(65534), 0) == nil {
			return dir
		}
	}
	require.Absent(t, "no file system here has access lists")
	return ""
}

// A file keeps its access list, without which the group could do what one user could; and
// gets none from its folder.
func TestApplyKeepsAccessLists(t *testing.T) {
	dir := listed(t)
	own, plain := filepath.Join(dir, "own"), filepath.Join(dir, "plain")
	for _, path := range []string{own, plain} {
		must(t, os.WriteFile(path, []byte("a "+dead), 0o600))
	}
	must(t, unix.Setxattr(own, accessList, listFor(65533), 0))
	must(t, os.Chmod(plain, 0o640))
	must(t, unix.Setxattr(dir, "system.posix_acl_default", listFor(65532), 0))
	before, err := os.Stat(own)
	must(t, err)
	for _, path := range []string{own, plain} {
		applied(t, finding(t, path, Netrc, dead, " "+dead, ""))
	}
	after, err := os.Stat(own)
	must(t, err)
	if list, err := attribute(own, accessList); err != nil || !bytes.Equal(list, listFor(65533)) || after.Mode() != before.Mode() {
		t.Errorf("%x, %v, %v", list, err, after.Mode())
	}
	info, err := os.Stat(plain)
	must(t, err)
	if list, err := attribute(plain, accessList); err == nil || info.Mode() != 0o640 {
		t.Errorf("%x, %v", list, info.Mode())
	}
}
