package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// said is what the process said until now.
func (o *office) said() string {
	o.Helper()
	text, err := os.ReadFile(o.stderr.Name())
	if err != nil {
		o.Fatal(err)
	}
	return string(text)
}

// asked is how often Bitbucket was asked to refresh.
func (o *office) asked() (n int) {
	for _, r := range o.server.Log() {
		if r.Grant == bitbuckettest.GrantRefresh {
			n++
		}
	}
	return n
}

// block keeps the file backend from writing, until unblocked.
func (o *office) block() (unblock func()) {
	o.Helper()
	lock := filepath.Join(o.configDir(), "secrets", "lock")
	if err := os.Remove(lock); err != nil {
		o.Error(err)
	}
	if err := os.Mkdir(lock, 0o700); err != nil {
		o.Error(err)
	}
	return func() {
		if err := os.Remove(lock); err != nil {
			o.Error(err)
		}
	}
}

// The place for the new refresh token fails at the moment in which that came: for a moment
// it is waited for; else git gets its token, and the refresh token before is used next.
func TestRenewalCannotBeKept(t *testing.T) {
	for name, blocked := range map[string]time.Duration{"for a moment": 300 * time.Millisecond, "for long": time.Hour} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "")
			a := o.kept()
			o.later(3 * time.Hour)
			o.types("fault late delay=300ms times=1")
			mended := make(chan struct{})
			go func() {
				defer close(mended)
				for o.asked() == 0 {
					time.Sleep(5 * time.Millisecond)
				}
				unblock := o.block()
				if blocked < time.Minute {
					time.Sleep(300*time.Millisecond + blocked)
					unblock()
				}
			}()
			renewed, token, err := o.renew(t.Context(), a, false)
			<-mended
			if err != nil || token.IsZero() || renewed.Fingerprint != token.Fingerprint() || !renewed.Expires.Equal(o.clock.Add(2*time.Hour)) {
				t.Fatalf("%+v, %v", renewed, err)
			}
			state, err := o.readState(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			if blocked < time.Minute {
				if last, _ := o.server.RefreshToken("ci"); state.Refresh.Reveal() != last || o.said() != "" {
					t.Errorf("it is not kept, and said %q", o.said())
				}
				return
			}
			const want = "warning: git gets a new token of account work this once, but the refresh token that came with it is not kept; the one before works until "
			if said := o.said(); !strings.Contains(said, want) || strings.Count(said, "\n") != 1 || strings.Contains(said, token.Reveal()) {
				t.Errorf("said %q", said)
			}
			if !state.Refresh.Equal(secret.New(o.given.Refresh)) {
				t.Error("the refresh token before is gone")
			}
			if err := os.Remove(filepath.Join(o.configDir(), "secrets", "lock")); err != nil {
				t.Fatal(err)
			}
			o.later(8 * time.Minute)
			if again, token, err := o.renew(t.Context(), a, false); err != nil || token.IsZero() {
				t.Errorf("within the time of the one before: %+v, %v", again, err)
			}
			o.later(time.Hour)
			present, _, _ := recorded(o.accounts(), "work")
			if _, token, err := o.renew(t.Context(), present, false); err != nil || token.IsZero() {
				t.Errorf("later: %v", err)
			}
		})
	}
}

