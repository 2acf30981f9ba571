package helper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// A rejection is noted and told; nothing is deleted, and no keyring, source or other
// helper is asked.
func TestEraseOfOurs(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	keyring := h.keyring.Calls()
	outcome, told := h.erase(with(inAcme, sentinel, apiToken) + "wwwauth[]=Basic realm=\"Atlassian\"\n")
	if outcome != Done || !slices.Equal(told, []What{Rejected}) {
		t.Errorf("%d, %v", outcome, told)
	}
	n := h.said[0]
	if n.Account.Name != "default" || n.Workspace != "acme" || n.Kind != "api-token" || !n.At.Equal(h.clock) {
		t.Errorf("%+v", n)
	}
	log := h.seen.Observations.Read(apiToken.Fingerprint())
	if len(log) != 1 || log[0].What != store.EventRejected || log[0].Workspace != "acme" {
		t.Errorf("%v", log)
	}
	if h.keyring.Calls() != keyring || h.accounts.updates+h.ambient.reads+h.asked > 0 {
		t.Errorf("keyring %+v, %d writes of accounts", h.keyring.Calls(), h.accounts.updates)
	}
	if answer, _, _ := h.get(inAcme); answer != answered(sentinel, apiToken) {
		t.Errorf("the token is gone: %q", answer)
	}
}

// Parallel jobs that are rejected together make one burst, and one line.
func TestEraseTellsABurstOnce(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	for i, want := range [][]What{{Rejected}, nil, nil} {
		if _, told := h.erase(with(inAcme, sentinel, apiToken)); !slices.Equal(told, want) {
			t.Errorf("rejection %d: %v", i, told)
		}
		h.later(300 * time.Millisecond)
	}
	if _, told := h.erase(with(onBitbucket+"path=other/app\n", sentinel, apiToken)); !slices.Equal(told, []What{Rejected}) {
		t.Errorf("in another workspace: %v", told)
	}
	if got := h.events(apiToken); len(got) != 4 {
		t.Errorf("noted %v", got)
	}
	h.later(time.Second)
	if _, told := h.erase(with(inAcme, sentinel, apiToken)); !slices.Equal(told, []What{Rejected}) {
		t.Errorf("later: %v", told)
	}
}

func TestEraseCause(t *testing.T) {
	works := func(workspace string) func(*house) {
		return func(h *house) { h.store(with(onBitbucket+"path="+workspace+"/app\n", sentinel, apiToken)) }
	}
	for _, c := range []struct {
		name    string
		expires time.Time
		before  func(*house)
		request string
		cause   Cause
	}{
		{"expired", noon, works("acme"), inAcme, CauseExpired},
		{"not expired", noon.Add(time.Hour), works("acme"), inAcme, CauseWorked},
		{"never worked", time.Time{}, func(*house) {}, inAcme, CauseNew},
		{"worked elsewhere", time.Time{}, works("other"), inAcme, CauseOther},
		{"worked here", time.Time{}, works("ACME"), inAcme, CauseWorked},
		{"no path", time.Time{}, works("other"), onBitbucket, CauseWorked},
	} {
		h := newHouse(t)
		h.keep("default", apiToken, func(a *store.Account) { a.Expires = c.expires })
		c.before(h)
		h.erase(with(c.request, sentinel, apiToken))
		if len(h.said) != 1 || h.said[0].Cause != c.cause {
			t.Errorf("%s: %+v, want cause %d", c.name, h.said, c.cause)
		}
	}
}

// Another's password changes nothing; what is known to go wrong is told.
func TestEraseOfAnothers(t *testing.T) {
	for _, c := range []struct {
		username string
		password secret.Secret
		told     []What
	}{
		{sentinel, made("ATATT", "rotated"), nil},
		{"alice", secret.New("hunter2"), nil},
		{"alice@example.com", secret.New("hunter2"), []What{EmailRejected}},
		{"alice@example.com", appPassword, []What{PasswordRejected}},
		{"alice", appPassword, []What{PasswordRejected}},
	} {
		h := newHouse(t)
		h.keep("default", apiToken)
		before := h.account("default")
		outcome, told := h.erase(with(inAcme, c.username, c.password))
		if outcome != Done || !slices.Equal(told, c.told) {
			t.Errorf("%s: %d, %v", c.username, outcome, told)
		}
		if h.seen.appends+h.seen.claims+h.accounts.updates > 0 || h.account("default") != before {
			t.Errorf("%s: something was written", c.username)
		}
	}
}

// An old password's rejection does not touch the one that replaced it, though the old
// one is still known by what was seen of it.
func TestEraseAfterARotation(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.store(with(inAcme, sentinel, apiToken))
	rotated := made("ATATT", "rotated")
	h.keep("default", rotated)
	for range 5 {
		h.later(2 * time.Second)
		h.erase(with(inAcme, sentinel, apiToken))
	}
	if answer, _, told := h.get(inAcme); answer != answered(sentinel, rotated) || told != nil {
		t.Errorf("%q, %v", answer, told)
	}
	h.later(2 * time.Second)
	if _, told := h.erase(with(inAcme, sentinel, apiToken)); !slices.Equal(told, []What{Rejected}) || h.said[0].Account.Name != "" {
		t.Errorf("%+v", h.said)
	}
}

