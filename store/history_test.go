package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
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

func TestParallelHistory(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 20 {
				if err := OpenHistory(dir).Append(Entry{noon, "stored", fmt.Sprint(w, "-", i), "", ""}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got, err := OpenHistory(dir).Read(); err != nil || len(got) != 160 {
		t.Errorf("%d entries, %v", len(got), err)
	}
}
