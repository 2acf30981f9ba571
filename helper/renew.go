package helper

import (
	"context"
	"errors"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// renewBefore is how much of an OAuth token's time is left when it is renewed, or half of
// what it had if that is less: a clone may take as long.
const renewBefore = 5 * time.Minute

// setBack is how much earlier than an account's token came it may be, by a clock that is
// a little behind another's.
const setBack = time.Minute

// forceAgain is how long a token that came by force is not forced again.
const forceAgain = 2 * time.Minute

// RenewalError is why an OAuth account got no other access token.
type RenewalError struct {
	Dead  bool      // the site gives the account none any more: only a new login helps
	Until time.Time // before then the site is not asked again; zero: nothing keeps it from being asked
	Err   error
}

func (e *RenewalError) Error() string { return "the token was not renewed: " + e.Err.Error() }
func (e *RenewalError) Unwrap() error { return e.Err }

// Renewable reports whether another token of the account can be had without a person.
func Renewable(a store.Account) bool {
	return a.Kind == string(bitbucket.OAuthToken) && a.Grant != "" && a.Grant != store.GrantImplicit &&
		a.Fingerprint != "" && a.SetAside.IsZero()
}

// Due reports whether the account's token is to be renewed before it goes out: when
// little of its time is left, also where that is unknown or the clock was set back since
// it came, or by force, when the site refused it before. Of a token that came by force a
// refusal within forceAgain proves nothing, or each call for a repository that it may not
// see would bring another.
func Due(a store.Account, h store.Health, now time.Time) (due, forced bool) {
	if !Renewable(a) {
		return false, false
	}
	forced = h.Bursts > 0 && (h.Renewed.IsZero() || h.LastRejected.Sub(h.Renewed) >= forceAgain)
	left, before := a.Expires.Sub(now), renewBefore
	if !a.Issued.IsZero() {
		before = min(before, a.Expires.Sub(a.Issued)/2)
	}
	return forced || left <= 0 || left < before || a.Issued.Sub(now) > setBack, forced
}

// Trouble is a kind of failure to get a token by OAuth. It stands in place of a workspace
// in a log of such failures, so that each kind is counted by itself.
type Trouble string

const (
	DeadGrant   Trouble = ""           // the site gives none any more
	RateLimit   Trouble = "rate-limit" // too many requests; Note: how long to wait, if the site said so
	OddAnswer   Trouble = "answer"     // neither a token nor a refusal that is meant for us: an outage
	Unreachable Trouble = "network"    // no refusal
)

// Troubles are all of them, the gravest first.
var Troubles = []Trouble{DeadGrant, RateLimit, OddAnswer, Unreachable}

// unreachablePause is for who has a token that serves meanwhile: not each get is to wait
// for the network in vain.
const unreachablePause = 5 * time.Second

// RenewalPause returns until when the site is not asked again after that trouble; health
// is of the trouble in the log of the account or consumer.
func RenewalPause(t Trouble, h store.Health) time.Time {
	if h.Bursts == 0 {
		return time.Time{}
	}
	pause := pauses[min(h.Bursts, len(pauses))-1]
	switch t {
	case RateLimit:
		if told, err := time.ParseDuration(h.RejectedNote); err == nil && told > 0 {
			pause = min(told, pauses[len(pauses)-1])
		}
	case Unreachable:
		pause = unreachablePause
	}
	return h.LastRejected.Add(pause)
}

// renew puts another token in the place of an OAuth account's where it is due, and where
// it is lost. What cannot be renewed serves on while it lives.
func (h *Helper) renew(ctx context.Context, f *Facts) {
	due, forced := Due(f.Account, f.Health, f.Now)
	if f.Err != nil {
		due, forced = Renewable(f.Account) && errors.Is(f.Err, store.ErrNotFound), false
	}
	if !due || h.Renew == nil {
		return
	}
	account, token, err := h.Renew(ctx, f.Account, forced)
	f.Now = h.Now()
	if err == nil {
		f.Account, f.Token, f.Err, f.Kind = account, token, nil, kindOf(account, token)
		h.examine(f)
		return
	}
	var renewal *RenewalError
	dead := errors.As(err, &renewal) && renewal.Dead
	if lives := !f.Token.IsZero() && f.Now.Before(f.Account.Expires); lives && !(forced && dead) {
		f.Renewal = err
		if a := &f.Account; a.Issued.Sub(f.Now) > setBack { // its end is by that other clock
			a.Expires = f.Now.Add(a.Expires.Sub(a.Issued))
		}
		return
	}
	f.Token, f.Err = secret.Secret{}, err
}

// renewalWarning says that a token goes out that could not be renewed, once for it.
func renewalWarning(f Facts, say func(What) Notice) []Notice {
	if f.Renewal == nil || f.Caller.QuietFetch {
		return nil
	}
	n := say(RenewalFailed)
	n.Err, n.At = f.Renewal, f.Account.Expires
	if !f.Caller.CI {
		n.Claim = f.Token.Fingerprint() + "/renewal"
	}
	return []Notice{n}
}
