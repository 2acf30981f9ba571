package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store/secret"
)

// The states of a finding, as --json has them.
const (
	stateLive        = "live"
	stateDead        = "dead"
	stateUnknown     = "unknown"
	stateAppPassword = "app-password"
	stateNameOnly    = "name-only"
)

// A looseToken is a secret that was found, once for all the places it is in.
type looseToken struct {
	secret     secret.Secret
	kind       bitbucket.Kind
	email      string
	user       string   // no e-mail, and none of git's usernames for tokens
	workspaces []string // of the addresses that it stands in
	dirs       []string // of the repositories
	repository bitbucket.Repository
	state      string
	doubt      string   // why the state is unknown
	q          *inquiry // nil: nobody was asked
	holder     string   // the account that has it, as the records say; "": none, or one by OAuth
	account    string   // that it was stored as by now, or that gave it back
	fresh      bool     // this command stored it
	failed     bool     // it could not be stored
	drop       bool     // a person wants it gone, though it may be alive
}

// judge gives each item its token, and has Bitbucket asked about those that are new.
func (m *migration) judge(ctx context.Context, git install.Git, items []*item) {
	var fresh []*looseToken
	for _, i := range items {
		if i.Secret.IsZero() {
			continue
		}
		fingerprint := i.Secret.Fingerprint()
		t := m.known[fingerprint]
		if t == nil {
			t = &looseToken{secret: i.Secret, kind: i.Kind(), state: stateUnknown}
			m.known[fingerprint] = t
			fresh = append(fresh, t)
		}
		i.token = t
		t.seen(i)
	}
	var asked []*looseToken
	book, _ := m.book() // without it nothing is known, and later nothing stored
	for _, t := range fresh {
		for _, a := range book.Accounts {
			if a.Fingerprint != t.secret.Fingerprint() {
				continue
			}
			t.email = cmp.Or(a.Email, t.email) // it was stored with it, maybe by a run that was killed
			if a.Kind != string(bitbucket.OAuthToken) {
				t.holder = a.Name
			}
		}
		t.email = cmp.Or(t.email, m.flags.email)
		switch {
		case t.kind == bitbucket.AppPassword:
			t.state = stateAppPassword
		case t.kind == bitbucket.DataCenterToken:
			t.doubt = "it is of Bitbucket Data Center, another product"
		case bitbucket.Printable(t.secret) != nil:
			t.doubt = "it has characters that no token has"
		case m.flags.noVerify:
			t.doubt = "Bitbucket was not asked"
		default:
			asked = append(asked, t)
		}
	}
	if len(asked) > 0 {
		m.place(ctx, git, asked)
		m.inquireAll(ctx, asked)
	}
}

// seen takes over what stands beside the token at a place.
func (t *looseToken) seen(i *item) {
	switch {
	case plausibleEmail(i.User):
		t.email = cmp.Or(t.email, i.User)
	case i.User == "" || strings.HasPrefix(i.User, "x-") || oneLine(i.User) != i.User || bitbucket.KindOf(secret.New(i.User)) != bitbucket.UnknownKind:
	default:
		t.user = cmp.Or(t.user, i.User)
	}
	if i.Workspace != "" && !slices.Contains(t.workspaces, i.Workspace) {
		t.workspaces = append(t.workspaces, i.Workspace)
	}
	if i.Repository != "" && !slices.Contains(t.dirs, i.Repository) {
		t.dirs = append(t.dirs, i.Repository)
	}
}

// place finds a repository at whose door each token can be shown: that in whose folder it
// was found, else, for one about which REST cannot be asked, any.
func (m *migration) place(ctx context.Context, git install.Git, tokens []*looseToken) {
	var any bitbucket.Repository
	if at, err := m.at(ctx, ""); err == nil {
		any = at.repository
	}
	for _, t := range tokens {
		for _, dir := range t.dirs {
			if t.repository = repositoryAt(ctx, git, dir, t.workspaces); t.repository != (bitbucket.Repository{}) {
				any = t.repository
				if len(t.workspaces) == 0 {
					t.workspaces = []string{t.repository.Workspace}
				}
				break
			}
		}
	}
	for _, t := range tokens {
		if t.repository == (bitbucket.Repository{}) && t.kind == bitbucket.APIToken && t.email == "" {
			t.repository = any
		}
	}
}

