package helper

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// A renewer gets an account the token next, or fails.
type renewer struct {
	house  *house
	next   secret.Secret
	err    error
	forced []bool // how it was called
}

func (r *renewer) renew(_ context.Context, a store.Account, forced bool) (store.Account, secret.Secret, error) {
	r.forced = append(r.forced, forced)
	if r.err != nil {
		return a, secret.Secret{}, r.err
	}
	a = r.house.keep(a.Name, r.next, func(b *store.Account) { oauthFor(2 * time.Hour)(b); b.Created = r.house.clock })
	return a, r.next, nil
}

func jwt(seed string) secret.Secret { return secret.New("eyJ" + seed + ".made-for.tests-" + seed) }

var oldAccess, newAccess = jwt("old"), jwt("new")

// oauthFor makes the account's token one by OAuth that lives so long from noon.
func oauthFor(d time.Duration) func(*store.Account) {
	return func(a *store.Account) {
		a.Kind, a.Grant, a.Certain, a.Expires = string(bitbucket.OAuthToken), store.GrantCode, true, noon.Add(d)
	}
}

func until(username string, token secret.Secret, at time.Time) string {
	return answered(username, token) + "password_expiry_utc=" + strconv.FormatInt(at.Unix(), 10) + "\n"
}

func TestGetRenews(t *testing.T) {
	network := &RenewalError{Err: errors.New("no answer")}
	dead := &RenewalError{Dead: true, Err: errors.New("unauthorized_client")}
	old, fresh := until(accessUser, oldAccess, noon.Add(4*time.Minute)), until(accessUser, newAccess, noon.Add(2*time.Hour))
	rejected := func(h *house) {
		h.note(oldAccess.Fingerprint(), store.Event{What: store.EventRejected, Workspace: "acme"})
	}
	for _, c := range []struct {
		name    string
		lives   time.Duration
		change  func(*house)
		err     error
		answer  string
		outcome Outcome
		told    []What
		forced  []bool
	}{
		{"time enough", 5 * time.Minute, nil, nil, until(accessUser, oldAccess, noon.Add(5*time.Minute)), Done, nil, nil},
		{"little time", 5*time.Minute - 1, nil, nil, fresh, Done, nil, []bool{false}},
		{"no time", -time.Hour, nil, nil, fresh, Done, nil, []bool{false}},
		{"refused", time.Hour, rejected, nil, fresh, Done, nil, []bool{true}},
		{"refused elsewhere", time.Hour, func(h *house) {
			h.note(oldAccess.Fingerprint(), store.Event{What: store.EventRejected, Workspace: "umbrella"})
		}, nil, until(accessUser, oldAccess, noon.Add(time.Hour)), Done, nil, nil},
		{"refused, and it came by force", time.Hour, func(h *house) {
			h.note(oldAccess.Fingerprint(), store.Event{What: store.EventRenewed})
			rejected(h)
		}, nil, until(accessUser, oldAccess, noon.Add(time.Hour)), Done, []What{WasRejected}, nil},
		{"lost", time.Hour, func(h *house) { h.Secrets = fixedSecret{secret.Secret{}, store.ErrNotFound} }, nil, fresh, Done, nil, []bool{false}},
		{"locked", -time.Hour, func(h *house) { h.Secrets = fixedSecret{secret.Secret{}, locked} }, nil, "", SourceFailed, []What{Unusable}, nil},
		{"another one than is recorded", time.Hour, func(h *house) { h.Secrets = fixedSecret{jwt("half"), nil} }, nil, fresh, Done, nil, []bool{false}},
		{"no network, and it lives", 4 * time.Minute, nil, network, old, Done, []What{RenewalFailed}, []bool{false}},
		{"no network, a quiet fetch", 4 * time.Minute, func(h *house) { h.Caller.QuietFetch = true }, network, old, Done, nil, []bool{false}},
		{"no network, and it is over", 0, nil, network, "", SourceFailed, []What{NotRenewed}, []bool{false}},
		{"no network, and refused", time.Hour, rejected, network, until(accessUser, oldAccess, noon.Add(time.Hour)), Done, []What{RenewalFailed, WasRejected}, []bool{true}},
		{"dead, and it lives", 4 * time.Minute, nil, dead, old, Done, []What{RenewalFailed}, []bool{false}},
		{"dead, and it is over", -time.Minute, nil, dead, "", NoCredential, []What{NotRenewed}, []bool{false}},
		{"dead, and refused", time.Hour, rejected, dead, "", NoCredential, []What{NotRenewed}, []bool{true}},
		{"dead, and another than is recorded", time.Hour, func(h *house) { h.Secrets = fixedSecret{jwt("half"), nil} }, dead, "", NoCredential, []What{NotRenewed}, []bool{false}},
		{"the keyring fails it", -time.Minute, nil, locked, "", SourceFailed, []What{Unusable}, []bool{false}},
		{"the account is gone", -time.Minute, nil, store.ErrNotFound, asking, Done, []What{NothingStored}, []bool{false}},
		{"by implicit grant, over", -time.Minute, change("default", func(a *store.Account) { a.Grant = store.GrantImplicit }), nil, "", NoCredential, []What{ExpiryPassed}, nil},
		{"by nobody knows what, over", -time.Minute, change("default", func(a *store.Account) { a.Grant = "" }), nil, "", NoCredential, []What{ExpiryPassed}, nil},
		{"set aside", -time.Minute, change("default", func(a *store.Account) { a.SetAside = noon }), nil, asking, Done, []What{AccountAside}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.Caller.Terminal = true
			h.keep("default", oldAccess, oauthFor(c.lives))
			r := &renewer{house: h, next: newAccess, err: c.err}
			h.Renew = r.renew
			if c.change != nil {
				c.change(h)
			}
			answer, outcome, told := h.get(inAcme)
			if answer != c.answer || outcome != c.outcome || !slices.Equal(told, c.told) || !slices.Equal(r.forced, c.forced) {
				t.Errorf("%q, %d, told %v, forced %v", answer, outcome, told, r.forced)
			}
			if strings.Contains(answer, "password=\n") {
				t.Error("an empty password")
			}
		})
	}
}