func TestEraseOfASource(t *testing.T) {
	h := newHouse(t)
	h.ambient.set("BITBUCKET_TOKEN", apiToken)
	if _, told := h.erase(with(inAcme, sentinel, apiToken)); !slices.Equal(told, []What{Rejected}) || h.said[0].Source != "BITBUCKET_TOKEN" || h.ambient.reads > 0 {
		t.Errorf("%+v", h.said)
	}
}

// An erase without a password is a person's `git credential reject`.
func TestEraseSetsAside(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.keep("work", accessToken)
	outcome, told := h.erase(inAcme)
	if outcome != Done || !slices.Equal(told, []What{SetAsideNow}) || !slices.Equal(h.aside, []string{"default"}) {
		t.Errorf("%d, %v, %v", outcome, told, h.aside)
	}
	if a := h.account("default"); !a.SetAside.Equal(noon) || a.Fingerprint != apiToken.Fingerprint() {
		t.Errorf("%+v", a)
	}
	if answer, _, _ := h.get(inAcme); answer != asking {
		t.Errorf("afterwards: %q", answer)
	}
	if _, told := h.erase(inAcme); told != nil || h.accounts.updates != 1 {
		t.Errorf("a second time: %v, %d writes", told, h.accounts.updates)
	}
	h.Named = "work"
	h.erase(inAcme)
	if a := h.account("work"); !a.SetAside.Equal(noon) {
		t.Errorf("named: %+v", a)
	}
}

func TestEraseSetsNothingAside(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name    string
		change  func(*house)
		request string
		outcome Outcome
		told    []What
	}{
		{"without a host", func(*house) {}, "protocol=https\n", Done, nil},
		{"over http", func(*house) {}, "protocol=http\nhost=bitbucket.org\n", Done, nil},
		{"an empty password", func(*house) {}, inAcme + "password=\n", Done, nil},
		{"pre-encoded", func(*house) {}, inAcme + "authtype=Bearer\ncredential=x\n", Done, nil},
		{"malformed", func(*house) {}, inAcme + "broken\n", Done, nil},
		{"a source is in use", func(h *house) { h.ambient.set("BITBUCKET_TOKEN", accessToken) }, inAcme, Done, []What{NoAsideAmbient}},
		{"the account has no token", func(h *house) { h.keep("default", secret.Secret{}) }, inAcme, Done, nil},
		{"the account does not exist", func(h *house) { h.Named = "nobody" }, inAcme, Done, nil},
		{"the records cannot be read", func(h *house) { h.accounts.broken = broken }, inAcme, Done, nil},
		{"the records cannot be written", func(h *house) { h.Accounts = readOnly{h.accounts} }, inAcme, SourceFailed, []What{RecordsUnusable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.keep("default", apiToken)
			c.change(h)
			outcome, told := h.erase(c.request)
			h.accounts.broken = nil
			if outcome != c.outcome || !slices.Equal(told, c.told) || !h.account("default").SetAside.IsZero() || h.aside != nil {
				t.Errorf("%d, %v, aside %v", outcome, told, h.aside)
			}
		})
	}
}

type readOnly struct{ *countedAccounts }

func (readOnly) Update(func(*store.Book) error) error { return errors.New("read-only") }

// A token that was replaced between the erase's look and its write stays in use.
func TestEraseMeetsARotation(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.Accounts = rotating{h}
	h.erase(inAcme)
	if a := h.account("default"); !a.SetAside.IsZero() {
		t.Errorf("%+v", a)
	}
}

// rotating replaces the token just before an update.
type rotating struct{ h *house }

func (r rotating) Read() (store.Snapshot, error) { return r.h.accounts.Read() }

func (r rotating) Update(change func(*store.Book) error) error {
	r.h.keep("default", accessToken)
	return r.h.accounts.Update(change)
}

// No operation writes a token down: neither in the records nor in the observations.
func TestNothingWrittenHoldsAToken(t *testing.T) {
	h := newHouse(t)
	typed := made("ATATT", "typed")
	h.get(inAcme)
	h.store(with(inAcme, sentinel, typed))
	h.rejects(4)
	h.erase(with(inAcme, sentinel, typed))
	h.erase(inAcme)
	for _, n := range h.said {
		if bytes.Contains([]byte(fmt.Sprintf("%+v", n)), []byte(typed.Reveal())) {
			t.Errorf("a notice holds it: %d", n.What)
		}
	}
	root := filepath.Dir(filepath.Dir(h.accounts.Path()))
	files := 0
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(typed.Reveal())) {
			t.Errorf("%s holds it", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}
