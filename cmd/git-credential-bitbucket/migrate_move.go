package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store"
)

// move does what was agreed to, in an order in which a kill at any moment loses nothing:
// the tokens are stored and read back, then they are taken out of where they were.
func (m *migration) move(ctx context.Context, agreed []*item) {
	m.storeAll(ctx, agreed)
	var files []string
	byFile := map[string][]*item{}
	var git install.Git
	for _, i := range agreed {
		switch {
		case i.token != nil && i.token.keeps() && i.token.account == "":
			i.left = "stays: it could not be stored"
		case i.helper != "":
			if git.Path == "" {
				git, _ = m.git()
			}
			m.erase(ctx, git, i)
		default:
			m.routeUser(i)
			if byFile[i.Path] == nil {
				files = append(files, i.Path)
			}
			byFile[i.Path] = append(byFile[i.Path], i)
		}
	}
	for _, file := range files {
		m.edit(ctx, file, byFile[file])
	}
}

// keeps reports whether the token is to be in the store before it may go.
func (t *looseToken) keeps() bool {
	return t.state == stateLive || t.state == stateUnknown && !t.drop
}

// storeAll stores the tokens of these items, API tokens first: they serve everywhere, and
// the first one of all becomes the default.
func (m *migration) storeAll(ctx context.Context, agreed []*item) {
	var tokens []*looseToken
	for _, i := range agreed {
		if t := i.token; t != nil && t.keeps() && t.account == "" && !slices.Contains(tokens, t) {
			tokens = append(tokens, t)
		}
	}
	slices.SortStableFunc(tokens, func(a, b *looseToken) int { return a.rank() - b.rank() })
	for _, t := range tokens {
		err := m.storeOne(ctx, t)
		if err == nil {
			continue
		}
		t.failed, m.status = true, exitUnusable
		m.say(asError, "the token %s was not stored, and stays where it is: %s", t.secret.Hint(), m.public(err.Error()))
		if errors.Is(err, store.ErrLocked) || errors.Is(err, store.ErrTimeout) || errors.Is(err, store.ErrAbsent) {
			for _, other := range tokens {
				other.failed = other.failed || other.account == "" // it would wait for the same
			}
			break
		}
	}
	m.routeAll(tokens)
	for _, t := range tokens {
		if t.fresh && m.fileProtection(t.account) == protectedByPermissions {
			m.sayFileLock(t.account)
			break
		}
	}
}

func (t *looseToken) rank() int {
	switch {
	case t.state == stateLive && t.kind == bitbucket.APIToken:
		return 0
	case t.state == stateLive:
		return 1
	}
	return 2
}

// storeOne stores a token, unless it is, and reads it back. From the look at the accounts
// on it is the sole writer: another migrate would take the same free name, and of two
// tokens in one account the first is lost.
func (m *migration) storeOne(ctx context.Context, t *looseToken) error {
	done, err := m.soleKeeper()
	if err != nil {
		return err
	}
	defer done()
	book, err := m.book()
	if err != nil {
		return err
	}
	vault := store.NewVault(m.backend)
	a := m.accountFor(t, book)
	if before := book.Account(a.Name); before != nil {
		if kept, err := vault.Get(ctx, before.Backend, before.Name); err == nil && kept.Equal(t.secret) {
			t.account = before.Name
			return nil
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return &wordedError{m.whyUnusable(err, *before), err}
		}
		if t.state == stateUnknown && before.Name == t.holder { // nobody was asked whether to store it
			return fmt.Errorf("account %s is to have it, and does not; type: git-credential-bitbucket store --account %s", before.Name, before.Name)
		}
	}
	kept, err := m.keepAlone(ctx, a, t.secret, "migrate")
	if err != nil {
		return &wordedError{m.whyNotKept(err, a), err}
	}
	back, err := vault.Get(ctx, kept.Backend, kept.Name)
	switch {
	case err != nil:
		return &wordedError{m.whyUnusable(err, kept), err}
	case !back.Equal(t.secret):
		return fmt.Errorf("%s gives back something else than was stored", backendName(kept.Backend))
	}
	t.account = kept.Name
	t.fresh = true
	m.stored++
	if t.q != nil && t.state == stateLive {
		t.q.acquit(m.process)
	}
	m.say("", "stored the %s %s as account %s in %s; %s", t.kind, kept.Hint, kept.Name, backendName(kept.Backend), until(kept))
	return nil
}

// A wordedError says for people what another means.
type wordedError struct {
	text string
	err  error
}

func (e *wordedError) Error() string { return e.text }
func (e *wordedError) Unwrap() error { return e.err }

func (m *migration) whyNotKept(err error, a store.Account) string {
	var known *failure
	if errors.As(m.backendFailure(err, a), &known) {
		return known.text
	}
	return err.Error()
}