// repositoryAt is the site's repository that a remote or submodule of that folder is, one of the
// workspaces if there is such a one.
func repositoryAt(ctx context.Context, git install.Git, dir string, workspaces []string) (best bitbucket.Repository) {
	git.Dir = dir
	git.Env = slices.DeleteFunc(slices.Clone(git.Env), func(line string) bool { // they would name another one
		return strings.HasPrefix(line, "GIT_DIR=") || strings.HasPrefix(line, "GIT_COMMON_DIR=")
	})
	lines, err := install.Lines(ctx, git, `^(remote|submodule)\..*\.(url|pushurl)$`)
	if err != nil {
		return best
	}
	for _, l := range lines {
		_, rest, found := strings.Cut(l.Value, "@"+bitbucket.Host+"/")
		if !found {
			_, rest, found = strings.Cut(l.Value, "://"+bitbucket.Host+"/")
		}
		repository, err := bitbucket.ParseRepository("https://" + bitbucket.Host + "/" + rest)
		if !found || err != nil {
			continue
		}
		if slices.Contains(workspaces, repository.Workspace) {
			return repository
		}
		if best == (bitbucket.Repository{}) {
			best = repository
		}
	}
	return best
}

// notAsked is the doubt about a token where nobody answered.
const notAsked = "Bitbucket could not be asked"

const (
	inquiriesMost = 100 // distinct tokens about which Bitbucket is asked in one run
	inquiriesWide = 4   // at the same time
)

// inquireAll asks Bitbucket about each token. It stops where nobody answers, or where
// Bitbucket limits the rate: what was not asked stays unknown.
func (m *migration) inquireAll(ctx context.Context, tokens []*looseToken) {
	client, notes, err := m.client(ctx)
	for _, note := range notes {
		m.say(asWarning, "%s; %s", note.text, note.remedy)
	}
	var mu sync.Mutex
	var stop string
	queue := make(chan *looseToken)
	var wait sync.WaitGroup
	for range inquiriesWide {
		wait.Go(func() {
			for t := range queue {
				mu.Lock()
				stopped := stop != ""
				mu.Unlock()
				if stopped {
					t.doubt = notAsked
					continue
				}
				kind := t.kind
				if kind == bitbucket.UnknownKind {
					kind = bitbucket.APIToken
				}
				t.q = m.newInquiry(subject{token: t.secret, kind: kind, email: t.email}, t.repository)
				t.q.conduct(ctx, m.process, client, err)
				t.conclude()
				if causes := t.q.verdict.Causes; t.state == stateUnknown && len(causes) > 0 {
					switch causes[0] {
					case bitbucket.CauseRateLimit, bitbucket.CauseUnreachable, bitbucket.CauseOutage:
						mu.Lock()
						stop = cmp.Or(t.q.trouble, t.q.doubts())
						t.doubt = notAsked
						mu.Unlock()
					}
				}
			}
		})
	}
	for n, t := range tokens {
		if n >= inquiriesMost {
			t.doubt = "there are more tokens than are asked about at once"
			continue
		}
		queue <- t
	}
	close(queue)
	wait.Wait()
	if stop != "" {
		m.offline = true
		m.say(asWarning, "Bitbucket could not tell whether every token is alive: %s", stop)
	}
}

// conclude reads the verdict.
func (t *looseToken) conclude() {
	switch t.q.verdict.Life {
	case bitbucket.Alive:
		t.state, t.kind = stateLive, t.q.verdict.Kind
	case bitbucket.Dead:
		t.state = stateDead
	case bitbucket.Refused:
		t.doubt = "Bitbucket refuses it, and that may have another reason than its end"
	default:
		t.doubt = t.q.doubts()
	}
}

// unsure reports whether only a person can say whether it may go. What the store has too
// may go, alive or not.
func (i *item) unsure() bool { return i.state() == stateUnknown && i.token.holder == "" }

// state is the item's.
func (i *item) state() string {
	if i.token == nil {
		return stateNameOnly
	}
	return i.token.state
}
