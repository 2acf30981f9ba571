package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// An office is a process in a home of its own whose account "work" was logged in at the
// test Bitbucket, where both have the same clock.
type office struct {
	*testing.T
	*process
	server *bitbuckettest.Server
	given  testGrant
	clock  time.Time
}

func newOffice(t *testing.T, consumer string) *office {
	t.Helper()
	home := t.TempDir()
	errs, err := os.Create(filepath.Join(home, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errs.Close() })
	o := &office{T: t, server: bitbuckettest.New(t), clock: time.Now().Truncate(time.Second)}
	env := append(o.server.Env(), "HOME="+home, "DBUS_SESSION_BUS_ADDRESS=disabled:", "CI=1")
	for _, line := range o.server.Env() {
		if ca, ok := strings.CutPrefix(line, "SSL_CERT_FILE="); ok {
			env = append(env, "GIT_SSL_CAINFO="+ca)
		}
	}
	t.Setenv("PATH", home) // git's own config is the machine's
	o.process = &process{stderr: errs, wait: wait, now: func() time.Time { return o.clock }, lookup: func(name string) (string, bool) {
		i := slices.IndexFunc(env, func(line string) bool { return strings.HasPrefix(line, name+"=") })
		if i < 0 {
			return "", false
		}
		return strings.TrimPrefix(env[i], name+"="), true
	}}
	o.types("consumer ci lock=0 " + consumer)
	if o.given, err = loggedIn(o.server, "work", "ci", store.GrantCode); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) types(line string) {
	o.Helper()
	if err := o.server.Command(strings.Fields(line)...); err != nil {
		o.Fatal(err)
	}
}

func (o *office) later(d time.Duration) {
	o.Helper()
	o.clock = o.clock.Add(d)
	o.types("clock +" + d.String())
}

// state is what the login's account is renewed with.
func (o *office) state() oauthState {
	return oauthState{Grant: store.GrantCode, Consumer: bitbucket.Consumer{ID: o.given.Consumer.Key, Secret: secret.New(o.given.Consumer.Secret)}}
}

func (o *office) grant() bitbucket.Grant {
	return bitbucket.Grant{
		Access: secret.New(o.given.Access), Refresh: secret.New(o.given.Refresh), Scopes: []string{"account"},
		Expires: o.clock.Add(2 * time.Hour),
	}
}

// kept keeps the login's grant.
func (o *office) kept() store.Account {
	o.Helper()
	a, err := o.keepGrant(o.Context(), store.Account{Name: "work", Backend: store.BackendFile, Asked: "account,repository"}, o.state(), o.grant())
	if err != nil {
		o.Fatal(err)
	}
	return a
}

func TestKeepGrant(t *testing.T) {
	o := newOffice(t, "")
	a := o.kept()
	present, found, err := recorded(o.accounts(), "work")
	if err != nil || !found || present != a && !present.Default {
		t.Fatalf("%+v, %v", present, err)
	}
	want := store.Account{
		Name: "work", Kind: string(bitbucket.OAuthToken), Backend: store.BackendFile, Fingerprint: secret.New(o.given.Access).Fingerprint(),
		Hint: secret.New(o.given.Access).Hint(), Created: o.clock, Expires: o.clock.Add(2 * time.Hour), Certain: true,
		Issued: o.clock, Scopes: "account", Grant: store.GrantCode, Asked: "account,repository", Default: true,
	}
	present.Created, present.Expires = present.Created.In(o.clock.Location()), present.Expires.In(o.clock.Location())
	if want.Created, want.Expires = o.clock, want.Expires.In(o.clock.Location()); !present.Created.Equal(want.Created) || !present.Expires.Equal(want.Expires) {
		t.Errorf("%+v", present)
	}
	present.Created, present.Expires, present.Issued = want.Created, want.Expires, present.Issued.In(o.clock.Location())
	if present != want {
		t.Errorf("%+v, want %+v", present, want)
	}
	state, err := o.readState(t.Context(), a)
	if err != nil || !state.Refresh.Equal(secret.New(o.given.Refresh)) || !state.Tried.IsZero() || state.Consumer.ID != o.given.Consumer.Key {
		t.Errorf("%+v, %v", state, err)
	}
	if text := oneLine(strings.Join([]string{state.Refresh.Hint(), state.Consumer.Secret.Hint()}, "")); strings.Contains(text, o.given.Refresh) {
		t.Error("a hint shows it")
	}

	// A login over it replaces all; one by the implicit grant leaves nothing to renew with.
	if err := o.observations().Append(renewalKey("work"), store.Event{At: o.clock, What: store.EventRejected}); err != nil {
		t.Fatal(err)
	}
	implicit := o.state()
	implicit.Grant = store.GrantImplicit
	grant := bitbucket.Grant{Access: secret.New("another-access-token"), Expires: o.clock.Add(time.Hour)}
	if a, err = o.keepGrant(t.Context(), store.Account{Name: "work"}, implicit, grant); err != nil || a.Backend != store.BackendFile || a.Grant != store.GrantImplicit {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := o.readState(t.Context(), a); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it is still there: %v", err)
	}
	if pauses := o.pauses(renewalKey("work")); len(pauses) > 0 {
		t.Errorf("paused: %v", pauses)
	}
}

