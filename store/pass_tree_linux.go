package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processes reads /proc; proc(5) has the fields of stat.
func processes() []process {
	var all []process
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		stat, err := os.ReadFile(filepath.Join(folder, "stat"))
		if err != nil {
			continue
		}
		// The name before the last parenthesis may contain anything.
		var state string
		var p process
		rest := stat[bytes.LastIndexByte(stat, ')')+1:]
		if _, err := fmt.Sscan(string(rest), &state, &p.parent); err != nil {
			continue
		}
		p.pid, _ = strconv.Atoi(filepath.Base(folder))
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		p.args = strings.Split(string(line), "\x00")
		all = append(all, p)
	}
	return all
}
