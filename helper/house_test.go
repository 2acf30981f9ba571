package helper

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// noon is when a test begins.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	sentinel    = "x-bitbucket-api-token-auth"
	accessUser  = "x-token-auth"
	onBitbucket = "protocol=https\nhost=bitbucket.org\n"
	inAcme      = onBitbucket + "path=acme/app.git\n"
)

// made is a token as Bitbucket makes them: its kind's letters, a body and a checksum.
func made(prefix, body string) secret.Secret {
	text := prefix + "-made-for-tests-" + body
	return secret.New(text + fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(text))))
}

// house is a Helper with real records in a folder of the test's, a keyring in memory,
// and everything that a test may turn off. It counts what is asked of each part.
type house struct {
	testing.TB
	*Helper
	keyring  *storetest.Fake
	accounts *countedAccounts
	seen     *countedSeen
	ambient  *fakeAmbient
	clock    time.Time
	said     []Notice
	aside    []string // accounts that Aside was told of
	alone    bool
	person   bool // somebody could have typed it
	asked    int  // how often Alone was
	parents  []string
	refuse   error // of Adopt
}

func newHouse(t testing.TB) *house {
	t.Helper()
	dir := t.TempDir()
	h := &house{
		TB:       t,
		keyring:  &storetest.Fake{},
		accounts: &countedAccounts{Accounts: store.OpenAccounts(filepath.Join(dir, "config"))},
		seen:     &countedSeen{Observations: store.OpenObservations(filepath.Join(dir, "state"), nil, 0)},
		ambient:  &fakeAmbient{},
		clock:    noon,
		alone:    true,
		person:   true,
		parents:  []string{"4711.99.ab12cd34", "4710.98.ab12cd34"},
	}
	h.Helper = &Helper{
		Accounts: h.accounts,
		Secrets:  store.NewVault(h.keyring.Open),
		Seen:     h.seen,
		Uses:     h.seen,
		Ambient:  h.ambient,
		Caller:   Caller{Reachable: true},
		Now:      func() time.Time { return h.clock },
		Say:      func(n Notice) { h.said = append(h.said, n) },
		Adopt:    h.adopt,
		Person:   func() bool { return h.person },
		Alone:    func(context.Context) bool { h.asked++; return h.alone },
		Parents:  func() []string { return h.parents },
		Aside:    func(a store.Account) { h.aside = append(h.aside, a.Name) },
	}
	return h
}

// adopt keeps the token as cmd does, in the keyring first.
func (h *house) adopt(ctx context.Context, a store.Account, token secret.Secret) (store.Account, error) {
	if h.refuse != nil {
		return a, h.refuse
	}
	a.Backend, a.Fingerprint, a.Hint = store.BackendKeyring, token.Fingerprint(), token.Hint()
	if err := store.NewVault(h.keyring.Open).Put(ctx, a.Backend, a.Name, token); err != nil {
		return a, err
	}
	return a, h.accounts.Accounts.Update(func(b *store.Book) error { b.Put(a); return nil })
}

// keep stores the token as a person does.
func (h *house) keep(name string, token secret.Secret, change ...func(*store.Account)) store.Account {
	h.TB.Helper()
	a := store.Account{
		Name: name, Kind: string(bitbucket.KindOf(token)), Backend: store.BackendKeyring,
		Fingerprint: token.Fingerprint(), Hint: token.Hint(), Created: h.clock,
	}
	for _, c := range change {
		c(&a)
	}
	if !token.IsZero() {
		if err := store.NewVault(h.keyring.Open).Put(context.Background(), a.Backend, name, token); err != nil {
			h.Fatal(err)
		}
	}
	err := h.accounts.Accounts.Update(func(b *store.Book) error { b.Put(a); return nil })
	if err != nil {
		h.Fatal(err)
	}
	return a
}

