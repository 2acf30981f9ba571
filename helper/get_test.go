package helper

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// For what is not Bitbucket's over https nothing is read: no file, no keyring, no
// source, and nobody is told anything.
func TestForeignRequestsTouchNothing(t *testing.T) {
	for _, request := range []string{
		"", "\n", "protocol=https\n", "host=bitbucket.org\n",
		"protocol=https\nhost=example.com\n",
		"protocol=https\nhost=bitbucket.org.\n",
		"protocol=ssh\nhost=bitbucket.org\n",
		"protocol=https\nhost=bitbucket.org\nbroken\n",
		"protocol=https\nhost=bitbucket.org\nhost=example.com\n",
	} {
		h := newHouse(t)
		h.keep("default", apiToken)
		h.ambient.set("BITBUCKET_TOKEN", accessToken)
		before := h.keyring.Calls()
		answer, outcome, _ := h.get(request)
		if answer != "" || outcome != Done {
			t.Errorf("get %q: %q, %d", request, answer, outcome)
		}
		for _, password := range []secret.Secret{apiToken, accessToken, appPassword} {
			h.store(with(request, sentinel, password))
			h.erase(with(request, "alice@example.com", password))
		}
		h.erase(request)
		if h.keyring.Calls() != before {
			t.Errorf("%q: the keyring was asked", request)
		}
		h.keyring = &storetest.Fake{} // whose count is nil
		h.untouched()
	}
}

func TestGetStored(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.keep("pipeline", accessToken)
	if err := h.accounts.Accounts.Update(func(b *store.Book) error { return b.Route("robots", "pipeline") }); err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{
		inAcme:                                answered(sentinel, apiToken),
		onBitbucket + "path=Robots/app.git\n": answered(accessUser, accessToken),
		onBitbucket + "username=pipeline\n":   answered(accessUser, accessToken),
		onBitbucket + "username=alice\n":      answered(sentinel, apiToken),
	} {
		if answer, outcome, told := h.get(request); answer != want || outcome != Done || told != nil {
			t.Errorf("%q: %q, %d, %v", request, answer, outcome, told)
		}
	}
	h.Named = "pipeline"
	if answer, _, _ := h.get(inAcme); answer != answered(accessUser, accessToken) {
		t.Errorf("named: %q", answer)
	}
	h.Named = "nobody"
	if answer, outcome, told := h.get(inAcme); answer != "" || outcome != NoCredential || !slices.Equal(told, []What{UnknownAccount}) {
		t.Errorf("named wrongly: %q, %d, %v", answer, outcome, told)
	}
}

// The kind is read off the token, and from the record only where that tells nothing.
func TestGetKind(t *testing.T) {
	opaque := secret.New("an-opaque-token")
	for _, c := range []struct {
		token    secret.Secret
		recorded bitbucket.Kind
		username string
	}{
		{apiToken, bitbucket.AccessToken, sentinel},
		{accessToken, bitbucket.APIToken, accessUser},
		{opaque, bitbucket.APIToken, sentinel},
		{opaque, bitbucket.AccessToken, accessUser},
		{opaque, bitbucket.OAuthToken, accessUser},
	} {
		h := newHouse(t)
		h.keep("default", c.token, func(a *store.Account) { a.Kind = string(c.recorded) })
		if answer, _, _ := h.get(inAcme); answer != answered(c.username, c.token) {
			t.Errorf("%s recorded as %s: %q", bitbucket.KindOf(c.token), c.recorded, answer)
		}
	}
}

// A token that cannot stand in an answer is never part of one.
func TestGetBrokenToken(t *testing.T) {
	for _, text := range []string{"ATATT-two\nlines", "ATATT-cr\r", "ATATT-nul\x00", "ATATT a blank", ""} {
		h := newHouse(t)
		h.keep("default", apiToken)
		h.Secrets = fixedSecret{secret.New(text), nil}
		answer, outcome, told := h.get(inAcme)
		if answer != "" || outcome != SourceFailed || !slices.Equal(told, []What{Unusable}) {
			t.Errorf("%q: %q, %d, %v", text, answer, outcome, told)
		} else if err := h.said[0].Err; text != "" && strings.Contains(err.Error(), "ATATT") {
			t.Errorf("%q is in %q", text, err)
		}
	}
}

