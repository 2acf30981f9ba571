package bitbucket

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

// ofAnotherUser reports whether another user of this machine is at the other end, as far
// as Linux tells, and that user is not root. Who is unknown passes: another system, or one
// that forwards the connection.
func ofAnotherUser(remote, local net.Addr) bool {
	return slices.ContainsFunc([]string{"/proc/net/tcp", "/proc/net/tcp6"}, func(file string) bool {
		table, err := os.ReadFile(file)
		return err == nil && slices.ContainsFunc(ownersOf(string(table), remote, local), func(uid int) bool {
			const unmapped = 65534 // by this user namespace: user_namespaces(7)
			return uid != 0 && uid != unmapped && uid != os.Getuid()
		})
	})
}

// nobody is the owner of a socket that was closed before it was answered.
const nobody = -1

// ownersOf are the users whose sockets lead from that loopback port to the other, by a
// table of proc_pid_net(5): local_address is the 2nd column, rem_address the 3rd, uid the
// 8th, inode the 10th, and ports are in hexadecimal. A closed socket has no inode, and
// seems to be root's.
func ownersOf(table string, from, to net.Addr) (uids []int) {
	ports := [2]string{portOf(from), portOf(to)}
	for row := range strings.Lines(table) {
		columns := strings.Fields(row)
		if len(columns) < 10 || !strings.HasSuffix(columns[1], ports[0]) || !strings.HasSuffix(columns[2], ports[1]) {
			continue
		}
		uid, err := strconv.Atoi(columns[7])
		if err != nil {
			continue
		}
		if uid == 0 && columns[9] == "0" {
			uid = nobody
		}
		uids = append(uids, uid)
	}
	return uids
}

func portOf(address net.Addr) string {
	if tcp, ok := address.(*net.TCPAddr); ok {
		return fmt.Sprintf(":%04X", tcp.Port)
	}
	return "no port"
}
