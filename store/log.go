package store

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What kind of event it is: lower-case letters and '-'.
type What string

const (
	EventRejected   What = "rejected"   // git said that Bitbucket refused the token
	EventSucceeded  What = "succeeded"  // git said that it took it
	EventWarned     What = "warned"     // of the coming end; Note: which threshold
	EventUnanswered What = "unanswered" // a get was answered without a password
	EventServed     What = "served"     // a get was answered with the token
	EventCleared    What = "cleared"    // a check found it alive: no rejection before it counts, in any workspace
	EventRenewed    What = "renewed"    // this one came in place of an OAuth token that was refused before its time
	EventVerified   What = "verified"   // a check proved something of it; Note: a word on what

	// What compact leaves of many rejections; Note is their number.
	eventBursts What = "bursts" // whole ones before the last
	eventWithin What = "within" // of the last burst, between its first and its last
)

// Event is one thing seen. In the log its time has milliseconds, and of Workspace and
// Note, each, the first 100 bytes are kept.
type Event struct {
	At        time.Time
	What      What
	Workspace string
	Note      string
}

// Log is events in the order in which they were appended.
type Log []Event

const (
	timeLayout = "2006-01-02T15:04:05.000Z"
	noText     = "-"
	textMost   = 100
)

// line is the event in the log: four words and a line feed.
func (e Event) line() ([]byte, error) {
	at := e.At.UTC().Format(timeLayout)
	if len(at) != len(timeLayout) || !validWhat(e.What) {
		return nil, fmt.Errorf("no event: %.40q at %s", e.What, at)
	}
	return []byte(at + " " + string(e.What) + " " + escape(clip(e.Workspace)) + " " + escape(clip(e.Note)) + "\n"), nil
}

// parseEvent reads a line without its line feed.
func parseEvent(line string) (e Event, ok bool) {
	words := strings.Split(line, " ")
	if len(words) != 4 || len(words[0]) != len(timeLayout) {
		return Event{}, false
	}
	at, err := time.Parse(timeLayout, words[0])
	workspace, err2 := unescape(words[2])
	note, err3 := unescape(words[3])
	e = Event{at, What(words[1]), workspace, note}
	if err != nil || err2 != nil || err3 != nil || !validWhat(e.What) {
		return Event{}, false
	}
	return e, true
}

func validWhat(w What) bool {
	const most = 20
	return w != "" && len(w) <= most && strings.Trim(string(w), "abcdefghijklmnopqrstuvwxyz-") == ""
}

// escape makes one word of any text, safe in a line and as a file's name.
func escape(text string) string {
	switch text {
	case "":
		return noText
	case noText:
		return "%2D"
	}
	return url.QueryEscape(text)
}

func unescape(word string) (string, error) {
	if word == noText {
		return "", nil
	}
	text, err := url.QueryUnescape(word)
	return clip(text), err
}

func clip(text string) string { return text[:min(len(text), textMost)] }

// merge orders the events of several logs by time.
func merge(logs []Log) Log {
	if len(logs) == 1 {
		return logs[0]
	}
	all := slices.Concat(logs...)
	slices.SortStableFunc(all, func(a, b Event) int { return a.At.Compare(b.At) })
	return all
}

