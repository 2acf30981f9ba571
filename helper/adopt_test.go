package helper

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// typed is a house in which git has asked, had no password, and now reports one that a
// person typed.
func typed(t *testing.T, before func(*house)) *house {
	t.Helper()
	h := newHouse(t)
	if before != nil {
		before(h)
	}
	if answer, _, _ := h.get(inAcme); answer != asking {
		t.Fatalf("get answered %q", answer)
	}
	h.later(time.Minute)
	return h
}

func TestAdopt(t *testing.T) {
	former := accessToken
	aside := func(a *store.Account) {
		a.SetAside, a.Expires, a.Guessed, a.Email = noon.Add(-day), noon.Add(day), true, "alice@example.com"
	}
	for _, c := range []struct {
		name   string
		before func(*house)
		token  secret.Secret
		kind   bitbucket.Kind
	}{
		{"nothing stored", nil, apiToken, bitbucket.APIToken},
		{"an access token", nil, accessToken, bitbucket.AccessToken},
		{"an unknown kind", nil, secret.New("opaque-token"), bitbucket.APIToken},
		{"the account is set aside", func(h *house) { h.keep("default", former, aside) }, apiToken, bitbucket.APIToken},
		{"the same token again", func(h *house) { h.keep("default", apiToken, aside) }, apiToken, bitbucket.APIToken},
		{"the account has no token", func(h *house) { h.keep("default", secret.Secret{}) }, apiToken, bitbucket.APIToken},
		{"its token is gone from the keyring", func(h *house) {
			h.keep("default", former)
			if err := h.keyring.Delete(t.Context(), "default"); err != nil {
				t.Fatal(err)
			}
		}, apiToken, bitbucket.APIToken},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := typed(t, c.before)
			outcome, told := h.store(with(inAcme, sentinel, c.token))
			if outcome != Done || !slices.Equal(told, []What{Adopted}) {
				t.Fatalf("%d, %v", outcome, told)
			}
			a := h.account("default")
			if a.Fingerprint != c.token.Fingerprint() || a.Kind != string(c.kind) || !a.SetAside.IsZero() || !a.Expires.IsZero() || a.Guessed || a.Certain || !a.Created.Equal(h.clock) {
				t.Errorf("%+v", a)
			}
			if answer, _, told := h.get(inAcme); answer != answered(c.kind.GitUsername(), c.token) || told != nil {
				t.Errorf("afterwards: %q, %v", answer, told)
			}
			if got := h.events(c.token); !slices.Equal(got, []store.What{store.EventSucceeded}) {
				t.Errorf("noted: %v", got)
			}
		})
	}
	t.Run("under the name that was given", func(t *testing.T) {
		h := typed(t, func(h *house) { h.Named = "work" })
		h.store(with(inAcme, sentinel, apiToken))
		if h.account("work").Fingerprint != apiToken.Fingerprint() {
			t.Error("not kept as work")
		}
	})
	t.Run("what is known of the person stays", func(t *testing.T) {
		h := typed(t, func(h *house) { h.keep("default", former, aside) })
		h.store(with(inAcme, sentinel, apiToken))
		if got := h.account("default").Email; got != "alice@example.com" {
			t.Errorf("e-mail %q", got)
		}
	})
}