func change(name string, f func(*store.Account)) func(*house) {
	return func(h *house) {
		if err := h.accounts.Accounts.Update(func(b *store.Book) error { f(b.Account(name)); return nil }); err != nil {
			h.Fatal(err)
		}
	}
}

// An access token with time enough costs what an API token does: nothing more is read or
// asked.
func TestNoRenewalCostsNothing(t *testing.T) {
	cost := func(token secret.Secret, change func(*store.Account)) (reads, seen int, keyring storetest.Calls) {
		h := newHouse(t)
		h.keep("default", token, change)
		h.Renew = (&renewer{house: h}).renew
		before := h.keyring.Calls()
		if answer, _, _ := h.get(inAcme); !strings.Contains(answer, token.Reveal()) {
			t.Fatalf("%q", answer)
		}
		after := h.keyring.Calls()
		return h.accounts.reads, h.seen.calls(), storetest.Calls{Get: after.Get - before.Get, Set: after.Set - before.Set}
	}
	reads, seen, keyring := cost(apiToken, func(*store.Account) {})
	if r, s, k := cost(oldAccess, oauthFor(time.Hour)); r != reads || s != seen || k != keyring {
		t.Errorf("%d, %d, %+v and not %d, %d, %+v", r, s, k, reads, seen, keyring)
	}
}

// The token that could not be renewed goes out with one warning, however many ask.
func TestRenewalWarnsOnce(t *testing.T) {
	h := newHouse(t)
	h.keep("default", oldAccess, oauthFor(4*time.Minute))
	h.Renew = (&renewer{house: h, err: &RenewalError{Err: errors.New("no answer")}}).renew
	for n, want := range [][]What{{RenewalFailed}, nil, nil} {
		if _, _, told := h.get(inAcme); !slices.Equal(told, want) {
			t.Errorf("get %d: %v", n, told)
		}
	}
	h.Caller.CI = true
	if _, _, told := h.get(inAcme); !slices.Equal(told, []What{RenewalFailed}) {
		t.Errorf("in CI: %v", told)
	}
}

