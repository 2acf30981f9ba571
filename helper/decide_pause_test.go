package helper

import (
	"reflect"
	"testing"
	"time"

	"git-credential-bitbucket/store"
)

// Pauses are 30 seconds, then 2, 8 and 15 minutes, and 15 from there on, from the last
// rejection.
func TestPauses(t *testing.T) {
	for _, c := range []struct {
		rejections int
		expired    bool
		count      int
		pause      time.Duration
	}{
		{0, false, 0, 0},
		{1, false, 1, 0},
		{2, false, 2, 0},
		{3, false, 3, 30 * time.Second},
		{4, false, 4, 2 * time.Minute},
		{5, false, 5, 8 * time.Minute},
		{6, false, 6, 15 * time.Minute},
		{7, false, 7, 15 * time.Minute},
		{1000, false, 1000, 15 * time.Minute},
		{0, true, 0, 0},
		{1, true, 3, 30 * time.Second},
		{2, true, 4, 2 * time.Minute},
		{4, true, 6, 15 * time.Minute},
	} {
		health := store.Health{Bursts: c.rejections, LastRejected: noon}
		count, until := Pause(health, c.expired)
		want := time.Time{}
		if c.pause > 0 {
			want = noon.Add(c.pause)
		}
		if count != c.count || !until.Equal(want) {
			t.Errorf("%d rejections, expired %v: %d until %s; want %d until %s", c.rejections, c.expired, count, until, c.count, want)
		}
		if c.pause == 0 || c.expired {
			continue
		}
		before, after := good(rejected(c.rejections, c.pause-time.Millisecond)), good(rejected(c.rejections, c.pause))
		if d := decide(before); !reflect.DeepEqual(d.Answer, quit) || d.Claim != "" {
			t.Errorf("%d rejections, in the pause: %v", c.rejections, d.Answer)
		}
		if d := decide(after); !reflect.DeepEqual(d.Answer, given) {
			t.Errorf("%d rejections, after the pause: %v", c.rejections, d.Answer)
		}
	}
}

// After a pause one get has the token, and the others wait for what comes of it.
func TestOneGetAfterAPause(t *testing.T) {
	d := decide(good(rejected(3, time.Minute)))
	if want := apiToken.Fingerprint() + "/retry.acme"; d.Claim != want {
		t.Errorf("claim %q, want %q", d.Claim, want)
	}
	others := d.Otherwise
	if others == nil || !reflect.DeepEqual(others.Answer, quit) || others.Outcome != NoCredential || others.Claim != "" {
		t.Fatalf("%+v", others)
	}
	if n := others.Notices; len(n) != 1 || n[0].What != Paused || !n[0].Until.Equal(noon.Add(claimLife)) {
		t.Errorf("%+v", n)
	}
}

// Within the second of a burst, the third rejection stops whoever asks in a loop, though
// the burst counts once.
func TestBurst(t *testing.T) {
	burst := func(within int, began time.Duration) func(*Facts) {
		return func(f *Facts) {
			f.Health.Bursts, f.Health.InBurst = 1, within
			f.Health.BurstBegan, f.Health.LastRejected = noon.Add(-began), noon
		}
	}
	for _, c := range []struct {
		name   string
		within int
		began  time.Duration
		answer Message
	}{
		{"two in the second", 2, 500 * time.Millisecond, given},
		{"three in the second", 3, 500 * time.Millisecond, quit},
		{"many in the second", 64, 999 * time.Millisecond, quit},
		{"three, and the second is over", 3, time.Second, given},
	} {
		d := decide(good(burst(c.within, c.began)))
		if !reflect.DeepEqual(d.Answer, c.answer) {
			t.Errorf("%s: %v", c.name, d.Answer)
		}
		if reflect.DeepEqual(c.answer, quit) {
			if n := d.Notices[0]; n.What != Paused || n.Count != c.within || !n.Until.Equal(noon.Add(time.Second-c.began)) || d.Outcome != NoCredential {
				t.Errorf("%s: %+v", c.name, n)
			}
		}
	}
	// A pause is longer than the burst's second, and goes before it.
	d := decide(good(burst(3, 500*time.Millisecond), func(f *Facts) { f.Health.Bursts = 3 }))
	if n := d.Notices[0]; !n.Until.Equal(noon.Add(30 * time.Second)) {
		t.Errorf("%+v", n)
	}
}