// Each condition of an adoption, switched off alone: nothing is kept, without a sound
// and without a keyring call.
func TestAdoptRefuses(t *testing.T) {
	report := with(inAcme, sentinel, apiToken)
	for _, c := range []struct {
		name   string
		change func(h *house, report *string)
	}{
		{"nobody could have typed it", func(h *house, _ *string) { h.person = false }},
		{"in CI", func(h *house, _ *string) { h.Caller.CI = true }},
		{"a source is set", func(h *house, _ *string) { h.ambient.set("BITBUCKET_TOKEN", accessToken) }},
		{"a source is set beside a named account", func(h *house, _ *string) {
			h.ambient.set("BITBUCKET_TOKEN", accessToken)
			h.Named = "default"
		}},
		{"another username", func(_ *house, r *string) { *r = with(inAcme, "alice", apiToken) }},
		{"no username", func(_ *house, r *string) { *r = inAcme + "password=" + apiToken.Reveal() + "\n" }},
		{"another git process", func(h *house, _ *string) { h.parents = []string{"9.99.ab12cd34", "8.98.ab12cd34"} }},
		{"another git of the same number", func(h *house, _ *string) { h.parents = []string{"4711.100.ab12cd34", "4710.98.99999999"} }},
		{"no known parents", func(h *house, _ *string) { h.parents = nil }},
		{"no get that was left unanswered", func(h *house, _ *string) { h.seen.Observations.Forget("account.default") }},
		{"too long ago", func(h *house, _ *string) { h.clock = noon.Add(promptLife + time.Millisecond) }},
		{"before the get", func(h *house, _ *string) { h.clock = noon.Add(-time.Millisecond) }},
		{"another account than the get's", func(h *house, _ *string) { h.Named = "other" }},
		{"another helper in git's list", func(h *house, _ *string) { h.alone = false }},
		{"a token was stored meanwhile", func(h *house, _ *string) { h.keep("default", accessToken) }},
		{"several accounts, none chosen", func(h *house, _ *string) {
			h.keep("a", accessToken)
			h.keep("b", accessToken)
			_ = h.accounts.Accounts.Update(func(b *store.Book) error { b.Accounts[0].Default = false; return nil })
		}},
		{"the records cannot be read", func(h *house, _ *string) { h.accounts.broken = errors.New("broken") }},
		{"a token with a blank in it", func(_ *house, r *string) { *r = with(inAcme, sentinel, secret.New("two words")) }},
		{"ephemeral", func(_ *house, r *string) { *r += "ephemeral=1\n" }},
		{"pre-encoded", func(_ *house, r *string) { *r += "authtype=Basic\ncredential=x\n" }},
		{"another host", func(_ *house, r *string) { *r = strings.Replace(*r, "bitbucket.org", "bitbucket.org.example.com", 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, report := typed(t, nil), report
			c.change(h, &report)
			sets := h.keyring.Calls().Set
			outcome, told := h.store(report)
			if outcome != Done || told != nil || h.keyring.Calls().Set != sets || h.accounts.updates > 0 || h.events(apiToken) != nil {
				t.Errorf("%d, %v, %d writes to the keyring, noted %v", outcome, told, h.keyring.Calls().Set-sets, h.events(apiToken))
			}
		})
	}
	// The same without any change is adopted, so that each above is what refuses.
	h := typed(t, nil)
	if _, told := h.store(report); !slices.Equal(told, []What{Adopted}) {
		t.Errorf("%v", told)
	}
}

// The marker serves for promptLife, and for whoever shares one process with the get.
func TestAdoptBounds(t *testing.T) {
	h := typed(t, nil)
	h.clock, h.parents = noon.Add(promptLife), []string{"4710.98.ab12cd34"}
	if _, told := h.store(with(inAcme, sentinel, apiToken)); !slices.Equal(told, []What{Adopted}) {
		t.Errorf("%v", told)
	}
	log := store.Log{{At: noon, What: store.EventUnanswered, Note: "47.1.a,11.2.a"}, {At: noon, What: store.EventServed, Note: "5.1.a"}}
	for parent, want := range map[string]bool{"47.1.a": true, "11.2.a": true, "47.1.b": false, "47.2.a": false, "47": false, "7.1.a": false, "5.1.a": false} {
		if got := marked(log, []string{parent, "3.1.a"}, noon); got != want {
			t.Errorf("%s: %v", parent, got)
		}
	}
	if marked(store.Log{{At: noon, What: store.EventUnanswered}}, []string{""}, noon) {
		t.Error("a marker without processes is everybody's")
	}
}

// A keyring that does not answer is not known to be empty.
func TestAdoptAsksTheKeyring(t *testing.T) {
	h := typed(t, func(h *house) {
		h.keep("default", accessToken)
		if err := h.keyring.Delete(t.Context(), "default"); err != nil {
			t.Fatal(err)
		}
	})
	h.keyring.Fail = store.ErrLocked
	if outcome, told := h.store(with(inAcme, sentinel, apiToken)); outcome != Done || told != nil {
		t.Errorf("%d, %v", outcome, told)
	}
}

func TestAdoptSays(t *testing.T) {
	h := typed(t, nil)
	if outcome, told := h.store(with(inAcme, sentinel, appPassword)); outcome != NoCredential || !slices.Equal(told, []What{NotAdoptedDead}) || h.accounts.updates > 0 {
		t.Errorf("an app password: %d, %v", outcome, told)
	}
	h = typed(t, nil)
	h.refuse = &store.BackendError{Backend: store.BackendKeyring, Err: store.ErrLocked}
	if outcome, told := h.store(with(inAcme, sentinel, apiToken)); outcome != SourceFailed || !slices.Equal(told, []What{NotAdopted}) || h.said[0].Err != h.refuse {
		t.Errorf("a locked keyring: %d, %v", outcome, told)
	}
	if got := h.events(apiToken); got != nil {
		t.Errorf("noted though not kept: %v", got)
	}
}
