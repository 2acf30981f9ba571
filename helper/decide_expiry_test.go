package helper

import (
	"reflect"
	"strconv"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
)

// A warning is due when the 30th, 14th and 7th day before the date are crossed, and on
// each day below.
func TestExpiryStages(t *testing.T) {
	const tick = time.Millisecond
	for _, c := range []struct {
		left  time.Duration
		what  What // 0: none
		days  int
		stage string
	}{
		{400 * day, 0, 0, ""},
		{30*day + tick, 0, 0, ""},
		{30 * day, ExpiryNear, 30, "30-2026-12-23"},
		{14*day + tick, ExpiryNear, 15, "30-2026-12-07"},
		{14 * day, ExpiryNear, 14, "14-2026-12-07"},
		{7*day + tick, ExpiryNear, 8, "14-2026-11-30"},
		{7 * day, ExpiryNear, 7, "2026-11-23"},
		{day, ExpiryNear, 1, "2026-11-23"},
		{tick, ExpiryNear, 1, "2026-11-23"},
		{0, ExpiryPassed, 0, "expired-2026-11-23"},
		{-tick, ExpiryPassed, 1, "expired-2026-11-23"},
		{-10 * day, ExpiryPassed, 10, "expired-2026-11-23"},
	} {
		d := decide(good(expires(c.left)))
		if !reflect.DeepEqual(d.Answer, given) {
			t.Errorf("%s left: answer %v", c.left, d.Answer)
		}
		if c.what == 0 {
			if len(d.Notices) > 0 {
				t.Errorf("%s left: %+v", c.left, d.Notices)
			}
			continue
		}
		if len(d.Notices) != 1 {
			t.Errorf("%s left: %+v", c.left, d.Notices)
			continue
		}
		n := d.Notices[0]
		if n.What != c.what || n.Days != c.days || n.Stage != c.stage || n.Claim != apiToken.Fingerprint()+"/warn."+c.stage {
			t.Errorf("%s left: %d, %d days, stage %q, claim %q", c.left, n.What, n.Days, n.Stage, n.Claim)
		}
	}
}

func TestExpiryWarnedOnce(t *testing.T) {
	warned := func(stage string) func(*Facts) { return func(f *Facts) { f.Health.WarnedNote = stage } }
	ci := func(f *Facts) { f.Caller.CI = true }
	quiet := func(f *Facts) { f.Caller.QuietFetch = true }
	for _, c := range []struct {
		name  string
		facts Facts
		due   bool
		claim bool
	}{
		{"not yet", good(expires(20 * day)), true, true},
		{"the same stage", good(expires(20*day), warned("30-2026-12-13")), false, false},
		{"the stage of another date", good(expires(20*day), warned("30-2026-12-01")), true, true},
		{"an earlier stage", good(expires(10*day), warned("30-2026-12-03")), true, true},
		{"today", good(expires(2*day), warned("2026-11-23")), false, false},
		{"yesterday", good(expires(2*day), warned("2026-11-22")), true, true},
		{"before it expired, today", good(expires(-time.Hour), warned("2026-11-23")), true, true},
		{"in CI each time", good(expires(2*day), warned("2026-11-23"), ci), true, false},
		{"an editor's silent fetch", good(expires(2*day), quiet), false, false},
		{"an editor's silent fetch in CI", good(expires(2*day), quiet, ci), false, false},
		{"expired, an editor's silent fetch", good(expires(-2*day), quiet), false, false},
		{"a certain date", good(expires(2*day), certain), true, true},
		{"an OAuth token", good(expires(time.Hour), certain, kind(bitbucket.OAuthToken)), false, false},
		{"no date", good(), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(c.facts)
			if due := len(d.Notices) == 1; due != c.due || due && (d.Notices[0].Claim != "") != c.claim {
				t.Errorf("%+v", d.Notices)
			}
		})
	}
}

// git throws an expired answer away, so that it is told no date but a certain one.
func TestPasswordExpiry(t *testing.T) {
	date := noon.Add(40 * day)
	told := append(given[:2:2], Field{"password_expiry_utc", strconv.FormatInt(date.Unix(), 10)})
	for _, c := range []struct {
		name  string
		facts Facts
		want  Message
	}{
		{"certain", good(expires(40*day), certain), told},
		{"claimed", good(expires(40 * day)), given},
		{"guessed", good(expires(40*day), func(f *Facts) { f.Account.Guessed = true }), given},
		{"claimed and passed", good(expires(-day)), given},
		{"certain without a date", good(certain), given},
	} {
		if got := decide(c.facts).Answer; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
