package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// answers is what a person said in flags, on the terminal and by the token itself.
type answers struct {
	flags     *storeFlags
	before    store.Account
	now       time.Time
	token     bitbucket.Cleaned
	kind      bitbucket.Kind
	confirmed bool   // a person keeps the token in spite of what is odd about it
	rotates   bool   // another token than the present one is wanted
	inUse     string // fingerprint of the token that is to be replaced; "": any may come
	account   store.Account
}

// askToken takes the token and what is said of it from where the flags say. It changes
// nothing.
func (p *process) askToken(ctx context.Context, f *storeFlags, before store.Account) (*answers, error) {
	asked := &answers{flags: f, before: before, now: p.now()}
	if f.tokenStdin {
		return asked, asked.fromStdin(p)
	}
	t, err := openTerminal()
	if err == nil {
		defer t.Close()
		// What is only amended is in no backend.
		if amends := f.amends() && f.backend == "" && before.Fingerprint != ""; !amends {
			if err := p.probe(ctx, asked); err != nil {
				return nil, err
			}
		}
		return asked, asked.fromTerminal(t)
	}
	if f.amends() || asked.keeps() {
		return asked, asked.describe(f.email, f.expires)
	}
	return nil, fail(exitUsage, "there is no terminal to ask for the token; type: git-credential-bitbucket store --token-stdin, and give it the token on standard input")
}

func (a *answers) fromStdin(p *process) error {
	data, err := io.ReadAll(io.LimitReader(p.stdin, bitbucket.MaxToken+1))
	if err != nil {
		return fail(exitFailed, "the token could not be read: %v", cause(err))
	}
	if err := a.recognise(secret.New(string(data))); err != nil {
		return err
	}
	return a.describe(a.flags.email, a.flags.expires)
}

func (a *answers) fromTerminal(t *terminal) error {
	kept, err := a.tokenFromTerminal(t)
	if err != nil {
		return stopped(err)
	}
	if kept {
		return a.describe(a.flags.email, a.flags.expires)
	}
	email, expires := a.flags.email, a.flags.expires
	if known := a.rotates && a.before.Email != ""; email == "" && !known && a.kind == bitbucket.APIToken {
		needed := a.rotates && !a.flags.noVerify
		prompt := "E-mail of your Atlassian account (optional, only for REST): "
		if needed {
			prompt = "E-mail of your Atlassian account (Bitbucket checks the token with it): "
		}
		for {
			if email, err = t.ask(prompt); err != nil {
				return stopped(err)
			}
			if email == "" && !needed || plausibleEmail(email) {
				break
			}
			t.print("  that is no e-mail address\n")
		}
	}
	for expires == "" {
		if expires, err = t.ask("Expires on [" + a.assumed() + "]: "); err != nil {
			return stopped(err)
		}
		if expires == "" {
			break
		}
		if _, err := parseExpiry(expires, a.kind, a.now); err != nil {
			t.print("  %s\n", err)
			expires = ""
		}
	}
	return a.describe(email, expires)
}

// tries is how often a person is asked for a token before they are sent away.
const tries = 3

// tokenFromTerminal asks until it gets a token that can be kept, or the present one is.
func (a *answers) tokenFromTerminal(t *terminal) (keepsPresent bool, err error) {
	prompt := "Bitbucket API token (it is not shown): "
	switch {
	case a.rotates:
		prompt = "New token (it is not shown): "
	case a.keeps():
		prompt = "Bitbucket API token (it is not shown; Enter keeps the present one): "
	default:
		t.print("Make an API token with scopes at %s\n", bitbucket.TokenPage)
	}
	for try := 1; ; try++ {
		pasted, err := t.askSecret(prompt)
		if err != nil {
			return false, err
		}
		if pasted.IsZero() && a.keeps() {
			return true, nil
		}
		err = a.recognise(pasted)
		var refused *failure
		switch {
		case err == nil:
			sure, err := a.sure(t)
			if sure || err != nil {
				return false, err
			}
			try = 0
		case errors.As(err, &refused) && refused.status == exitUsage && try < tries:
			t.print("  %s\n", refused.text)
		default:
			return false, err
		}
	}
}

// sure says what the token is, and asks whether one that may be none is meant.
func (a *answers) sure(t *terminal) (sure bool, err error) {
	token := a.token.Token
	known := bitbucket.KindOf(token) != bitbucket.UnknownKind
	checksum := bitbucket.ChecksumOf(token)
	switch {
	case !known:
		t.print("  not recognised: %s has no beginning that tells its kind; it would be taken for an %s\n", token.Hint(), a.kind)
	case checksum == bitbucket.BadChecksum:
		t.print("  %s, %s: it looks cut off or mistyped, its checksum does not fit\n", a.kind, token.Hint())
	case checksum == bitbucket.GoodChecksum:
		t.print("  recognised: %s, %s, checksum good\n", a.kind, token.Hint())
		return true, nil
	default:
		t.print("  recognised: %s, %s, no checksum\n", a.kind, token.Hint())
		return true, nil
	}
	// Unseen, since a person may paste the token again instead.
	answer, err := t.askSecret("Keep it all the same? [y/N; N asks for the token again] ")
	a.confirmed = answer.Equal(secret.New("y")) || answer.Equal(secret.New("yes"))
	return a.confirmed, err
}

