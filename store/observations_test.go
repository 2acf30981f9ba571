package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const tokenKey = "0011223344556677"

func observations(t *testing.T) (*Observations, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state", "observed")
	return OpenObservations(dir, nil, os.Getuid()), dir
}

func mustAppend(t *testing.T, o *Observations, key string, e Event) {
	t.Helper()
	if err := o.Append(key, e); err != nil {
		t.Fatal(err)
	}
}

func TestObservations(t *testing.T) {
	o, dir := observations(t)
	if o.Known(tokenKey) || o.Read(tokenKey) != nil {
		t.Error("known before it was seen")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading made the folder")
	}
	want := Log{{at(1), EventRejected, "team", "x y"}, {at(2), EventSucceeded, "team", ""}}
	for _, e := range want {
		mustAppend(t, o, tokenKey, e)
	}
	mustAppend(t, o, "account.work", Event{At: at(3), What: EventUnanswered})
	if got := o.Read(tokenKey); !slices.Equal(got, want) || !o.Known(tokenKey) {
		t.Errorf("%+v", got)
	}
	if !o.Known("account.work") || o.Known("account.home") || o.Known("account.") {
		t.Error("known by name")
	}
	for _, key := range []string{"", ".", "..", "../x", "a/b", "account.", "A", claimFile(tokenKey)} {
		if o.Append(key, want[0]) == nil {
			t.Errorf("appended to %q", key)
		}
	}
	if runtime.GOOS != "windows" {
		for path, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, tokenKey): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", path, info.Mode(), err)
			}
		}
	}
	none := OpenObservations("", nil, os.Getuid())
	if none.Append(tokenKey, want[0]) == nil || none.Writable() == nil || none.Read(tokenKey) != nil || !none.Claim("x", time.Minute, noon) {
		t.Error("without any folder")
	}
}

func TestForget(t *testing.T) {
	o, dir := observations(t)
	for _, key := range []string{tokenKey, "account.work", "account.work2"} {
		mustAppend(t, o, key, Event{At: noon, What: EventServed})
		o.Served(key, "acme", noon)
		for _, claim := range []string{key, key + "/warn.30"} {
			o.Claim(claim, time.Minute, noon)
			o.Claim(claim, time.Minute, noon.Add(time.Hour)) // a second file
		}
	}
	o.Forget("account.work")
	o.Forget(tokenKey)
	o.Forget("../" + filepath.Base(dir))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(e.Name(), "account.work2") && e.Name() != claimFile(sweepName) {
			t.Errorf("%s is left", e.Name())
		}
	}
	if len(entries) != 7 || !o.Known("account.work2") {
		t.Errorf("another's are gone: %v", entries)
	}
}

