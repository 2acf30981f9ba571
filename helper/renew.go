package helper

import (
	"context"
	"errors"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// renewBefore is how much of an OAuth token's time is left when it is renewed: a clone
// may take as long.
const renewBefore = 5 * time.Minute

// forceAgain is how long a token that came by force is not forced again.
const forceAgain = 2 * time.Minute

// RenewalError is why an OAuth account got no other access token.
type RenewalError struct {
	Dead  bool      // the site gives the account none any more: only a new login helps
	Until time.Time // of Dead: before then the site is not asked; zero: it was not asked at all
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
// little of its time is left, also where that is unknown, or by force, when the site
// refused it before. Of a token that came by force a refusal within forceAgain proves
// nothing, or each call for a repository that it may not see would bring another.
func Due(a store.Account, h store.Health, now time.Time) (due, forced bool) {
	if !Renewable(a) {
		return false, false
	}
	forced = h.Bursts > 0 && (h.Renewed.IsZero() || h.LastRejected.Sub(h.Renewed) >= forceAgain)
	return forced || a.Expires.Sub(now) < renewBefore, forced
}

// RenewalPause returns until when the site is not asked to renew an account's token,
// after it said that it will not; health is of the account's own log.
func RenewalPause(h store.Health) time.Time {
	if h.Bursts == 0 {
		return time.Time{}
	}
	return h.LastRejected.Add(pauses[min(h.Bursts, len(pauses))-1])
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
