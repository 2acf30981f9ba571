package store

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// at is a moment in seconds from noon.
func at(seconds float64) time.Time {
	return noon.Add(time.Duration(seconds * float64(time.Second)))
}

func TestHealth(t *testing.T) {
	rejected := func(seconds float64, workspace string) Event {
		return Event{At: at(seconds), What: EventRejected, Workspace: workspace}
	}
	succeeded := func(seconds float64, workspace string) Event {
		return Event{At: at(seconds), What: EventSucceeded, Workspace: workspace}
	}
	now := at(1000)
	past := now.Add(-25 * time.Hour)
	for _, c := range []struct {
		label string
		log   Log
		want  Health
	}{
		{"nothing", nil, Health{}},
		{"one", Log{rejected(1, "w")}, Health{Bursts: 1, InBurst: 1, BurstBegan: at(1), LastRejected: at(1)}},
		{"a burst ends a second after its first", Log{rejected(1, "w"), rejected(1.5, "w"), rejected(2, "w"), rejected(2.001, "w")},
			Health{Bursts: 2, InBurst: 1, BurstBegan: at(2.001), LastRejected: at(2.001)}},
		{"parallel jobs append out of order", Log{rejected(1.004, "w"), rejected(1, "w"), rejected(1.9, "w")},
			Health{Bursts: 1, InBurst: 3, BurstBegan: at(1.004), LastRejected: at(1.9)}},
		{"a clock put back begins a burst", Log{rejected(10, "w"), rejected(5, "w")},
			Health{Bursts: 2, InBurst: 1, BurstBegan: at(5), LastRejected: at(5)}},
		{"another workspace", Log{rejected(1, "v"), rejected(2, "")}, Health{}},
		{"ASCII case aside", Log{rejected(1, "W")}, Health{Bursts: 1, InBurst: 1, BurstBegan: at(1), LastRejected: at(1)}},
		{"a success clears", Log{rejected(1, "w"), rejected(10, "w"), succeeded(20, "W"), rejected(30, "w")},
			Health{Bursts: 1, InBurst: 1, BurstBegan: at(30), LastRejected: at(30), LastSuccess: at(20), Worked: true}},
		{"a success long ago", Log{succeeded(1, "W"), rejected(20, "w"), succeeded(30, "v")},
			Health{Bursts: 1, InBurst: 1, BurstBegan: at(20), LastRejected: at(20), LastSuccess: at(30), Worked: true}},
		{"elsewhere for a quarter of an hour", Log{rejected(99, "u"), rejected(100, "v"), rejected(101, "x"), rejected(100.5, "X")},
			Health{Elsewhere: 2, ElsewhereLast: at(100.5)}},
		{"elsewhere until a success there", Log{rejected(900, "v"), rejected(901, "x"), succeeded(950, "v"), rejected(300, "")},
			Health{Elsewhere: 2, ElsewhereLast: at(901), LastSuccess: at(950)}},
		{"elsewhere in the future", Log{rejected(1001, "v"), rejected(2000, "x")}, Health{Elsewhere: 1, ElsewhereLast: now}},
		{"a success clears its own workspace", Log{rejected(1, "w"), succeeded(20, "v"), succeeded(21, "")},
			Health{Bursts: 1, InBurst: 1, BurstBegan: at(1), LastRejected: at(1), LastSuccess: at(21)}},
		{"a check clears every workspace, and is no success", Log{rejected(1, "w"), rejected(990, "v"), {at(991), EventCleared, "x", ""}}, Health{Cleared: at(991)}},
		{"after a check it counts anew", Log{rejected(1, "w"), rejected(990, "v"), {at(991), EventCleared, "", ""}, rejected(992, "w"), rejected(993, "x")},
			Health{Bursts: 1, InBurst: 1, BurstBegan: at(992), LastRejected: at(992), Elsewhere: 1, ElsewhereLast: at(993), Cleared: at(991)}},
		{"a check's word", Log{{at(1), EventVerified, "", "alive"}, rejected(2, "w"), {at(3), EventVerified, "", "dead"}},
			Health{Bursts: 1, InBurst: 1, BurstBegan: at(2), LastRejected: at(2)}},
		{"marks are every workspace's", Log{{at(1), EventServed, "v", ""}, {at(2), EventWarned, "v", "30"}, {at(3), EventWarned, "", "14"}, {at(4), EventUnanswered, "v", ""}},
			Health{LastServed: at(1), Warned: at(3), WarnedNote: "14", Unanswered: at(4)}},
		{"a little ahead is now", Log{rejected(999, "w"), rejected(1001, "w"), {at(1060), EventServed, "", ""}},
			Health{Bursts: 2, InBurst: 1, BurstBegan: now, LastRejected: now, LastServed: now}},
		{"the future is long past, and its bursts count", Log{rejected(5000, "w"), rejected(6000, "w"), {at(1060.001), EventUnanswered, "", ""}, {at(1e6), EventWarned, "", "7"}},
			Health{Bursts: 2, InBurst: 1, BurstBegan: past, LastRejected: past, Unanswered: past, Warned: past, WarnedNote: "7"}},
		{"what a later version notes", Log{{at(1), "pondered", "w", ""}}, Health{}},
	} {
		t.Run(c.label, func(t *testing.T) {
			if got := c.log.Health("w", now); got != c.want {
				t.Errorf("%+v\nwant %+v", got, c.want)
			}
			if got := c.log.compact().Health("w", now); got != c.want {
				t.Errorf("compacted: %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// randomLog has bursts, clocks that go back, and few workspaces, so that much meets.
func randomLog(r *rand.Rand, n int) Log {
	whats := []What{EventRejected, EventRejected, EventRejected, EventRejected, EventSucceeded, EventWarned, EventUnanswered, EventServed, EventVerified, "later"}
	workspaces := []string{"", "a", "A", "b", "c d", "\n"}
	steps := []time.Duration{0, time.Millisecond, 400 * time.Millisecond, time.Second, 3 * time.Second, time.Hour, -time.Hour, -2 * time.Millisecond}
	log, now := Log{}, noon
	for range n {
		now = now.Add(steps[r.IntN(len(steps))])
		if r.IntN(30) == 0 {
			log = append(log, Event{At: now, What: EventCleared})
		}
		log = append(log, Event{now, whats[r.IntN(len(whats))], workspaces[r.IntN(len(workspaces))], strconv.Itoa(r.IntN(40))})
	}
	return log
}

func TestCompactChangesNoHealth(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		whole := randomLog(r, r.IntN(120))
		short := whole.compact()
		more := randomLog(r, r.IntN(20))
		for step, logs := range [][2]Log{
			{whole, short},
			{append(whole[:len(whole):len(whole)], more...), append(short[:len(short):len(short)], more...)},
			{append(whole[:len(whole):len(whole)], more...), append(short[:len(short):len(short)], more...).compact()},
		} {
			for _, workspace := range []string{"", "a", "B", "c D", "\n", "other"} {
				for _, now := range []time.Time{noon, noon.Add(3 * time.Hour), noon.Add(1000 * time.Hour)} {
					want, got := logs[0].Health(workspace, now), logs[1].Health(workspace, now)
					if got != want {
						t.Fatalf("seed %d, step %d, %q: %+v\nwant %+v\nof %v\nfrom %v", seed, step, workspace, got, want, logs[1], logs[0])
					}
				}
			}
		}
		if most := 6 + 5 + 5*4; len(short) > most {
			t.Fatalf("seed %d: %d events are left", seed, len(short))
		}
	}
}

func TestCompactIsBounded(t *testing.T) {
	var log Log
	for i := range 5000 {
		log = append(log, Event{at(float64(i)), EventRejected, fmt.Sprint("workspace-", i%500), ""})
		log = append(log, Event{at(float64(i)), What(strings.Repeat("x", i%20+1)), "", ""})
	}
	short := log.compact()
	if len(short) > 64*4+16 {
		t.Errorf("%d events are left", len(short))
	}
	if h := short.Health("workspace-499", at(6000)); h.Bursts != 10 {
		t.Errorf("of the latest: %+v", h)
	}
}

// A hundred workspaces that somebody else's repository names drive no pause out.
func TestCompactKeepsTheWorst(t *testing.T) {
	log := Log{{at(0), EventSucceeded, "mine", ""}}
	for i := range 3 {
		log = append(log, Event{at(float64(10 * i)), EventRejected, "mine", ""})
	}
	now := 100.0
	for round := range 3 {
		for i := range 118 {
			now += 2
			log = append(log, Event{at(now), EventRejected, fmt.Sprintf("junk-%d-%d", round, i), ""})
		}
		log = log.compact()
		want := Health{Bursts: 3, InBurst: 1, BurstBegan: at(20), LastRejected: at(20), LastSuccess: noon, Worked: true, Elsewhere: 63, ElsewhereLast: at(now)}
		if got := log.Health("mine", at(now)); got != want {
			t.Errorf("round %d: %+v", round, got)
		}
		if got := log.Health(fmt.Sprintf("junk-%d-117", round), at(now)); got.Bursts != 1 {
			t.Errorf("round %d: the newest: %+v", round, got)
		}
	}
	for i := range 200 {
		log = append(log, Event{at(now), EventSucceeded, fmt.Sprint("works-", i), ""})
	}
	log = log.compact()
	if log.Health("works-135", at(now)).Worked || !log.Health("works-136", at(now)).Worked {
		t.Error("of the successes not the last 64 are left")
	}
}

func TestEventLines(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, c := range []struct {
		event Event
		line  string
	}{
		{Event{noon, EventServed, "", ""}, "2026-05-01T12:00:00.000Z served - -"},
		{Event{noon.Add(1234567), EventRejected, "team", "-"}, "2026-05-01T12:00:00.001Z rejected team %2D"},
		{Event{noon, EventWarned, "a b\n2026-05-01T12:00:00.000Z succeeded team -", "\x00\x1b[31m\r"},
			"2026-05-01T12:00:00.000Z warned a+b%0A2026-05-01T12%3A00%3A00.000Z+succeeded+team+- %00%1B%5B31m%0D"},
		{Event{noon, EventWarned, long, "\xff"}, "2026-05-01T12:00:00.000Z warned " + strings.Repeat("%C3%A9", 50) + " %FF"},
		{Event{noon.In(time.FixedZone("", -3600)), "a-later-one", "", "n"}, "2026-05-01T12:00:00.000Z a-later-one - n"},
	} {
		line, err := c.event.line()
		if err != nil || string(line) != c.line+"\n" {
			t.Errorf("%q, %v\nwant %q", line, err, c.line)
		}
		got, ok := parseEvent(c.line)
		want := Event{c.event.At.UTC().Truncate(time.Millisecond), c.event.What, clip(c.event.Workspace), clip(c.event.Note)}
		if !ok || got != want {
			t.Errorf("%q: %+v\nwant %+v", c.line, got, want)
		}
	}
	for _, e := range []Event{{noon, "", "", ""}, {noon, "two words", "", ""}, {noon, "a\n", "", ""}, {noon.AddDate(9000, 0, 0), EventServed, "", ""}} {
		if line, err := e.line(); err == nil {
			t.Errorf("%q was written", line)
		}
	}
	for _, line := range []string{
		"", " ", "2026-05-01T12:00:00.000Z served -", "2026-05-01T12:00:00.000Z served - - -", "2026-05-01T12:00:00.000Z  - -",
		"2026-05-01T12:00:00Z served - -", "2026-13-01T12:00:00.000Z served - -", "2026-05-01T12:00:00.000Z served %zz -",
		"2026-05-01T12:00:00.000Z Served - -", "2026-05-01T12:00:00.000+ served - -", "2026-05-01T12:00:00.000Z served - - ",
	} {
		if e, ok := parseEvent(line); ok {
			t.Errorf("%q is %+v", line, e)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("2026-05-01T12:00:00.000Z rejected team %2D")
	f.Add("2026-05-01T12:00:00.000Z bursts - 17")
	f.Fuzz(func(t *testing.T, text string) {
		e, ok := parseEvent(text)
		if !ok {
			return
		}
		line, err := e.line()
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		again, ok := parseEvent(strings.TrimSuffix(string(line), "\n"))
		if !ok || again != e {
			t.Fatalf("%+v\nand %+v", e, again)
		}
		log := Log{e, e}
		if log.Health("w", noon) != log.compact().Health("w", noon) {
			t.Fatalf("compacted to %+v", log.compact())
		}
	})
}
