package bitbucket

import (
	"net"
	"os"
	"slices"
	"testing"
)

func TestOwnersOf(t *testing.T) {
	t.Parallel()
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:8545 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11 1 0 100 0 0 10 0
   1: 0100007F:8545 0100007F:D6AE 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0 20 4 30 10 -1
   2: 0100007F:D6AE 0100007F:8545 01 00000000:00000000 00:00000000 00000000  1001        0 13 1 0 20 4 30 10 -1
   3: 0000000000000000FFFF00000100007F:D6AE 0000000000000000FFFF00000100007F:8545 01 00000000:00000000 00:00000000 00000000  1002        0 14 1 0 20 4 30 10 -1
   4: 0100007F:D6AE 0100007F:8546 01 00000000:00000000 00:00000000 00000000  1003        0 13 1 0 20 4 30 10 -1
   5: 0100007F:D6AF 0100007F:8545 05 00000000:00000000 03:0000175F 00000000     0        0 0 3 0000000018c64c3d
   6: 0100007F:D6B0 0100007F:8545 01 00000000:00000000 00:00000000 00000000     0        0 14 1 0 20 4 30 10 -1
   7: 0100007F:D6AE`
	for port, want := range map[int][]int{0xD6AE: {1001, 1002}, 0xD6AF: {nobody}, 0xD6B0: {0}} {
		if got := ownersOf(table, &net.TCPAddr{Port: port}, &net.TCPAddr{Port: 0x8545}); !slices.Equal(got, want) {
			t.Errorf("%X: %v", port, got)
		}
	}
	if got := ownersOf(table, nil, nil); got != nil {
		t.Error(got)
	}
}

// A connection of ours is in the system's own table, as ours.
func TestOwnersOfARealConnection(t *testing.T) {
	t.Parallel()
	listener := must(net.Listen("tcp4", "127.0.0.1:0"))
	defer listener.Close()
	conn := must(net.Dial("tcp4", listener.Addr().String()))
	defer conn.Close()
	table, err := os.ReadFile("/proc/net/tcp")
	if got := ownersOf(string(table), conn.LocalAddr(), conn.RemoteAddr()); err != nil || !slices.Equal(got, []int{os.Getuid()}) {
		t.Error(got, err)
	}
	if ofAnotherUser(conn.LocalAddr(), conn.RemoteAddr()) {
		t.Error("it is said to be another's")
	}
}