// accountFor is the account that the token becomes, or is.
func (m *migration) accountFor(t *looseToken, book store.Book) store.Account {
	for _, a := range book.Accounts {
		if a.Fingerprint == t.secret.Fingerprint() {
			return a
		}
	}
	kind := t.kind
	if kind == bitbucket.UnknownKind {
		kind = bitbucket.APIToken
	}
	a := store.Account{Kind: string(kind), Email: t.email, Username: t.user, Created: m.now()}
	if kind == bitbucket.APIToken {
		a.Expires, a.Guessed = a.Created.AddDate(1, 0, 0), true
	}
	if t.q != nil {
		a.Scopes = joinScopes(t.q.verdict.Scopes)
		if user := t.q.evidence.User; user != nil && kind == bitbucket.APIToken && user.User.Username != "" && oneLine(user.User.Username) == user.User.Username {
			a.Username = user.User.Username
		}
	}
	a.Name = freeName(book, t.names(a))
	return a
}

// names are what the account may be called, best first.
func (t *looseToken) names(a store.Account) []string {
	local, _, _ := strings.Cut(a.Email, "@")
	names := []string{t.user, local}
	if a.Kind != string(bitbucket.APIToken) {
		names = nil // it belongs to a repository, project or workspace, and to nobody
	}
	names = append(names, t.workspaces...)
	return append(names, strings.ReplaceAll(a.Kind, "_", "-"))
}

// freeName is "default" where there is no account, else the first name that an account
// can have, with a number behind it if it is taken.
func freeName(book store.Book, names []string) string {
	if len(book.Accounts) == 0 {
		return "default"
	}
	for _, name := range names {
		name = accountName(name)
		if name == "" {
			continue
		}
		for n := 1; ; n++ {
			free := name
			if n > 1 {
				free = fmt.Sprintf("%s-%d", name, n)
			}
			if book.Account(free) == nil {
				return free
			}
		}
	}
	return ""
}

// accountName is the text as an account's name, "" where little is left of it.
func accountName(text string) string {
	const most = 50
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text)
	name = strings.Trim(name[:min(most, len(name))], "-._")
	if store.ValidName(name) != nil {
		return ""
	}
	return name
}

// edit takes the items out of their file.
func (m *migration) edit(ctx context.Context, file string, items []*item) {
	out := m.stdout
	if m.flags.asJSON {
		out = m.stderr
	}
	fmt.Fprint(out, m.diff(items))
	folder := m.stateDir()
	if folder == "" {
		m.stuck(items, errors.New("there is no home directory to keep a backup in; set HOME"))
		return
	}
	result, err := leftovers.Apply(file, findingsOf(items), filepath.Join(folder, "migrated"), m.now())
	if err != nil {
		m.stuck(items, err)
		return
	}
	m.changed += len(items)
	m.say("", "%s: took out %s; the file as it was, its secrets hidden: %s", m.shownPath(file), countOf(len(items), "finding", "findings"), m.shownPath(result.Backup))
	for _, i := range items {
		m.nameAccount(ctx, i)
		m.record(wasMigrated, i.accountName(), "migrate", fmt.Sprintf("%s out of %s; as it was, but for the secret: %s", m.what(i), m.where(i), veiled(result.Backup)))
	}
}

// stuck says why a file stays as it is.
func (m *migration) stuck(items []*item, err error) {
	text := m.public(err.Error())
	switch {
	case errors.Is(err, install.ErrChanged):
		text += ": type the command again"
	case errors.Is(err, install.ErrLocked):
		text += ": when no other git runs, remove its .lock file, and type the command again"
	case errors.Is(err, install.ErrReadOnly):
		text += ": make it writable, and its folder, and type the command again"
	case errors.Is(err, leftovers.ErrLinked):
		text += ": take it out by hand"
	}
	m.say(asError, "%s was left as it is: %s", m.shownPath(items[0].Path), text)
	for _, i := range items {
		i.left = "stays: " + text
	}
	if m.status == exitDone {
		m.status = exitFailed
	}
}

// erase takes the item out of another helper.
func (m *migration) erase(ctx context.Context, git install.Git, i *item) {
	if err := m.helpers(&examination{process: m.process, git: git}).EraseFrom(ctx, i.Finding); err != nil {
		i.left = "stays: the helper did not erase it"
		m.say(asError, "git credential-%s did not erase the token %s: %s; type: %s", i.helper, i.Secret.Hint(), oneLine(err.Error()), leftovers.EraseBy(i.helper))
		if m.status == exitDone {
			m.status = exitFailed
		}
		return
	}
	m.changed++
	m.say("", "git credential-%s erased %s", i.helper, m.what(i))
	m.record(wasMigrated, i.accountName(), "migrate", m.what(i)+" erased by git credential-"+i.helper)
}

func (i *item) accountName() string {
	if i.token == nil {
		return ""
	}
	return i.token.account
}
