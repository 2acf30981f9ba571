package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// checkAccounts looks at what is recorded of the accounts; checkBackends asks for their tokens.
func checkAccounts(_ context.Context, e *examination) []finding {
	if e.bookErr != nil {
		return []finding{split(levelProblem, "records-damaged", recordTrouble(e.bookErr))}
	}
	var fs []finding
	if len(e.book.Accounts) == 0 {
		if e.ambient(nil).Name() == "" {
			fs = append(fs, finding{levelProblem, "no-account", "no token is stored, and none comes from the environment", "type: " + e.beginCommand(store.Account{})})
		}
		if named := e.env("BITBUCKET_CREDENTIAL_BACKEND"); named != "" {
			if err := checkBackend(named); err != nil {
				return append(fs, finding{levelProblem, "backend-unknown", "BITBUCKET_CREDENTIAL_BACKEND: " + err.Error(), "unset it"})
			}
			return append(fs, finding{levelOK, "backend", "store would use " + backendName(named) + ", as BITBUCKET_CREDENTIAL_BACKEND says", ""})
		}
		choice, err := e.choice()
		if err != nil {
			return append(fs, finding{levelProblem, "backend-none", "there is no place to store a token in", "set HOME"})
		}
		text := "store would use " + backendName(choice.Backend)
		for _, passed := range choice.Passed {
			var why *store.BackendError
			if errors.As(passed, &why) {
				text += fmt.Sprintf(", since %s cannot be used (%s)", backendName(why.Backend), detail(why))
			}
		}
		return append(fs, finding{levelOK, "backend", text, ""})
	}
	for _, a := range e.book.Accounts {
		fs = append(fs, e.accountFindings(a)...)
	}
	return append(fs, e.choiceFindings()...)
}

// choiceFindings says where no account would serve, though there are some.
func (e *examination) choiceFindings() []finding {
	if e.env("BITBUCKET_ACCOUNT") != "" || e.ambient(nil).Name() != "" {
		return nil // checkSource speaks of these
	}
	snapshot, err := e.accounts().Read()
	if err != nil {
		return nil
	}
	request := helper.Request{Path: e.path, Username: e.username}
	var ambiguous *store.AmbiguousError
	if _, _, err := snapshot.Which(store.Query{Workspace: request.Workspace(), Username: request.Username}); !errors.As(err, &ambiguous) {
		return nil
	}
	return []finding{{levelProblem, "account-unchosen", "no account is chosen among " + listed(ambiguous.Names),
		choiceRemedy(request.Workspace())}}
}

// soon is how long before its end a token is worth a note, as a get has it.
const soon = 30 * day

func (e *examination) accountFindings(a store.Account) []finding {
	if a.Fingerprint == "" {
		return []finding{{levelNote, "store-unfinished", fmt.Sprintf("account %s: a store in %s never came to its end", a.Name, backendName(a.Backend)), "type: " + againCommand(a)}}
	}
	var fs []finding
	r := e.accountReport(a)
	again := fmt.Sprintf("make an API token with scopes at %s, then type: %s", bitbucket.TokenPage, storeCommand(a))
	if a.Grant != "" {
		again = "to log in anew, type: " + loginCommand(a)
	}
	switch left := a.Expires.Sub(e.now()); {
	case helper.Renewable(a):
		if renewal := e.renewalReport(a); renewal != nil && renewal.Trouble != string(helper.Unreachable) {
			level := levelNote
			if renewal.Dead {
				level = levelProblem
			}
			fs = append(fs, finding{level, "token-not-renewed", fmt.Sprintf("account %s: %s", a.Name, e.renewalText(renewal)), again})
		}
	case a.Expires.IsZero():
	case left <= 0:
		fs = append(fs, finding{levelProblem, "token-expired", fmt.Sprintf("account %s: its token expired on %s%s", a.Name, date(a.Expires), guessed(a)), again})
	case left <= soon:
		fs = append(fs, finding{levelNote, "token-expires", fmt.Sprintf("account %s: its token expires in %s, on %s%s", a.Name, inDays(*r.DaysLeft), date(a.Expires), guessed(a)), again})
	}
	if r.SetAside != nil {
		fs = append(fs, finding{levelProblem, "token-aside", fmt.Sprintf("account %s: its token was set aside at %s", a.Name, e.moment(*r.SetAside)), asideRemedy(a)})
	}
	for _, rejection := range r.Rejections {
		where := inWorkspace(helper.Notice{Workspace: rejection.Workspace})
		text := fmt.Sprintf("account %s: Bitbucket refused its token %s%s, last at %s", a.Name, times(rejection.Count), where, e.moment(rejection.Last))
		level, id := levelNote, "token-refused"
		if rejection.PausedUntil != nil {
			level, id, text = levelProblem, "token-paused", text+"; set aside until "+e.moment(*rejection.PausedUntil)
		}
		fs = append(fs, finding{level, id, text, again})
	}
	for _, s := range r.Silent {
		if s.Count >= helper.SilentUntilNotice {
			repository := ""
			if s.Workspace != "" {
				repository = s.Workspace + "/REPOSITORY"
			}
			fs = append(fs, finding{levelNote, "token-silent", fmt.Sprintf("account %s: git asked for its token %s%s and reported neither success nor refusal: mostly no access to the repository, or a scope that lacks", a.Name, times(s.Count), inWorkspace(helper.Notice{Workspace: s.Workspace})),
				"type: " + verifyCommand(a, repository)})
		}
	}
	if len(fs) == 0 {
		until := ""
		if !a.Expires.IsZero() {
			until = ", until " + date(a.Expires)
		}
		fs = append(fs, finding{levelOK, "account", fmt.Sprintf("account %s: %s%s", a.Name, bitbucket.Kind(a.Kind), until), ""})
	}
	return fs
}

