package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config")
	h := OpenHistory(dir)
	if got, err := h.Read(); got != nil || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	want := []Entry{
		{noon, "stored", "work", "store", "in keyring\nand \"quoted\""},
		{at(1), "forgotten", "work", "forget", ""},
	}
	for _, e := range want {
		if err := h.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	// A line that was cut off takes no other with it.
	path := filepath.Join(dir, "history")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, `{"at":"2026-`...), 0o600); err != nil {
		t.Fatal(err)
	}
	want = append(want, Entry{at(2), "stored", "home", "store", ""})
	if err := h.Append(want[2]); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Read(); err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	none := OpenHistory("")
	if got, err := none.Read(); none.Append(want[0]) == nil || got != nil || err != nil {
		t.Error("without a folder")
	}
	if _, err := OpenHistory(path).Read(); err == nil {
		t.Error("a history inside a file was read")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := OpenHistory(t.TempDir())
	detail := strings.Repeat("x", 10_000)
	for i := range 100 {
		if err := h.Append(Entry{noon, "stored", fmt.Sprint(i), "", detail}); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(h.path()); err != nil || info.Size() > historyMost+11_000 {
			t.Fatalf("%d bytes, %v", info.Size(), err)
		}
	}
	got, err := h.Read()
	if err != nil || len(got) < 10 || len(got) > 30 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	for i, e := range got {
		if e.Account != fmt.Sprint(100-len(got)+i) {
			t.Errorf("entry %d is %s's", i, e.Account)
		}
	}
}

// Of each writer's entries the last are there, without a gap, though others drop the
// older half meanwhile.
func TestParallelHistory(t *testing.T) {
	const writers, entries = 8, 40
	dir := t.TempDir()
	detail := strings.Repeat("x", 4000)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range entries {
				err := ErrBusy // on a busy machine others may take longer than Append waits
				for errors.Is(err, ErrBusy) {
					err = OpenHistory(dir).Append(Entry{at(float64(i)), "stored", fmt.Sprint(w), "", detail})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, err := OpenHistory(dir).Read()
	if err != nil || len(got) < 30 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	next := map[string]Entry{}
	for _, e := range slices.Backward(got) {
		if after, seen := next[e.Account]; seen && after.At.Sub(e.At) != time.Second {
			t.Errorf("between %v and %v of %s something is lost", e.At, after.At, e.Account)
		}
		next[e.Account] = e
	}
}