// compact returns a shorter log with the same Health in every workspace and at any
// time, also after the same events have been appended to both. Of more than 64
// workspaces with rejections it keeps those with the most bursts, of as many the
// latest: a pause is not to be driven out by a repository with a hundred submodules
// elsewhere. It keeps the last success of the latest 64 workspaces.
func (l Log) compact() Log {
	const workspacesMost, whatsMost = 64, 16
	last, worked := map[What]mark{}, map[string]mark{}
	for i, e := range l {
		switch {
		case e.What == EventSucceeded:
			worked[e.workspace()] = mark{i, e}
		case !e.rejection():
			last[e.What] = mark{i, e}
		}
	}
	marks := append(latest(last, whatsMost), latest(worked, workspacesMost)...)
	slices.SortFunc(marks, func(a, b mark) int { return cmp.Compare(a.at, b.at) })
	var short Log
	for _, m := range marks {
		short = append(short, m.Event)
	}
	// Behind the marks: a success among these clears what stands before it.
	open := slices.Collect(maps.Values(l.tallies()))
	slices.SortFunc(open, func(a, b *tally) int { return cmp.Or(cmp.Compare(b.bursts, a.bursts), cmp.Compare(b.at, a.at)) })
	open = open[:min(len(open), workspacesMost)]
	slices.SortFunc(open, func(a, b *tally) int { return cmp.Compare(a.at, b.at) })
	for _, t := range open {
		short = append(short, t.log()...)
	}
	return short
}

// mark is an event and its place in the log.
type mark struct {
	at int
	Event
}

// latest returns as many of the marks, the last in the log.
func latest[K comparable](marks map[K]mark, most int) []mark {
	all := slices.SortedFunc(maps.Values(marks), func(a, b mark) int { return cmp.Compare(b.at, a.at) })
	return all[:min(len(all), most)]
}

// workspace is what workspaces are told apart by.
func (e Event) workspace() string { return lowerASCII(clip(e.Workspace)) }

func (e Event) rejection() bool {
	return e.What == EventRejected || e.What == eventBursts || e.What == eventWithin
}

// tallies returns the workspaces with rejections since their last success, and since a
// check cleared all.
func (l Log) tallies() map[string]*tally {
	open := map[string]*tally{}
	for i, e := range l {
		workspace := e.workspace()
		switch {
		case e.What == EventCleared:
			clear(open)
		case e.What == EventSucceeded:
			delete(open, workspace)
		case e.rejection():
			if open[workspace] == nil {
				open[workspace] = &tally{}
			}
			open[workspace].add(i, e)
		}
	}
	maps.DeleteFunc(open, func(_ string, t *tally) bool { return t.bursts == 0 })
	return open
}

// Refused reports whether a rejection still counts, in any workspace.
func (l Log) Refused() bool { return len(l.tallies()) > 0 }

// tally counts the rejections in one workspace since its last success.
type tally struct {
	at          int // the place of the last event, to order tallies by
	bursts      int
	within      int   // rejections in the last burst
	first, last Event // rejections of the last burst; valid if within > 0
}

// burstLength is how long after its first a rejection belongs to a burst. Parallel
// jobs that one stray 401 hits
// (https://jira.atlassian.com/browse/BCLOUD-24107) are to count once.
const burstLength = time.Second

// add counts a rejection, or what compact left of many.
func (t *tally) add(at int, e Event) {
	t.at = at
	switch e.What {
	case EventRejected:
		if t.within == 0 || e.At.Sub(t.first.At).Abs() > burstLength {
			t.bursts++
			t.within, t.first = 0, e
		}
		t.within++
		t.last = e
	case eventBursts:
		t.bursts += number(e.Note)
		t.within, t.last = 0, e
	case eventWithin:
		if t.within > 0 {
			t.within += number(e.Note)
		}
	}
}

// log is the shortest log that is counted as t.
func (t *tally) log() (short Log) {
	whole := t.bursts
	if t.within > 0 {
		whole--
	}
	summary := func(w What, n int) {
		if n > 0 {
			short = append(short, Event{t.last.At, w, t.last.Workspace, strconv.Itoa(n)})
		}
	}
	summary(eventBursts, whole)
	if t.within > 0 {
		short = append(short, t.first)
	}
	summary(eventWithin, t.within-2)
	if t.within > 1 {
		short = append(short, t.last)
	}
	return short
}

// number reads a summary's count; a damaged one counts for nothing.
func number(note string) int {
	const most = 1_000_000
	n, err := strconv.Atoi(note)
	if err != nil || n < 0 {
		return 0
	}
	return min(n, most)
}
