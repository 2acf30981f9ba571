//go:build unix

package leftovers

import (
	"syscall"
	"testing"
)

// Nobody writes to the FIFO: to open it would wait for ever.
func TestScanOpensNoFIFO(t *testing.T) {
	tr := newTree(t)
	path := tr.write("d/text", apiToken) + ".fifo"
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	got, counts := tr.scan(Scan{Folders: []string{tr.path("d")}, Known: Known{Netrc: []string{path}, Configs: []string{path}}})
	if len(got) != 1 || counts.Files != 1 || counts.Unreadable != 0 {
		t.Errorf("%q, %+v", got, counts)
	}
	if _, state := readRegular(path, false, nil); state != special {
		t.Errorf("state %v", state)
	}
}
