package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestUses(t *testing.T) {
	o, dir := observations(t)
	if got := o.Uses(tokenKey, noon); !reflect.DeepEqual(got, Uses{}) {
		t.Errorf("%+v", got)
	}
	o.Settled(tokenKey, "acme", noon)
	if _, err := os.Stat(dir); err == nil {
		t.Error("settling nothing made the folder")
	}
	for i, c := range []struct {
		at        float64
		workspace string
		want      int
	}{
		{0, "acme", 1},
		{0.5, "ACME", 1}, // parallel jobs of one command
		{1.999, "acme", 1},
		{2, "acme", 2}, // two seconds from the first, not from the last
		{2.1, "other", 1},
		{3, "", 1},
		{60, "acme", 3},
		{59, "acme", 3},
		{30, "acme", 4}, // the clock was put back
		{100000, "acme", 5},
		{61, "acme", 6}, // what is from the future counts as well
		{62, "other", 2},
	} {
		if got := o.Served(tokenKey, c.workspace, at(c.at)); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
	now := at(70)
	want := Uses{at(62), []SilentUse{{"", 1, at(3)}, {"acme", 6, at(61)}, {"other", 2, at(62)}}}
	if got := o.Uses(tokenKey, now); !sameUses(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	o.Settled(tokenKey, "Acme", now)
	want.Silent = append(want.Silent[:1], want.Silent[2])
	if got := o.Uses(tokenKey, now); !sameUses(got, want) {
		t.Errorf("after an outcome: %+v\nwant %+v", got, want)
	}
	if got := o.Served(tokenKey, "acme", at(80)); got != 1 {
		t.Errorf("counted on from %d", got)
	}
	o.SettledAll(tokenKey, at(81))
	if got := o.Uses(tokenKey, at(81)); !sameUses(got, Uses{Last: at(80)}) {
		t.Errorf("after a check: %+v", got)
	}
	o.Used(tokenKey, at(100)) // not worth a write
	o.Used(tokenKey, at(200))
	if got := o.Uses(tokenKey, at(201)); !sameUses(got, Uses{Last: at(200)}) {
		t.Errorf("used: %+v", got)
	}
	if o.Known(tokenKey) || o.Read(tokenKey) != nil {
		t.Error("a use became an event")
	}
	if o.Forget(tokenKey); !o.Uses(tokenKey, now).Last.IsZero() {
		t.Error("not forgotten")
	}
	for _, key := range []string{"", "../x", "A"} {
		if o.Served(key, "acme", noon) != 1 {
			t.Errorf("counted for %q", key)
		}
		o.SettledAll(key, noon)
	}
	if none := OpenObservations("", nil, os.Getuid()); none.Served(tokenKey, "a", noon) != 1 || none.Served(tokenKey, "a", at(10)) != 1 {
		t.Error("without any folder")
	}
}

func sameUses(a, b Uses) bool {
	same := a.Last.Equal(b.Last) && len(a.Silent) == len(b.Silent)
	for i := range a.Silent {
		same = same && a.Silent[i].Workspace == b.Silent[i].Workspace && a.Silent[i].Count == b.Silent[i].Count && a.Silent[i].Last.Equal(b.Silent[i].Last)
	}
	return same
}

// What is far ahead was long ago, and stays so once an outcome has been told.
func TestUsesOfTheFuture(t *testing.T) {
	o, _ := observations(t)
	o.Served(tokenKey, "acme", at(5000))
	want := Uses{at(0).Add(-longPast), []SilentUse{{"acme", 1, at(0).Add(-longPast)}}}
	if got := o.Uses(tokenKey, at(0)); !sameUses(got, want) {
		t.Errorf("%+v", got)
	}
	o.SettledAll(tokenKey, at(0))
	if got := o.Uses(tokenKey, at(6000)); !sameUses(got, Uses{Last: at(0).Add(-longPast)}) {
		t.Errorf("%+v", got)
	}
}

// Rewriting changes nothing but what it is to change.
func TestUsesAreRewritten(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		o, dir := observations(t)
		workspaces := []string{"", "-", "a", "b c", "é"}
		want := map[string]int{}
		now := 0.0
		for range r.IntN(300) {
			now += 3
			workspace := workspaces[r.IntN(len(workspaces))]
			if r.IntN(20) == 0 {
				o.Settled(tokenKey, workspace, at(now))
				delete(want, workspace)
				continue
			}
			want[workspace]++
			if got := o.Served(tokenKey, workspace, at(now)); got != want[workspace] {
				t.Fatalf("seed %d: %d in %q, want %d", seed, got, workspace, want[workspace])
			}
			if info, err := os.Stat(filepath.Join(dir, tokenKey+usesSuffix)); err != nil || info.Size() > usesMost {
				t.Fatalf("seed %d: %d bytes, %v", seed, info.Size(), err)
			}
		}
		got := map[string]int{}
		for _, s := range o.Uses(tokenKey, at(now)).Silent {
			got[s.Workspace] = s.Count
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %v, want %v", seed, got, want)
		}
	}
}

// Of many workspaces the latest are kept.
func TestUsesAreBounded(t *testing.T) {
	o, dir := observations(t)
	long := strings.Repeat("é", 60)
	for i := range 500 {
		o.Served(tokenKey, fmt.Sprint(i, "-", long), at(float64(3*i)))
		if info, err := os.Stat(filepath.Join(dir, tokenKey+usesSuffix)); err != nil || info.Size() > usesMost {
			t.Fatalf("%d bytes, %v", info.Size(), err)
		}
	}
	if got := o.Served(tokenKey, fmt.Sprint("499-", long), at(2000)); got != 2 {
		t.Errorf("the latest was forgotten: %d", got)
	}
}

func TestDamagedUses(t *testing.T) {
	o, dir := observations(t)
	path := filepath.Join(dir, tokenKey+usesSuffix)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	stamp := fmt.Sprint(noon.UnixMilli())
	for _, text := range []string{
		"\x00\x00\n\n", "nonsense", "-" + stamp[1:] + " acme 1\n", stamp[1:] + " acme 1\n", stamp + " acme\n", stamp + "  1\n",
		stamp + " acme -3\n", stamp + " acme x\n", stamp + " acm", strings.Repeat("x", 20_000),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Settled(tokenKey, "acme", at(5))
		first, second := o.Served(tokenKey, "acme", at(10)), o.Served(tokenKey, "acme", at(20))
		if first != 1 || second > 2 {
			t.Errorf("%.30q: %d, %d", text, first, second)
		}
		if info, err := os.Stat(path); err != nil || info.Size() > usesMost+100 {
			t.Errorf("%.30q: %d bytes, %v", text, info.Size(), err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	o.Settled(tokenKey, "acme", noon)
	if o.Served(tokenKey, "acme", noon) != 1 || !o.Uses(tokenKey, noon).Last.IsZero() {
		t.Error("a folder was read")
	}
}

func TestUsesInAFallback(t *testing.T) {
	root := t.TempDir()
	blocked := filepath.Join(root, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := OpenObservations(filepath.Join(blocked, "state"), []string{filepath.Join(root, "private")}, os.Getuid())
	for i := range 3 {
		if got := o.Served(tokenKey, "acme", at(float64(10*i))); got != i+1 {
			t.Errorf("%d", got)
		}
	}
	o.Settled(tokenKey, "acme", at(40))
	if got := o.Uses(tokenKey, at(50)); !sameUses(got, Uses{Last: at(20)}) {
		t.Errorf("%+v", got)
	}
}

// Parallel gets and outcomes may lose a count, and make none up.
func TestParallelUses(t *testing.T) {
	o, _ := observations(t)
	var all sync.WaitGroup
	for w := range 8 {
		workspace := fmt.Sprint("workspace-", w%3)
		all.Go(func() {
			for i := range 50 {
				now := noon.Add(time.Duration(w*50+i) * time.Millisecond)
				o.Served(tokenKey, workspace, now)
				if i%3 == 0 {
					o.Settled(tokenKey, workspace, now)
				}
			}
		})
	}
	all.Wait()
	for _, s := range o.Uses(tokenKey, at(10)).Silent {
		if !strings.HasPrefix(s.Workspace, "workspace-") || len(s.Workspace) != len("workspace-0") || s.Count > 8*50 {
			t.Errorf("%+v", s)
		}
	}
	o.SettledAll(tokenKey, at(10))
	if got := o.Uses(tokenKey, at(10)); len(got.Silent) != 0 || got.Last.Before(noon) {
		t.Errorf("%+v", got)
	}
}