func TestDamagedLogs(t *testing.T) {
	o, dir := observations(t)
	mustAppend(t, o, tokenKey, Event{At: at(1), What: EventServed})
	path := filepath.Join(dir, tokenKey)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString("\x00\x00\n\n\nnonsense\n2026-05-01T12:00:02.000Z served - -\r\n2026-05-01T12:00:03.000Z rejec")
	_ = f.Close()
	mustAppend(t, o, tokenKey, Event{At: at(4), What: EventServed})
	if got := o.Read(tokenKey); len(got) != 3 || got[1].At != at(2) || got[2].At != at(4) {
		t.Errorf("%+v", got)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if o.Read("folder") != nil || o.Append("folder", Event{At: noon, What: EventServed}) == nil {
		t.Error("a folder was a log")
	}
	huge := strings.Repeat("2026-05-01T12:00:00.000Z served - -\n", 20_000) + "2026-05-01T13:00:00.000Z served - -\n"
	if err := os.WriteFile(path, []byte(huge), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := o.Read(tokenKey); len(got) > readMost/36+1 || got[len(got)-1].At != at(3600) {
		t.Errorf("%d events of a huge log", len(got))
	}
}

func TestLogsAreCompacted(t *testing.T) {
	o, dir := observations(t)
	stale := filepath.Join(dir, "x.1"+tempSuffix)
	mustAppend(t, o, tokenKey, Event{At: noon, What: EventServed})
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	longAgo := time.Now().Add(-3 * time.Hour)
	if err := os.Chtimes(stale, longAgo, longAgo); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		mustAppend(t, o, tokenKey, Event{at(float64(2 * i)), EventRejected, "team", ""})
	}
	info, err := os.Stat(filepath.Join(dir, tokenKey))
	if err != nil || info.Size() > compactAbove+100 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	want := Health{Bursts: 500, InBurst: 1, BurstBegan: at(998), LastRejected: at(998), LastServed: noon}
	if got := o.Read(tokenKey).Health("team", at(2000)); got != want {
		t.Errorf("%+v", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 { // the log, and the claim of the sweep
		t.Errorf("left behind: %v", entries)
	}
}

// Parallel appends may lose an event to a compaction, but garble none.
func TestParallelAppends(t *testing.T) {
	o, dir := observations(t)
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			for i := range 100 {
				e := Event{at(float64(i)), EventServed, fmt.Sprint("w", w), strings.Repeat("n", i%80)}
				if err := o.Append(tokenKey, e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	wholeLines(t, filepath.Join(dir, tokenKey), 0)
	if o.Read(tokenKey).Health("", at(1000)).LastServed.IsZero() {
		t.Error("nothing is left")
	}
}

// wholeLines fails for a log with more lines in it that are no events than may have
// been cut off. Blank ones are none: who sees half of another's write begins anew.
func wholeLines(t *testing.T, path string, cutOff int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var broken []string
	for line := range strings.Lines(string(data)) {
		if _, ok := parseEvent(strings.TrimSuffix(line, "\n")); !ok && line != "\n" {
			broken = append(broken, line)
		}
	}
	if len(broken) > cutOff {
		t.Errorf("garbled: %q", broken)
	}
}

func TestFallback(t *testing.T) {
	root := t.TempDir()
	blocked := filepath.Join(root, "file") // a folder that cannot be made, for root either
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	event := Event{At: noon, What: EventServed}
	for _, c := range []struct {
		label string
		make  func(path string) error
		uid   int
		used  bool
	}{
		{"missing", func(string) error { return nil }, os.Getuid(), true},
		{"ours", func(p string) error { return os.Mkdir(p, 0o700) }, os.Getuid(), true},
		{"another's", func(p string) error { return os.Mkdir(p, 0o700) }, os.Getuid() + 1, false},
		{"the group may write", func(p string) error { return os.Mkdir(p, 0o700) }, os.Getuid(), false},
		{"others may read", func(p string) error { return os.Mkdir(p, 0o700) }, os.Getuid(), false},
		{"a link", func(p string) error {
			return errors.Join(os.Mkdir(p+" target", 0o700), os.Symlink(p+" target", p))
		}, os.Getuid(), false},
		{"a file", func(p string) error { return os.WriteFile(p, nil, 0o600) }, os.Getuid(), false},
	} {
		t.Run(c.label, func(t *testing.T) {
			fallback := filepath.Join(root, c.label)
			if err := c.make(fallback); err != nil {
				t.Fatal(err)
			}
			for i := range 9 { // no other name is free
				if err := os.WriteFile(fmt.Sprint(fallback, ".", i+1), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			switch c.label {
			case "the group may write":
				_ = os.Chmod(fallback, 0o770)
			case "others may read":
				_ = os.Chmod(fallback, 0o755)
			}
			if runtime.GOOS == "windows" && c.label != "a link" && c.label != "a file" {
				c.used = true // there the temporary directory is the user's own
			}
			o := OpenObservations(filepath.Join(blocked, "state"), []string{fallback}, c.uid)
			if err := o.Append(tokenKey, event); (err == nil) != c.used {
				t.Errorf("append: %v", err)
			}
			if o.Known(tokenKey) != c.used || (len(o.Read(tokenKey)) == 1) != c.used {
				t.Error("read")
			}
			first, second := o.Claim("x", time.Minute, noon), o.Claim("x", time.Minute, noon)
			if !first || second == c.used {
				t.Errorf("claims: %v, %v", first, second)
			}
			if err := o.Writable(); err == nil || strings.Contains(err.Error(), "instead") != c.used {
				t.Errorf("writable: %v", err)
			}
			if !c.used {
				if entries, _ := os.ReadDir(fallback); len(entries) != 0 {
					t.Errorf("written to: %v", entries)
				}
			}
		})
	}
}

// Whoever takes the name in the temporary directory first does not switch it off.
func TestFallbackWhoseNameIsTaken(t *testing.T) {
	root := t.TempDir()
	first, second := filepath.Join(root, "none", "first"), filepath.Join(root, "second")
	for _, taken := range []string{second, second + ".1", second + ".3"} {
		if err := os.WriteFile(taken, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *Observations { return OpenObservations("", []string{"", first, second}, os.Getuid()) }
	mustAppend(t, open(), tokenKey, Event{At: at(1), What: EventServed})
	// A name that comes free leads nobody astray.
	if err := os.Remove(second); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, open(), tokenKey, Event{At: at(2), What: EventServed})
	if len(readLog(filepath.Join(second+".2", tokenKey))) != 2 || len(open().Read(tokenKey)) != 2 {
		t.Errorf("%+v", open().Read(tokenKey))
	}
	if err := open().Writable(); err == nil || !strings.Contains(err.Error(), "kept in "+second+".2 instead") {
		t.Error(err)
	}
	// The first that can be written is used, and what was seen before stays known.
	if err := os.Mkdir(filepath.Dir(first), 0o700); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, open(), tokenKey, Event{At: at(3), What: EventServed})
	if len(readLog(filepath.Join(first, tokenKey))) != 1 || len(open().Read(tokenKey)) != 3 {
		t.Errorf("%+v", open().Read(tokenKey))
	}
	if open().Forget(tokenKey); open().Known(tokenKey) {
		t.Error("not forgotten everywhere")
	}
}

func TestReadMergesBothFolders(t *testing.T) {
	root := t.TempDir()
	dir, fallback := filepath.Join(root, "dir"), filepath.Join(root, "fallback")
	mustAppend(t, OpenObservations("", []string{fallback}, os.Getuid()), tokenKey, Event{At: at(2), What: EventServed, Note: "2"})
	o := OpenObservations(dir, []string{fallback}, os.Getuid())
	mustAppend(t, o, tokenKey, Event{At: at(1), What: EventServed, Note: "1"})
	mustAppend(t, o, tokenKey, Event{At: at(3), What: EventServed, Note: "3"})
	var notes string
	for _, e := range o.Read(tokenKey) {
		notes += e.Note
	}
	if notes != "123" {
		t.Errorf("in the order %s", notes)
	}
	if o.Forget(tokenKey); o.Known(tokenKey) {
		t.Error("the fallback's is not forgotten")
	}
}

func TestClaim(t *testing.T) {
	o, _ := observations(t)
	long := "account.work/" + strings.Repeat("é/", 200)
	for _, c := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"x", noon, true},
		{"x", noon, false},
		{"X", at(59.999), false},
		{"x/y", noon, true},
		{"x", at(-60), false}, // a minute ahead
		{"x", at(60), true},
		{"x", at(60), false},
		{"x", at(119), false},
		{"x", at(120), true},
		{"x", at(-10000), true}, // the claim is from the future
		{"x", at(-10000), false},
		{"x", at(120), true},
		{"x", at(179), false},
		{"x", at(180), true},
		{long + "a", noon, true},
		{long + "b", noon, true},
		{long + "a", noon, false},
		{"../escape", noon, true},
		{"", noon, true},
		{"", noon, false},
	} {
		if got := o.Claim(c.name, time.Minute, c.at); got != c.want {
			t.Errorf("%.40q at %v: %v", c.name, c.at, got)
		}
	}
}

func TestClaimIsTakenOverByOne(t *testing.T) {
	o, dir := observations(t)
	for round := range 40 {
		now := at(float64(60 * round))
		var winners atomic.Int32
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				if o.Claim("x", time.Minute, now) {
					winners.Add(1)
				}
			})
		}
		all.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("round %d: %d winners", round, n)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 3 {
		t.Errorf("claims pile up: %v", entries)
	}
}

// One who takes a claim over may be killed before the first file is up to date.
func TestClaimAfterAKilledTakeover(t *testing.T) {
	o, dir := observations(t)
	o.Claim("x", time.Minute, noon)
	first := filepath.Join(dir, claimFile("x"))
	old, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 3; i++ {
		now := at(float64(60 * i))
		if !o.Claim("x", time.Minute, now) || o.Claim("x", time.Minute, now) {
			t.Errorf("takeover %d", i)
		}
		if i < 3 {
			if err := os.WriteFile(first, old, 0o600); err != nil {
				t.Fatal(err)
			}
			if i == 1 && o.Claim("x", time.Minute, now) {
				t.Error("taken over twice")
			}
		}
	}
	// One that was cut off is as old as its file.
	if err := os.WriteFile(first, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if o.Claim("x", time.Minute, time.Now()) || !o.Claim("x", time.Minute, time.Now().Add(time.Hour)) {
		t.Error("an empty claim")
	}
	// Names that lead in a circle are nobody's work but must end.
	next := func(ms int64) string { return fmt.Sprint(first, claimNext, ms) }
	for path, text := range map[string]string{first: "1", next(1): "2", next(2): "1"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !o.Claim("x", time.Minute, noon) {
		t.Error("a circle")
	}
}