type fixedSecret struct {
	token secret.Secret
	err   error
}

func (f fixedSecret) Get(context.Context, string, string) (secret.Secret, error) {
	return f.token, f.err
}

// A token set aside, and an account without one, cost no call to a backend.
func TestGetNeedsNoBackend(t *testing.T) {
	for _, change := range []func(*store.Account){
		func(a *store.Account) { a.SetAside = noon },
		func(a *store.Account) { a.Fingerprint = "" },
	} {
		h := newHouse(t)
		h.keep("default", apiToken, change)
		before := h.keyring.Calls()
		if answer, outcome, _ := h.get(inAcme); answer != asking || outcome != Done || h.keyring.Calls() != before {
			t.Errorf("%q, %d, %+v", answer, outcome, h.keyring.Calls())
		}
	}
}

// With a source outside the accounts, their file is not read; a named account goes
// before any source.
func TestGetAmbient(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.ambient.set("BITBUCKET_TOKEN", accessToken)
	if answer, outcome, told := h.get(inAcme); answer != answered(accessUser, accessToken) || outcome != Done || told != nil {
		t.Errorf("%q, %d, %v", answer, outcome, told)
	}
	if h.accounts.reads > 0 || h.seen.appends > 0 {
		t.Errorf("%d reads of accounts, %d events", h.accounts.reads, h.seen.appends)
	}
	h.Named = "default"
	if answer, _, _ := h.get(inAcme); answer != answered(sentinel, apiToken) || h.ambient.reads != 1 {
		t.Errorf("%q, %d reads", answer, h.ambient.reads)
	}
	h.Named, h.ambient.err = "", errors.New("no such file")
	if answer, outcome, told := h.get(inAcme); answer != "" || outcome != SourceFailed || !slices.Equal(told, []What{Unusable}) {
		t.Errorf("%q, %d, %v", answer, outcome, told)
	}
}

func TestGetAmbientRemarks(t *testing.T) {
	cut := secret.New("ATATT-made-for-tests-cut-off-00000000")
	for _, c := range []struct {
		name   string
		change func(*AmbientToken)
		told   []What
	}{
		{"nothing", func(*AmbientToken) {}, nil},
		{"cleaned", func(a *AmbientToken) { a.Fixes = []bitbucket.Fix{bitbucket.FixQuotes} }, []What{Cleaned}},
		{"guessed", func(a *AmbientToken) {
			a.Token, a.Kind, a.Guessed = secret.New("opaque"), bitbucket.AccessToken, true
		}, []What{KindGuessed}},
		{"cut off", func(a *AmbientToken) { a.Token = cut }, []What{CutOff}},
		{"an app password, cut off", func(a *AmbientToken) {
			a.Token, a.Kind = secret.New("ATBBnone"), bitbucket.AppPassword
		}, []What{DeadAppPassword}},
	} {
		h := newHouse(t)
		h.ambient.set("BITBUCKET_TOKEN", apiToken)
		c.change(&h.ambient.token)
		if _, _, told := h.get(inAcme); !slices.Equal(told, c.told) {
			t.Errorf("%s: %v, want %v", c.name, told, c.told)
		}
	}
}

// A token that no record names is remembered, once, so that git's erase of it counts.
func TestGetRemembersWhatNoRecordNames(t *testing.T) {
	command := newHouse(t)
	command.ambient.set("BITBUCKET_TOKEN_COMMAND", apiToken)
	command.ambient.token.Command = true

	changed := newHouse(t)
	changed.keep("default", accessToken)
	changed.Secrets = fixedSecret{apiToken, nil}

	for name, h := range map[string]*house{"a command's": command, "changed by hand": changed} {
		for range 3 {
			h.get(inAcme)
		}
		if log := h.seen.Observations.Read(apiToken.Fingerprint()); len(log) != 1 || log[0].What != store.EventServed {
			t.Errorf("%s: %v", name, log)
		}
		for range 3 {
			h.later(2 * time.Second)
			h.erase(with(inAcme, sentinel, apiToken))
		}
		if answer, _, _ := h.get(inAcme); answer != "quit=1\n" {
			t.Errorf("%s: %q after three rejections", name, answer)
		}
	}
}

