//go:build unix

package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const historyLines = 150

// writeHistory appends a writer's lines. Where others take too long it tries again, so
// that each line counts that Append took.
func writeHistory(t *testing.T, dir string, writer int) {
	t.Helper()
	h := OpenHistory(dir)
	for i := range historyLines {
		e := Entry{noon.Add(time.Duration(i) * time.Second), "stored", fmt.Sprint("w", writer), "", strings.Repeat("x", 1000)}
		err := ErrBusy
		for errors.Is(err, ErrBusy) {
			err = h.Append(e)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Eight processes write a history that is halved a dozen times meanwhile: what is there
// in the end is whole lines, and of each writer the last ones without a gap.
func TestHistoryOfProcesses(t *testing.T) {
	t.Parallel()
	const writers = 8
	dir := t.TempDir()
	var all []*exec.Cmd
	for w := range writers {
		cmd := recordsChild("history", dir, w)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	h := OpenHistory(dir)
	data, err := os.ReadFile(h.path())
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > historyMost+2000 || len(data) < historyMost/2-2000 {
		t.Errorf("it has %d bytes", len(data))
	}
	next, entries := map[string]time.Time{}, 0
	for line := range bytes.Lines(data) {
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil || line[len(line)-1] != '\n' {
			t.Fatalf("a broken line: %.80q", line)
		}
		entries++
		if want, seen := next[e.Account]; seen && !e.At.Equal(want) {
			t.Errorf("%s: %v instead of %v", e.Account, e.At, want)
		}
		next[e.Account] = e.At.Add(time.Second)
	}
	end := noon.Add(historyLines * time.Second)
	for writer, at := range next {
		if !at.Equal(end) {
			t.Errorf("%s: the lines from %v are lost", writer, at)
		}
	}
	if read, err := h.Read(); err != nil || len(read) != entries {
		t.Errorf("%d entries are read of %d, %v", len(read), entries, err)
	}
}
