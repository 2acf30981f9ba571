package store

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestSweep(t *testing.T) {
	for _, c := range []struct {
		label string
		write func(*Observations)
		swept bool
	}{
		{"a new log", func(o *Observations) { _ = o.Append("ffff", Event{At: noon, What: EventServed}) }, true},
		{"a new claim", func(o *Observations) { o.Claim("ffff/x", time.Minute, noon) }, true},
		{"new uses", func(o *Observations) { o.Served("ffff", "acme", noon) }, true},
		{"an old log", func(o *Observations) { _ = o.Append("young", Event{At: noon, What: EventServed}) }, false},
		{"reading", func(o *Observations) { o.Read("ffff"); o.Known("ffff") }, false},
	} {
		t.Run(c.label, func(t *testing.T) {
			o, dir := observations(t)
			put := func(name string, days int) {
				path := filepath.Join(dir, name)
				when := time.Now().AddDate(0, 0, -days)
				if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, when, when); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			put("young", 89)
			put("Not ours", 1000)
			old := []string{tokenKey, tokenKey + usesSuffix, "account.work", claimFile(tokenKey + "/rejected.w"), claimFile("x") + claimNext + "123"}
			for _, name := range old {
				put(name, 91)
			}
			left := func() (left []string) {
				for _, name := range old {
					if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
						left = append(left, name)
					}
				}
				return left
			}
			c.write(o)
			if got := left(); (len(got) == 0) != c.swept || !c.swept && !slices.Equal(got, old) {
				t.Errorf("left: %q", got)
			}
			for _, name := range []string{"young", "Not ours"} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
			if !c.swept {
				return
			}
			// Once a day, not for each file.
			put(tokenKey, 91)
			_ = o.Append("eeee", Event{At: noon, What: EventServed})
			if len(left()) != 1 {
				t.Error("swept again at once")
			}
			marker := filepath.Join(dir, claimFile(sweepName))
			if err := os.WriteFile(marker, fmt.Append(nil, time.Now().Add(-25*time.Hour).UnixMilli()), 0o600); err != nil {
				t.Fatal(err)
			}
			_ = o.Append("dddd", Event{At: noon, What: EventServed})
			if len(left()) != 0 {
				t.Error("not swept the next day")
			}
		})
	}
}

// What a killed writer left beside the records goes, and nothing else.
func TestSweepRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	records := OpenPrevious(dir)
	records.Sweep()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatalf("%v, %v", left, err)
	}
	mustUpdate(t, records, put(Account{Name: "work"}))
	before, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"previous.1.tmp", "previous.2.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	records.Sweep()
	after, err := os.ReadDir(dir)
	if err != nil || len(after) != len(before) {
		t.Errorf("%v, %v; want %v", after, err, before)
	}
}