// keeps reports whether the flags make sense for the token that is stored.
func (a *answers) keeps() bool {
	return !a.rotates && a.before.Fingerprint != "" && (a.flags.amends() || a.flags.backend != "")
}

// stopped is what the end of the terminal's input means.
func stopped(err error) error {
	if errors.Is(err, io.EOF) {
		return fail(exitInterrupted, "interrupted; nothing was changed")
	}
	return err
}

// probe finds out, before anybody is asked for a token, whether its backend is one that
// would not take it, as far as a look tells that.
func (p *process) probe(ctx context.Context, a *answers) error {
	backend := cmp.Or(a.flags.backend, a.before.Backend, p.env("BITBUCKET_CREDENTIAL_BACKEND"))
	if backend == "" {
		return nil
	}
	key, about := a.before.Name, a.before
	switch backend {
	case store.BackendPass:
		key += "#" // no token: to read one takes gpg's private key, which storing does not
	case store.BackendFile:
		about.Name = p.lockedFile(a.before.Name)
		key = about.Name
	}
	b, err := p.backend(backend)
	if err != nil {
		return p.backendFailure(err, about)
	}
	_, err = b.Get(ctx, key)
	for _, hopeless := range []error{store.ErrAbsent, store.ErrLocked, store.ErrRefused, store.ErrTimeout} {
		if errors.Is(err, hopeless) {
			return p.backendFailure(err, about)
		}
	}
	return nil
}

// lockedFile is an account that a passphrase locks in the file backend, where no other
// is stored without it; else the one that is named.
func (p *process) lockedFile(name string) string {
	snapshot, err := p.accounts().Read()
	if err != nil {
		return name
	}
	book, err := snapshot.Book()
	if err != nil {
		return name
	}
	for _, other := range append([]string{name}, book.Names()...) {
		if p.fileProtection(other) == protectedByPassphrase {
			return other
		}
	}
	return name
}

// assumed is the expiry that is assumed where nobody gives one, for people.
func (a *answers) assumed() string {
	if a.account.Expires.IsZero() {
		return "unknown"
	}
	return date(a.account.Expires)
}

// recognise takes the token out of what was given, or refuses it.
func (a *answers) recognise(pasted secret.Secret) error {
	token, err := bitbucket.Clean(pasted)
	if err != nil {
		return fail(exitUsage, "%s; copy the token again from %s", err, bitbucket.TokenPage)
	}
	a.token, a.kind = token, bitbucket.KindOf(token.Token)
	switch a.kind {
	case bitbucket.AppPassword:
		return fail(exitNoCredential, "this is an app password, and Bitbucket ended those on %s; make an API token with scopes at %s", bitbucket.AppPasswordsEnded, bitbucket.TokenPage)
	case bitbucket.DataCenterToken:
		return fail(exitNoCredential, "this token is of Bitbucket Data Center and is not kept for %s; make an API token with scopes at %s", bitbucket.Host, bitbucket.TokenPage)
	case bitbucket.UnknownKind:
		a.kind = bitbucket.APIToken
		if a.rotates {
			a.kind = bitbucket.Kind(a.before.Kind)
		}
	}
	if a.inUse != "" && token.Token.Fingerprint() == a.inUse {
		return fail(exitUsage, "%s is the token that account %s has already; make a new one %s", token.Token.Hint(), a.before.Name, madeWhere(a.before))
	}
	a.assume()
	return nil
}

// assume fills in what the token tells. A new one takes nothing over from the old one
// but who it belongs to and where it is kept; of the old one all stays known.
func (a *answers) assume() {
	a.account = a.before
	a.account.SetAside = time.Time{}
	if a.token.Token.Fingerprint() == a.before.Fingerprint {
		a.kind = bitbucket.Kind(a.before.Kind)
	} else {
		a.account.Kind, a.account.Created, a.account.Scopes = string(a.kind), a.now, ""
		a.account.Expires, a.account.Certain, a.account.Guessed = time.Time{}, false, false
	}
	if a.kind == bitbucket.APIToken && a.account.Expires.IsZero() {
		a.account.Expires, a.account.Guessed = a.account.Created.AddDate(1, 0, 0), true
	}
}

// describe fills in what was said.
func (a *answers) describe(email, expires string) error {
	if a.token.Token.IsZero() {
		a.account = a.before
	}
	if a.flags.backend != "" {
		a.account.Backend = a.flags.backend
	}
	if expires != "" {
		when, err := parseExpiry(expires, bitbucket.Kind(a.account.Kind), a.now)
		if err != nil {
			return fail(exitUsage, "%s", err)
		}
		a.account.Expires, a.account.Guessed = when, false
	}
	if email == "" && strings.Contains(a.token.User, "@") && plausibleEmail(a.token.User) {
		email = a.token.User
	}
	if email != "" {
		a.account.Email = email
	}
	if a.flags.username != "" {
		a.account.Username = a.flags.username
	}
	return nil
}