// An unanswered get is noted under its account, with who asked; an answered one is not.
func TestGetMarksTheUnanswered(t *testing.T) {
	h := newHouse(t)
	h.get(inAcme)
	if log := h.seen.Observations.Read("account.default"); len(log) != 1 || log[0].What != store.EventUnanswered || log[0].Note != "4711.99.ab12cd34,4710.98.ab12cd34" {
		t.Errorf("%v", log)
	}
	h.Named = "work"
	h.get(inAcme)
	if !h.seen.Observations.Known("account.work") {
		t.Error("not noted under the account that is named")
	}
	h = newHouse(t)
	h.keep("default", apiToken)
	h.get(inAcme)
	if h.seen.appends > 0 {
		t.Errorf("%d events of an answered get", h.seen.appends)
	}
}

func TestGetWarnsOnce(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken, func(a *store.Account) { a.Expires = noon.Add(20 * day) })
	for i, want := range [][]What{{ExpiryNear}, nil, nil} {
		if _, _, told := h.get(inAcme); !slices.Equal(told, want) {
			t.Errorf("get %d: %v", i, told)
		}
	}
	// The claim of a stage lasts for a day, its record until the next stage.
	h.later(5 * day)
	if _, _, told := h.get(inAcme); told != nil {
		t.Errorf("15 days before: %v", told)
	}
	h.later(day)
	if _, _, told := h.get(inAcme); !slices.Equal(told, []What{ExpiryNear}) {
		t.Errorf("14 days before: %v", told)
	}
	// One process has claimed it and is about to say it.
	h = newHouse(t)
	h.keep("default", apiToken, func(a *store.Account) { a.Expires = noon.Add(20 * day) })
	h.seen.Observations.Claim(apiToken.Fingerprint()+"/warn.30-2026-12-13", day, noon)
	if _, _, told := h.get(inAcme); told != nil || h.seen.appends > 0 {
		t.Errorf("%v, %d events", told, h.seen.appends)
	}
	// In CI each time, without a record.
	h.Caller.CI = true
	for range 2 {
		if _, _, told := h.get(inAcme); !slices.Equal(told, []What{ExpiryNear}) || h.seen.appends > 0 {
			t.Errorf("%v, %d events", told, h.seen.appends)
		}
	}
	// An editor's silent fetch does not use it up.
	h = newHouse(t)
	h.keep("default", apiToken, func(a *store.Account) { a.Expires = noon.Add(20 * day) })
	h.Caller.QuietFetch = true
	h.get(inAcme)
	h.Caller.QuietFetch = false
	if _, _, told := h.get(inAcme); !slices.Equal(told, []What{ExpiryNear}) {
		t.Errorf("after a silent fetch: %v", told)
	}
}

// The answer is one write, and one that cannot be written is a failure.
func TestGetWrites(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	var out writes
	h.Get(context.Background(), strings.NewReader(inAcme), &out)
	if len(out) != 1 {
		t.Errorf("%d writes", len(out))
	}
	if got := h.Get(context.Background(), strings.NewReader(inAcme), errorWriter{errors.New("closed")}); got != Failed {
		t.Errorf("outcome %d", got)
	}
}

// What cannot be written down fails no get.
func TestGetWithoutObservations(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken, func(a *store.Account) { a.Expires = noon.Add(day) })
	h.Seen = store.OpenObservations("", nil, 0)
	var out bytes.Buffer
	if got := h.Get(context.Background(), strings.NewReader(inAcme), &out); got != Done || out.String() != answered(sentinel, apiToken) {
		t.Errorf("%q, %d", out.String(), got)
	}
}