// account is the record as it is now.
func (h *house) account(name string) store.Account {
	h.TB.Helper()
	snapshot, err := h.accounts.Accounts.Read()
	if err != nil {
		h.Fatal(err)
	}
	a, _, err := snapshot.Account(name)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

// get asks, and returns the answer and what the person was told.
func (h *house) get(request string) (answer string, outcome Outcome, told []What) {
	h.said = nil
	var out bytes.Buffer
	outcome = h.Get(context.Background(), strings.NewReader(request), &out)
	return out.String(), outcome, h.told()
}

func (h *house) store(request string) (Outcome, []What) {
	h.said = nil
	outcome := h.Store(context.Background(), strings.NewReader(request))
	return outcome, h.told()
}

func (h *house) erase(request string) (Outcome, []What) {
	h.said = nil
	outcome := h.Erase(context.Background(), strings.NewReader(request))
	return outcome, h.told()
}

func (h *house) told() (whats []What) {
	for _, n := range h.said {
		whats = append(whats, n.What)
	}
	return whats
}

func (h *house) later(d time.Duration) { h.clock = h.clock.Add(d) }

// with is the request with a username and password behind it.
func with(request, username string, password secret.Secret) string {
	return request + "username=" + username + "\npassword=" + password.Reveal() + "\n"
}

// answered is the answer that gives the token.
func answered(username string, token secret.Secret) string {
	return "username=" + username + "\npassword=" + token.Reveal() + "\n"
}

// asking is the answer that leaves the token to git's prompt.
const asking = "username=" + sentinel + "\n"

// untouched fails if anything but the program itself was asked for something.
func (h *house) untouched() {
	h.TB.Helper()
	if h.accounts.reads+h.accounts.updates > 0 || h.seen.calls() > 0 || h.ambient.reads+h.ambient.compared > 0 ||
		h.keyring.Calls() != (storetest.Calls{}) || h.asked > 0 || len(h.said) > 0 {
		h.Errorf("touched: accounts %d read, %d written; observations %d; ambient %d read, %d compared; keyring %+v; other helpers %d; said %v",
			h.accounts.reads, h.accounts.updates, h.seen.calls(), h.ambient.reads, h.ambient.compared, h.keyring.Calls(), h.asked, h.told())
	}
}

type countedAccounts struct {
	*store.Accounts
	reads, updates int
	broken         error // of Read and Update
}

func (c *countedAccounts) Read() (store.Snapshot, error) {
	c.reads++
	if c.broken != nil {
		return store.Snapshot{}, c.broken
	}
	return c.Accounts.Read()
}

func (c *countedAccounts) Update(change func(*store.Book) error) error {
	c.updates++
	if c.broken != nil {
		return c.broken
	}
	return c.Accounts.Update(change)
}

type countedSeen struct {
	*store.Observations
	reads, appends, lookups, claims, uses int
}

func (c *countedSeen) calls() int { return c.reads + c.appends + c.lookups + c.claims + c.uses }

func (c *countedSeen) Read(key string) store.Log { c.reads++; return c.Observations.Read(key) }

func (c *countedSeen) Append(key string, e store.Event) error {
	c.appends++
	return c.Observations.Append(key, e)
}

func (c *countedSeen) Known(key string) bool { c.lookups++; return c.Observations.Known(key) }

func (c *countedSeen) Claim(name string, life time.Duration, now time.Time) bool {
	c.claims++
	return c.Observations.Claim(name, life, now)
}

func (c *countedSeen) Served(key, workspace string, now time.Time) int {
	c.uses++
	return c.Observations.Served(key, workspace, now)
}

func (c *countedSeen) Used(key string, now time.Time) { c.uses++; c.Observations.Used(key, now) }

func (c *countedSeen) Settled(key, workspace string, now time.Time) {
	c.uses++
	c.Observations.Settled(key, workspace, now)
}

// fakeAmbient is a source with a token, none while name is "".
type fakeAmbient struct {
	name            string
	token           AmbientToken
	err             error
	reads, compared int
}

// set makes a source of that name yield the token.
func (a *fakeAmbient) set(name string, token secret.Secret) {
	a.name = name
	a.token = AmbientToken{Cleaned: bitbucket.Cleaned{Token: token}, Kind: bitbucket.KindOf(token)}
}

func (a *fakeAmbient) Name() string { return a.name }

func (a *fakeAmbient) Token(context.Context) (AmbientToken, error) { a.reads++; return a.token, a.err }

func (a *fakeAmbient) Holds(password secret.Secret) bool {
	a.compared++
	return a.name != "" && !a.token.Command && a.token.Token.Equal(password)
}