// gpgOptions are what pass(1) hands to gpg.
const gpgOptions = "PASSWORD_STORE_GPG_OPTS"

// quietVault reads tokens without a dialog.
func (p *process) quietVault() *store.Vault {
	return store.NewVault(func(name string) (store.Backend, error) {
		if name == store.BackendPass {
			dropSecrets()
			// Without it gpg's agent may still ask in a window.
			_ = os.Setenv(gpgOptions, strings.TrimSpace(p.env(gpgOptions)+" --pinentry-mode=cancel"))
		}
		return store.Open(name, p.quietConfig())
	})
}

// checkBackends asks each account's backend for its token, as a get would where nobody
// can answer a dialog. Where a backend gives nothing at all, one account stands for the others.
func checkBackends(ctx context.Context, e *examination) []finding {
	vault := e.quietVault()
	results := map[string]chan []finding{}
	var order []string
	for _, a := range e.book.Accounts {
		if a.Fingerprint != "" && results[a.Backend] == nil {
			results[a.Backend] = make(chan []finding, 1)
			order = append(order, a.Backend)
		}
	}
	for _, backend := range order {
		go func() {
			var fs []finding
			for _, a := range e.book.Accounts {
				if a.Fingerprint == "" || a.Backend != backend {
					continue
				}
				f, usable := e.tokenFinding(ctx, vault, a)
				if fs = append(fs, f); !usable {
					break
				}
			}
			results[backend] <- fs
		}()
	}
	var all []finding
	for _, backend := range order {
		select {
		case fs := <-results[backend]:
			all = append(all, fs...)
		case <-ctx.Done():
			all = append(all, finding{levelNote, "backend-unfinished", backendName(backend) + " has more tokens than were read in time", "type: git-credential-bitbucket doctor"})
		}
	}
	return all
}

// tokenFinding reads the account's token, and reports whether the backend gives any.
func (e *examination) tokenFinding(ctx context.Context, vault *store.Vault, a store.Account) (f finding, usable bool) {
	began := time.Now()
	token, err := vault.Get(ctx, a.Backend, a.Name)
	took := time.Since(began)
	place := backendName(a.Backend)
	switch {
	case err == nil && token.Fingerprint() != a.Fingerprint:
		return finding{levelProblem, "token-other", fmt.Sprintf("account %s: %s holds another token than the one that was stored", a.Name, place), "type: " + againCommand(a)}, true
	case err == nil && bitbucket.Printable(token) != nil:
		return split(levelProblem, "token-broken", e.whyUnusable(bitbucket.ErrBrokenToken, a)), true
	case err == nil:
		return finding{levelOK, "backend", fmt.Sprintf("account %s: %s gave its token in %s", a.Name, place, milliseconds(took)), ""}, true
	case errors.Is(err, store.ErrNotFound):
		return finding{levelProblem, "backend-empty", fmt.Sprintf("account %s: %s can be used, and holds no token for it", a.Name, place), "type: " + againCommand(a)}, true
	}
	var failed *store.BackendError
	id := "backend-failed"
	for _, known := range []struct {
		err error
		id  string
	}{
		{store.ErrLocked, "backend-locked"}, {store.ErrAbsent, "backend-absent"},
		{store.ErrRefused, "backend-refused"}, {store.ErrDamaged, "backend-damaged"}, {store.ErrTimeout, "backend-silent"},
	} {
		if errors.As(err, &failed) && errors.Is(err, known.err) {
			id = known.id
			break
		}
	}
	f = split(levelProblem, id, e.whyUnusable(err, a))
	f.Text = fmt.Sprintf("account %s: %s", a.Name, f.Text)
	return f, a.Backend == store.BackendFile || errors.Is(err, store.ErrDamaged)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", cmp.Or(d.Round(time.Millisecond).Milliseconds(), 1))
}

// split makes a finding of a line that ends in its remedy.
func split(level, id, line string) finding {
	i := strings.LastIndex(line, "; ")
	if i < 0 {
		return finding{level, id, line, ""}
	}
	return finding{level, id, line[:i], line[i+2:]}
}