// What refuses the refresh token in use is told the one before while that works, and
// nothing more.
func TestRenewByFormer(t *testing.T) {
	for name, c := range map[string]struct {
		age   time.Duration
		asked int
		dead  bool
	}{"in its time": {8 * time.Minute, 2, false}, "after it": {9 * time.Minute, 1, true}} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, "")
			a := o.kept()
			broken, err := o.readState(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			broken.Former, broken.Retired, broken.Refresh = broken.Refresh, o.clock, secret.New("a-refresh-token-that-never-was")
			if err := o.writeState(t.Context(), a, broken); err != nil {
				t.Fatal(err)
			}
			o.later(c.age)
			renewed, token, err := o.renew(t.Context(), a, false)
			var refused *helper.RenewalError
			if dead := errors.As(err, &refused) && refused.Dead; dead != c.dead || !dead && (err != nil || token.IsZero() || renewed.Fingerprint != token.Fingerprint()) {
				t.Errorf("%+v, %v", renewed, err)
			}
			n := 0
			for _, r := range o.server.Log() {
				if r.Grant == bitbuckettest.GrantRefresh {
					n++
				}
			}
			if n != c.asked {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// Where another process holds the lock for long, the error says so; where it renewed the
// token meanwhile, that is the answer all the same.
func TestRenewWaits(t *testing.T) {
	o := newOffice(t, "")
	a := o.kept()
	done, err := o.accounts().Renewing("work", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		grant, err := o.askAnew(context.Background(), context.Background(), a)
		if err == nil {
			_, err = o.putAccess(context.Background(), a, grant, false)
		}
		if err != nil {
			t.Error(err)
		}
		done()
	}()
	renewed, token, err := o.renew(t.Context(), a, false)
	if err != nil || renewed.Fingerprint == a.Fingerprint || token.Fingerprint() != renewed.Fingerprint {
		t.Errorf("%+v, %v", renewed, err)
	}
	if n := len(slices.DeleteFunc(o.server.Log(), func(r bitbuckettest.Request) bool { return r.Grant != bitbuckettest.GrantRefresh })); n != 1 {
		t.Errorf("asked %d times", n)
	}
	// The account's own lock is no other's.
	if err := o.forget(t.Context(), []string{"work"}, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.renew(t.Context(), renewed, false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of an account that is gone: %v", err)
	}
}

func TestStateDocument(t *testing.T) {
	t.Parallel()
	full := oauthState{
		store.GrantJWT, bitbucket.Consumer{ID: "id", Secret: secret.New("s1")}, bitbucket.App{Key: "k", ClientKey: "c", SharedSecret: secret.New("s2")},
		secret.New("r1"), time.Date(2026, 11, 23, 12, 0, 0, 5, time.UTC), secret.New("r0"), time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), 34118, "/back",
	}
	for _, s := range []oauthState{full, {Grant: store.GrantCode}} {
		document, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeState(document)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.encode()
		if err != nil || !again.Equal(document) {
			t.Errorf("it comes back as another, %v", err)
		}
	}
	if _, err := decodeState(secret.New(`{"refresh":"eyJ-a-secret","grant":1}`)); err == nil || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("%v", err)
	}
	next := full.after(bitbucket.Grant{Refresh: secret.New("r2")})
	if !next.Refresh.Equal(secret.New("r2")) || !next.Former.Equal(secret.New("r1")) || !next.Retired.Equal(full.Tried) || !next.Tried.IsZero() {
		t.Errorf("%+v", next)
	}
	if same := full.after(bitbucket.Grant{Refresh: secret.New("r1")}); !same.Former.Equal(secret.New("r0")) || !same.Tried.IsZero() {
		t.Errorf("%+v", same)
	}
}
