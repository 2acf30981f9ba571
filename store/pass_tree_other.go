//go:build unix && !linux

package store

import (
	"os/exec"
	"strconv"
	"strings"
)

// processes asks ps(1), whose options here are POSIX's.
func processes() []process {
	table, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "args=").Output()
	if err != nil {
		return nil
	}
	var all []process
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		pid, _ := strconv.Atoi(fields[0])
		parent, _ := strconv.Atoi(fields[1])
		all = append(all, process{pid, parent, fields[2:]})
	}
	return all
}