// Two machines that share no place but a refresh token, as after a copy of the home: within
// the reuse window both go on, later the one that comes second has to log in, and does not
// ask on.
func TestRenewalOnTwoMachines(t *testing.T) {
	o := newOffice(t, "window=10m")
	a := o.kept()
	first, err := o.readState(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	o.later(3 * time.Hour)
	if _, _, err := o.renew(t.Context(), a, false); err != nil {
		t.Fatal(err)
	}
	elsewhere := func(after time.Duration) error {
		o.later(after)
		present, _, err := recorded(o.accounts(), "work")
		if err != nil {
			t.Fatal(err)
		}
		if err := o.writeState(t.Context(), present, first); err != nil {
			t.Fatal(err)
		}
		present.Expires = o.clock
		_, _, err = o.renew(t.Context(), present, false)
		return err
	}
	if err := elsewhere(5 * time.Minute); err != nil {
		t.Error(err)
	}
	o.later(11 * time.Minute)
	before := o.asked()
	for range 3 {
		if err := elsewhere(0); !strings.Contains(o.whyNotRenewed(err, a), "login --account work") {
			t.Error(err)
		}
	}
	if n := o.asked() - before; n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// Whoever answers in Bitbucket's place without its certificate is shown nothing; the token
// that lives serves.
func TestRenewalFromAStranger(t *testing.T) {
	o := newOffice(t, "")
	a := o.kept()
	lookup := o.lookup
	o.lookup = func(name string) (string, bool) {
		if strings.HasPrefix(name, "GIT_SSL") || strings.HasPrefix(name, "SSL_CERT") {
			return "", false
		}
		return lookup(name)
	}
	o.server.ResetLog()
	for range 2 {
		_, _, err := o.renew(t.Context(), a, false)
		if why := o.whyNotRenewed(err, a); !strings.Contains(why, "could not be renewed: ") || strings.Contains(why, o.given.Refresh) {
			t.Error(why)
		}
	}
	if n := len(o.server.Log()); n != 0 {
		t.Errorf("it heard %d requests", n)
	}
	if found := o.pauses(renewalKey("work")); len(found) != 1 || found[helper.Unreachable].IsZero() {
		t.Errorf("%v", found)
	}
}

// What a login left that was cut off does not outlive a token that is stored after it.
func TestStoreOverLoginCutOff(t *testing.T) {
	for name, first := range map[string]bool{"the first": false, "over a token": true} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "")
			a := store.Account{Name: "work", Kind: string(bitbucket.OAuthToken), Backend: store.BackendFile, Created: o.clock}
			token := store.Account{Name: "work", Kind: string(bitbucket.APIToken), Backend: store.BackendFile, Created: o.clock}
			if first {
				if _, err := o.keep(t.Context(), token, apiToken, "store"); err != nil {
					t.Fatal(err)
				}
			}
			if err := announce(o.accounts(), a); err != nil {
				t.Fatal(err)
			}
			if err := o.writeState(t.Context(), a, o.state()); err != nil {
				t.Fatal(err)
			}
			if _, err := o.keep(t.Context(), token, secret.New("another-token-of-somebody"), "store"); err != nil {
				t.Fatal(err)
			}
			if _, err := o.readState(t.Context(), token); err == nil {
				t.Error("the consumer's secret is still there")
			}
		})
	}
}

// A get ends in time, whoever keeps it waiting: 20 s where there is a token to give.
func TestRenewalEndsInTime(t *testing.T) {
	path := os.Getenv("PATH")
	for name, c := range map[string]struct {
		held, left time.Duration // the lock is held; of the token's life
		most       time.Duration
	}{"while it lives": {6 * time.Second, time.Minute, 15 * time.Second}, "once it ended": {14 * time.Second, -time.Minute, 30 * time.Second}} {
		t.Setenv("PATH", path)
		o := newOffice(t, "")
		a := o.kept()
		o.later(a.Expires.Sub(o.clock) - c.left)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.types("fault hang at=token")
			defer o.types("fault none")
			done, err := o.accounts().Renewing("work", time.Second)
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(c.held, done)
			began := time.Now()
			_, _, err = o.renew(t.Context(), a, false)
			took := time.Since(began)
			t.Logf("ended after %s: %v", took.Round(time.Second/10), err)
			if err == nil || took > c.most {
				t.Errorf("%s, %v", took, err)
			}
		})
	}
}

// Records without a place for the lock are said to be what they are, and Bitbucket is not
// asked.
func TestRenewalWithoutLock(t *testing.T) {
	o := newOffice(t, "")
	a, err := o.keepGrant(t.Context(), store.Account{Name: "work", Backend: store.BackendFile, Kind: string(bitbucket.OAuthToken)}, o.state(), o.grant())
	if err != nil {
		t.Fatal(err)
	}
	o.later(3 * time.Hour)
	lock := filepath.Join(o.configDir(), "oauth-work.lock")
	if err := errors.Join(os.Remove(lock), os.Mkdir(lock, 0o700)); err != nil {
		t.Fatal(err)
	}
	_, _, err = o.renew(t.Context(), a, false)
	if said := o.whyNotRenewed(err, a); !strings.Contains(said, "is not renewed: the accounts cannot be written: ") || o.asked() != 0 {
		t.Errorf("%q, %v", said, err)
	}
}