// A token from before the clock was set back, which cannot be renewed, is said to live no
// longer from now than it did when it came.
func TestExpiryAfterSetBack(t *testing.T) {
	for issued, want := range map[time.Duration]time.Duration{10 * time.Hour: 2 * time.Hour, 30 * time.Second: 2*time.Hour + 30*time.Second} {
		h := newHouse(t)
		h.keep("default", oldAccess, func(a *store.Account) {
			oauthFor(issued + 2*time.Hour)(a)
			a.Issued = noon.Add(issued)
		})
		h.Renew = (&renewer{house: h, err: &RenewalError{Err: errors.New("no answer")}}).renew
		if answer, _, _ := h.get(inAcme); answer != until(accessUser, oldAccess, noon.Add(want)) {
			t.Errorf("%s: %q", issued, answer)
		}
	}
}

// A refusal of the token that was renewed says nothing of its successor.
func TestEraseOfRenewed(t *testing.T) {
	h := newHouse(t)
	h.keep("default", newAccess, oauthFor(time.Hour))
	r := &renewer{house: h}
	h.Renew = r.renew
	if _, told := h.erase(with(inAcme, accessUser, oldAccess)); told != nil {
		t.Errorf("told %v", told)
	}
	if answer, _, told := h.get(inAcme); answer != until(accessUser, newAccess, noon.Add(time.Hour)) || told != nil || r.forced != nil {
		t.Errorf("%q, %v, %v", answer, told, r.forced)
	}
}

func TestRenewalPause(t *testing.T) {
	growing := map[int]time.Duration{1: 30 * time.Second, 2: 2 * time.Minute, 3: 8 * time.Minute, 4: 15 * time.Minute, 9: 15 * time.Minute}
	for _, c := range []struct {
		trouble Trouble
		note    string
		want    map[int]time.Duration
	}{
		{DeadGrant, "", growing},
		{DeadGrant, "7s", growing},
		{OddAnswer, "", growing},
		{RateLimit, "", growing},
		{RateLimit, "-7s", growing},
		{RateLimit, "soon", growing},
		{RateLimit, "7s", map[int]time.Duration{1: 7 * time.Second, 9: 7 * time.Second}},
		{RateLimit, "24h0m0s", map[int]time.Duration{1: 15 * time.Minute}},
		{Unreachable, "", map[int]time.Duration{1: 5 * time.Second, 9: 5 * time.Second}},
	} {
		for bursts, want := range c.want {
			if got := RenewalPause(c.trouble, store.Health{Bursts: bursts, LastRejected: noon, RejectedNote: c.note}).Sub(noon); got != want {
				t.Errorf("%q %q %d: %s", c.trouble, c.note, bursts, got)
			}
		}
		if !RenewalPause(c.trouble, store.Health{}).IsZero() {
			t.Error("a pause after nothing")
		}
	}
}

// A token that lives for less than ten minutes is renewed in its second half, and one from
// before the clock was set back at once.
func TestDueByLife(t *testing.T) {
	for _, c := range []struct {
		issued time.Duration // before now; 0: unknown
		left   time.Duration
		due    bool
	}{
		{0, 5 * time.Minute, false},
		{0, 5*time.Minute - 1, true},
		{115 * time.Minute, 5 * time.Minute, false},
		{115 * time.Minute, 5*time.Minute - 1, true},
		{2 * time.Minute, 2 * time.Minute, false},
		{2*time.Minute + 2, 2 * time.Minute, true},
		{time.Second, 59 * time.Second, false},
		{time.Second, time.Second, false},
		{time.Second, 0, true},
		{-time.Minute, 2 * time.Hour, false},
		{-time.Minute - 1, 2 * time.Hour, true},
		{-2 * time.Minute, time.Second, true},
		{-30 * time.Second, 0, true},
	} {
		a := store.Account{Fingerprint: "f"}
		oauthFor(c.left)(&a)
		if c.issued != 0 {
			a.Issued = noon.Add(-c.issued)
		}
		if due, forced := Due(a, store.Health{}, noon); due != c.due || forced {
			t.Errorf("%+v: %v, %v", c, due, forced)
		}
	}
}

// A source whose token has a certain end says it to git.
func TestAmbientExpiry(t *testing.T) {
	h := newHouse(t)
	h.ambient.set("BITBUCKET_OAUTH_CLIENT_ID", newAccess)
	h.ambient.token.Expires = noon.Add(time.Hour)
	if answer, outcome, told := h.get(inAcme); answer != until(accessUser, newAccess, noon.Add(time.Hour)) || outcome != Done || told != nil {
		t.Errorf("%q, %d, %v", answer, outcome, told)
	}
}
