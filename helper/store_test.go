package helper

import (
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// events are what is noted of the token.
func (h *house) events(token secret.Secret) (whats []store.What) {
	for _, e := range h.seen.Observations.Read(token.Fingerprint()) {
		whats = append(whats, e.What)
	}
	return whats
}

// git reports each command that worked: that costs one line a day, no keyring call, and
// no other write.
func TestStoreOfOurs(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	keyring := h.keyring.Calls()
	report := with(inAcme, sentinel, apiToken)
	check := func(name string, events int) {
		t.Helper()
		if outcome, told := h.store(report); outcome != Done || told != nil {
			t.Errorf("%s: %d, %v", name, outcome, told)
		}
		if got := h.events(apiToken); len(got) != events || h.seen.appends != events {
			t.Errorf("%s: events %v, %d appended; want %d", name, got, h.seen.appends, events)
		}
	}
	check("the first", 1)
	check("the second", 1)
	h.later(day - time.Millisecond)
	check("the same day", 1)
	h.later(time.Millisecond)
	check("a day later", 2)
	if h.keyring.Calls() != keyring || h.accounts.updates+h.ambient.reads+h.asked+h.seen.claims > 0 {
		t.Errorf("keyring %+v, %d writes of accounts, %d reads of a source", h.keyring.Calls(), h.accounts.updates, h.ambient.reads)
	}
}

// Each workspace has its own line a day: a token that worked in both today is not told
// to work elsewhere only.
func TestStoreOfEachWorkspace(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	inOther := strings.Replace(inAcme, "acme/", "other/", 1)
	for range 2 {
		h.store(with(inAcme, sentinel, apiToken))
		h.store(with(inOther, sentinel, apiToken))
	}
	if got := h.events(apiToken); len(got) != 2 {
		t.Errorf("%v, want one a workspace", got)
	}
	if h.erase(with(inOther, sentinel, apiToken)); len(h.said) != 1 || h.said[0].Cause != CauseWorked {
		t.Errorf("%+v", h.said)
	}
}

// A success clears the rejections of its workspace.
func TestStoreClearsRejections(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.store(with(inAcme, sentinel, apiToken))
	h.rejects(2)
	h.store(with(inAcme, sentinel, apiToken))
	if health := h.seen.Observations.Read(apiToken.Fingerprint()).Health("acme", h.clock); health.Bursts != 0 || !health.LastSuccess.Equal(h.clock) {
		t.Errorf("%+v", health)
	}
}

// The password alone tells whose it is: the username and the default do not.
func TestStoreFindsByPassword(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.keep("pipeline", accessToken)
	for _, username := range []string{"", "alice", "default", "alice@example.com"} {
		h.clock = h.clock.Add(day)
		h.store(with(inAcme, username, accessToken))
	}
	if got := h.events(accessToken); len(got) != 4 || h.events(apiToken) != nil {
		t.Errorf("%v, %v", got, h.events(apiToken))
	}
}

func TestStoreOfASource(t *testing.T) {
	h := newHouse(t)
	h.ambient.set("BITBUCKET_TOKEN", apiToken)
	h.store(with(inAcme, sentinel, apiToken))
	if got := h.events(apiToken); got != nil || h.ambient.reads > 0 {
		t.Errorf("a job writes nothing of what works: %v, %d reads", got, h.ambient.reads)
	}
	h.erase(with(inAcme, sentinel, apiToken))
	h.store(with(inAcme, sentinel, apiToken))
	if got := h.events(apiToken); len(got) != 2 || got[1] != store.EventSucceeded {
		t.Errorf("%v, want a rejection and the success that clears it", got)
	}
	// A command is not run to compare: it is known by having been served.
	h = newHouse(t)
	h.ambient.set("BITBUCKET_TOKEN_COMMAND", apiToken)
	h.ambient.token.Command = true
	h.store(with(inAcme, sentinel, apiToken))
	if got := h.events(apiToken); got != nil {
		t.Errorf("never served: %v", got)
	}
	h.get(inAcme)
	h.erase(with(inAcme, sentinel, apiToken))
	if got := h.events(apiToken); len(got) != 2 || h.ambient.reads != 1 {
		t.Errorf("%v, %d reads", got, h.ambient.reads)
	}
}

// A broken accounts file leaves git's word unheard, without a sound: its get has told.
func TestStoreAndEraseWithBrokenRecords(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.accounts.broken = &store.RecordError{Path: "accounts", Line: 2, Err: store.ErrFormat}
	if outcome, told := h.store(with(inAcme, sentinel, apiToken)); outcome != Done || told != nil || h.seen.appends > 0 {
		t.Errorf("store: %d, %v", outcome, told)
	}
	if outcome, told := h.erase(with(inAcme, sentinel, apiToken)); outcome != Done || told != nil || h.seen.appends > 0 {
		t.Errorf("erase: %d, %v", outcome, told)
	}
	// What was noted of it is found all the same.
	h.seen.Observations.Append(apiToken.Fingerprint(), store.Event{At: noon, What: store.EventServed})
	h.erase(with(inAcme, sentinel, apiToken))
	if h.seen.appends != 1 {
		t.Error("a rejection of a token that was observed is lost")
	}
}

// Requests that are no word about a username and password of ours.
func TestStoreIgnores(t *testing.T) {
	for name, request := range map[string]string{
		"malformed":             with(inAcme, sentinel, apiToken) + "broken\n",
		"without a password":    inAcme + "username=" + sentinel + "\n",
		"an empty password":     inAcme + "username=" + sentinel + "\npassword=\n",
		"pre-encoded":           inAcme + "capability[]=authtype\nauthtype=Bearer\ncredential=" + apiToken.Reveal() + "\n",
		"pre-encoded, and ours": with(inAcme, sentinel, apiToken) + "authtype=Bearer\n",
		"a credential, and ours": with(inAcme, sentinel, apiToken) +
			"credential=x\n",
		"ephemeral":      with(inAcme, sentinel, apiToken) + "ephemeral=1\n",
		"over http":      with("protocol=http\nhost=bitbucket.org\n", sentinel, apiToken),
		"another's host": with("protocol=https\nhost=example.com\n", sentinel, apiToken),
	} {
		h := newHouse(t)
		h.keep("default", apiToken)
		if outcome, told := h.store(request); outcome != Done || told != nil || h.seen.calls() > 0 || h.accounts.reads > 0 {
			t.Errorf("store %s: %d, %v, %d calls of observations", name, outcome, told, h.seen.calls())
		}
	}
	h := newHouse(t)
	h.keep("default", apiToken)
	h.store(with(inAcme, sentinel, apiToken) + "ephemeral=0\n")
	if h.seen.appends != 1 {
		t.Error("ephemeral=0 is a plain success")
	}
}
