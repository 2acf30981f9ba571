package store

import "time"

// Health is what a token's log says of it, for one workspace. A time is zero where
// there was no such event.
type Health struct {
	Bursts       int       // of rejections in this workspace since its last success, or since a check cleared all
	InBurst      int       // rejections in the last burst
	BurstBegan   time.Time // its first rejection
	LastRejected time.Time // its last
	RejectedNote string    // its Note
	LastSuccess  time.Time // in any workspace
	LastServed   time.Time // in any workspace
	Warned       time.Time // last warning of the token's end
	WarnedNote   string    // its Note: the threshold
	Unanswered   time.Time // last get answered without a password
	Cleared      time.Time // last check that found it alive
	Renewed      time.Time // last EventRenewed
	Worked       bool      // a success in this workspace, however long ago

	Elsewhere     int       // other workspaces rejected in the last 15 minutes, without a success since
	ElsewhereLast time.Time // the newest of these rejections
}

const (
	clockSkew = time.Minute // what was noted by a process whose now is a little later is no future
	elsewhere = 15 * time.Minute
	longPast  = 25 * time.Hour // longer than every pause and than a day's warning
)

// Health counts the rejections that this workspace has met since its last success; ""
// stands for the requests that named none, and is a workspace of its own. A burst is
// the rejections within a second of its first, and what counts.
//
// Workspaces are compared without ASCII case. Of the other events the one appended
// last is told. Since clocks go wrong and are put right, a time more than a minute
// ahead of now is told as 25 hours before now, and one less ahead as now.
func (l Log) Health(workspace string, now time.Time) Health {
	workspace = lowerASCII(clip(workspace))
	var h Health
	for _, e := range l {
		switch e.What {
		case EventSucceeded:
			h.LastSuccess = e.At
			h.Worked = h.Worked || e.workspace() == workspace
		case EventServed:
			h.LastServed = e.At
		case EventWarned:
			h.Warned, h.WarnedNote = e.At, e.Note
		case EventUnanswered:
			h.Unanswered = e.At
		case EventCleared:
			h.Cleared = e.At
		case EventRenewed:
			h.Renewed = e.At
		}
	}
	var t tally
	for name, other := range l.tallies() {
		if name == workspace {
			t = *other
			continue
		}
		at := noFuture(other.last.At, now)
		if now.Sub(at) > elsewhere {
			continue
		}
		h.Elsewhere++
		if at.After(h.ElsewhereLast) {
			h.ElsewhereLast = at
		}
	}
	h.Bursts, h.InBurst = t.bursts, t.within
	if t.within > 0 {
		h.BurstBegan, h.LastRejected, h.RejectedNote = t.first.At, t.last.At, t.last.Note
	}
	for _, at := range []*time.Time{&h.BurstBegan, &h.LastRejected, &h.LastSuccess, &h.LastServed, &h.Warned, &h.Unanswered, &h.Cleared, &h.Renewed} {
		*at = noFuture(*at, now)
	}
	return h
}

func noFuture(at, now time.Time) time.Time {
	switch ahead := at.Sub(now); {
	case ahead <= 0:
		return at
	case ahead <= clockSkew:
		return now
	}
	return now.Add(-longPast)
}
