package helper

import (
	"context"
	"errors"
	"io"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// Accounts are the records of stored tokens.
type Accounts interface {
	Read() (store.Snapshot, error)
	Update(change func(*store.Book) error) error
}

// Secrets are the stored tokens themselves.
type Secrets interface {
	Get(ctx context.Context, backend, account string) (secret.Secret, error)
}

// Observations is what has been seen of tokens; all of it may be lost.
type Observations interface {
	Read(key string) store.Log
	Append(key string, e store.Event) error
	Known(key string) bool
	Claim(name string, life time.Duration, now time.Time) bool
}

// Ambient is the source of a token outside the stored accounts: a variable, a file,
// a command. It is never written to.
type Ambient interface {
	// Name is the source's name for people, "" if there is none.
	Name() string
	// Token reads it; that may run a command.
	Token(ctx context.Context) (AmbientToken, error)
	// Holds compares without running anything.
	Holds(password secret.Secret) bool
}

// AmbientToken is what an ambient source yielded.
type AmbientToken struct {
	bitbucket.Cleaned
	Kind    bitbucket.Kind
	Guessed bool      // Kind is taken from the source's name, not from the token
	Command bool      // a command gave it, so that only a record tells it is ours
	Expires time.Time // the site's word; zero: unknown
}

// Helper acts on git's three operations.
type Helper struct {
	Accounts Accounts
	Secrets  Secrets
	Seen     Observations
	Uses     Uses
	Ambient  Ambient
	Named    string // the account that --account or the environment names, else ""
	Caller   Caller
	// Audience fills in Caller's Terminal and Reachable. It is asked only where there is
	// no token, since it costs two system calls; nil leaves them as they are.
	Audience func() (terminal, reachable bool)
	Now      func() time.Time
	Say      func(Notice)
	// Adopt keeps a token that a person typed at git's prompt.
	Adopt func(context.Context, store.Account, secret.Secret) (store.Account, error)
	// Renew gets an OAuth account another access token, or returns the one that another
	// process got meanwhile; forced, though the time of the present one is not over. The
	// account is as it is recorded then. An error is a *RenewalError, or one of Secrets'
	// or of Accounts'.
	Renew func(ctx context.Context, account store.Account, forced bool) (store.Account, secret.Secret, error)
	// Person reports whether somebody could have typed it: there is a terminal or a
	// display.
	Person func() bool
	// Alone reports whether no other helper could have answered git for Bitbucket.
	Alone func(context.Context) bool
	// Parents identifies the process that asked and its parent, as far as known, each by a
	// string that no other process ever has. Without one nothing is adopted.
	Parents func() []string
	// Drop removes the copy of a refused token that is kept to spare a slow source, and with
	// the zero Secret the one that the source has at this moment.
	Drop func(secret.Secret)
	// Aside records that a person set the account aside.
	Aside func(store.Account)
}

// Get answers the request on in with what is to be sent to Bitbucket. The answer is
// written last and at once. A request that is malformed, or not about Bitbucket,
// gets none.
func (h *Helper) Get(ctx context.Context, in io.Reader, out io.Writer) Outcome {
	message, err := Decode(in)
	if err != nil {
		return Done
	}
	facts := h.facts(ctx, message.Request())
	d := decide(facts)
	if d.Claim != "" && !h.Seen.Claim(d.Claim, claimLife, facts.Now) {
		d = *d.Otherwise
	}
	for _, n := range d.Notices {
		h.tell(n, facts)
	}
	h.count(d, facts)
	if d.Unanswered && !h.Caller.CI {
		h.note(asked(facts.Account.Name), store.Event{What: store.EventUnanswered, Note: mark(h.Parents())})
	}
	if err := Encode(out, d.Answer); err != nil {
		return Failed
	}
	return d.Outcome
}

// facts gathers what decide needs, and no more: for another host not even a file is
// read, and an ambient source leaves the accounts alone.
func (h *Helper) facts(ctx context.Context, request Request) Facts {
	f := Facts{Request: request, Caller: h.Caller, Now: h.Now()}
	if !request.Ours() {
		return f
	}
	h.find(ctx, &f)
	h.examine(&f)
	h.renew(ctx, &f)
	if f.Token.IsZero() && h.Audience != nil {
		f.Caller.Terminal, f.Caller.Reachable = h.Audience()
	}
	return f
}

// examine fills in what was seen of the token.
func (h *Helper) examine(f *Facts) {
	if !f.Token.IsZero() {
		f.Health = h.Seen.Read(f.Token.Fingerprint()).Health(f.Request.Workspace(), f.Now)
	}
}

// find fills in the token and where it comes from, or why there is none.
func (h *Helper) find(ctx context.Context, f *Facts) {
	if h.Named == "" && h.Ambient.Name() != "" {
		f.Source = h.Ambient.Name()
		var token AmbientToken
		if token, f.Err = h.Ambient.Token(ctx); f.Err == nil {
			f.Token, f.Kind = token.Token, token.Kind
			f.Account.Expires, f.Account.Certain = token.Expires, !token.Expires.IsZero()
			h.remark(*f, token)
		}
		return
	}
	if f.Account, f.Err = h.which(f.Request); f.Err != nil {
		return
	}
	f.Kind = bitbucket.Kind(f.Account.Kind)
	if f.Token, f.Err = h.stored(ctx, f.Account); f.Token.IsZero() {
		return
	}
	f.Kind = kindOf(f.Account, f.Token)
	if fp := f.Token.Fingerprint(); fp != f.Account.Fingerprint {
		// Its date is another token's.
		f.Account.Expires, f.Account.Guessed, f.Account.Certain, f.Account.Scopes = time.Time{}, false, false, ""
		f.Account.Issued = time.Time{}
		h.served(fp)
	}
}

// kindOf is read off the token, and from the record where that tells nothing.
func kindOf(account store.Account, token secret.Secret) bitbucket.Kind {
	if kind := bitbucket.KindOf(token); kind != bitbucket.UnknownKind {
		return kind
	}
	return bitbucket.Kind(account.Kind)
}

// which chooses the account. A name that is not stored yet is kept in the account
// that comes with store.ErrNoAccounts, so that a token typed at git's prompt is
// filed under it.
func (h *Helper) which(request Request) (store.Account, error) {
	accounts, err := h.Accounts.Read()
	if err != nil {
		return store.Account{}, err
	}
	if h.Named != "" && store.ValidName(h.Named) != nil {
		return store.Account{}, errBadName
	}
	account, _, err := accounts.Which(store.Query{Named: h.Named, Workspace: request.Workspace(), Username: request.Username})
	if errors.Is(err, store.ErrNoAccounts) {
		account.Name = h.Named
		if account.Name == "" {
			account.Name = DefaultAccount
		}
	}
	return account, err
}

// errBadName: what names the account is no name. It may be a token, and is not shown.
var errBadName = errors.New("no account's name")

// DefaultAccount is the name of an account that nobody named.
const DefaultAccount = "default"

// stored reads the account's token. One that is set aside, or holds none, costs no
// call to its backend.
func (h *Helper) stored(ctx context.Context, account store.Account) (secret.Secret, error) {
	if !account.SetAside.IsZero() {
		return secret.Secret{}, nil
	}
	if account.Fingerprint == "" {
		return secret.Secret{}, store.ErrNotFound
	}
	token, err := h.Secrets.Get(ctx, account.Backend, account.Name)
	switch {
	case err != nil:
		return secret.Secret{}, err
	case token.IsZero():
		// git takes an empty password for a whole credential.
		return secret.Secret{}, &store.BackendError{Backend: account.Backend, Err: store.ErrDamaged}
	}
	return token, bitbucket.Printable(token)
}

// remark says what was odd about an ambient token.
func (h *Helper) remark(f Facts, token AmbientToken) {
	n := Notice{Source: f.Source, Kind: f.Kind}
	if len(token.Fixes) > 0 {
		n.What, n.Fixes = Cleaned, token.Fixes
		h.Say(n)
	}
	if token.Guessed {
		n.What = KindGuessed
		h.Say(n)
	}
	if f.Kind.GitUsername() != "" && bitbucket.ChecksumOf(token.Token) == bitbucket.BadChecksum {
		n.What = CutOff
		h.Say(n)
	}
	if token.Command {
		h.served(token.Token.Fingerprint())
	}
}

// served remembers a token that no account's record names, so that git's erase of it
// is recognised: one that a command gave, or that was changed in its backend by hand.
func (h *Helper) served(fingerprint string) {
	if fingerprint != "" && !h.Seen.Known(fingerprint) {
		h.note(fingerprint, store.Event{What: store.EventServed})
	}
}

// tell says n and reports that, unless it is a warning that another process says at this
// moment.
func (h *Helper) tell(n Notice, f Facts) (said bool) {
	if n.Claim != "" && !h.Seen.Claim(n.Claim, day, f.Now) {
		return false
	}
	h.Say(n)
	if n.Claim != "" && n.Stage != "" {
		h.note(f.Token.Fingerprint(), store.Event{What: store.EventWarned, Note: n.Stage})
	}
	return true
}

// note records an event. An event that cannot be written is lost: a record never fails
// an operation.
func (h *Helper) note(key string, e store.Event) error {
	e.At = h.Now()
	return h.Seen.Append(key, e)
}

// asked is the key of what was observed of an account without a token.
func asked(account string) string { return "account." + account }
