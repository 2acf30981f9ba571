package helper

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// promptLife is how long after an unanswered get a token typed at git's prompt is
// still expected.
const promptLife = 10 * time.Minute

// A holder is where a password that git names is known from. Nothing but the password
// finds it: neither the username nor the default does.
type holder struct {
	Account store.Account // zero for an ambient source
	Source  string
	Known   bool
}

// holder looks the password up among accounts, ambient sources that need no command,
// and observations, in this order.
func (h *Helper) holder(password secret.Secret) (holder, error) {
	accounts, err := h.Accounts.Read()
	if err == nil {
		account, found, findErr := accounts.ByFingerprint(password.Fingerprint())
		if found {
			return holder{Account: account, Known: true}, nil
		}
		err = findErr
	}
	if h.Ambient.Holds(password) {
		return holder{Source: h.Ambient.Name(), Known: true}, nil
	}
	if h.Seen.Known(password.Fingerprint()) {
		return holder{Source: h.Ambient.Name(), Known: true}, nil
	}
	return holder{}, err
}

// Store takes git's word that a credential worked. A password of ours is noted as
// healthy: where rejections are cleared by it, and for an account once a day and workspace. Any other is ignored, but for one that a person has just typed at git's
// prompt because we had none.
func (h *Helper) Store(ctx context.Context, in io.Reader) Outcome {
	message, err := Decode(in)
	if err != nil {
		return Done
	}
	request := message.Request()
	if !request.Ours() || request.Relayed || request.Password.IsZero() {
		return Done
	}
	held, err := h.holder(request.Password)
	if err != nil {
		return Done
	}
	if !held.Known || !held.Account.SetAside.IsZero() {
		return h.adopt(ctx, request)
	}
	key, now, workspace := request.Password.Fingerprint(), h.Now(), request.Workspace()
	h.settle(key, workspace, now)
	log := h.Seen.Read(key)
	last := lastSuccess(log, workspace)
	daily := last.After(now) || now.Sub(last) >= day
	if held.Account.Name != "" && daily || log.Health(workspace, now).Bursts > 0 {
		h.note(key, store.Event{What: store.EventSucceeded, Workspace: workspace})
	}
	return Done
}

// lastSuccess is when the token was last seen to work in the workspace, or the zero
// time.
func lastSuccess(log store.Log, workspace string) (at time.Time) {
	for _, e := range log {
		if e.What == store.EventSucceeded && bitbucket.EqualASCII(e.Workspace, workspace) {
			at = e.At
		}
	}
	return at
}

// adopt keeps a token that a person typed at git's prompt. git prompts only after our
// own get gave no password, so that a get of the same git process must have done so
// within promptLife; a password in a repository's URL, or from a process that began
// before a rotation, comes without it. Another helper in git's list could have
// answered instead of the person: then nothing is kept.
func (h *Helper) adopt(ctx context.Context, request Request) Outcome {
	if h.Caller.CI || !h.Person() || h.Ambient.Name() != "" || request.Username != bitbucket.APIToken.GitUsername() {
		return Done
	}
	account, err := h.which(request)
	if err != nil && !errors.Is(err, store.ErrNoAccounts) {
		return Done
	}
	now := h.Now()
	if !marked(h.Seen.Read(asked(account.Name)), h.Parents(), now) || !h.Alone(ctx) {
		return Done
	}
	if token, err := h.stored(ctx, account); !token.IsZero() || err != nil && !errors.Is(err, store.ErrNotFound) {
		return Done
	}
	kind := bitbucket.KindOf(request.Password)
	switch kind {
	case bitbucket.AppPassword:
		h.Say(Notice{What: NotAdoptedDead})
		return NoCredential
	case bitbucket.UnknownKind:
		kind = bitbucket.APIToken
	}
	if bitbucket.Printable(request.Password) != nil {
		return Done
	}
	account.Kind, account.Created = string(kind), now
	account.Expires, account.Certain, account.Guessed, account.SetAside = time.Time{}, false, false, time.Time{}
	account.Dead, account.Scopes, account.Issued = false, "", time.Time{}
	kept, err := h.Adopt(ctx, account, request.Password)
	if err != nil {
		h.Say(Notice{What: NotAdopted, Account: account, Err: err})
		return SourceFailed
	}
	h.Say(Notice{What: Adopted, Account: kept, Kind: kind})
	h.note(request.Password.Fingerprint(), store.Event{What: store.EventSucceeded, Workspace: request.Workspace()})
	return Done
}

// Erase takes git's word that a credential was refused. Nothing is deleted: a 401 can
// come by chance, or mean this repository alone, so that it counts as evidence. git
// always names the password that failed; a request without one is a person's
// `git credential reject`, and sets the account aside.
func (h *Helper) Erase(_ context.Context, in io.Reader) Outcome {
	message, err := Decode(in)
	if err != nil {
		return Done
	}
	request := message.Request()
	switch {
	case !request.Ours(), request.Relayed:
		return Done
	case request.Password.IsZero():
		if _, sent := message.Last("password"); sent {
			return Done
		}
		return h.setAside(request)
	}
	h.drop(request.Password)
	held, err := h.holder(request.Password)
	if err != nil {
		return Done
	}
	if !held.Known {
		h.foreign(request)
		return Done
	}
	key, now, workspace := request.Password.Fingerprint(), h.Now(), request.Workspace()
	h.settle(key, workspace, now)
	log := h.Seen.Read(key)
	lost := h.note(key, store.Event{What: store.EventRejected, Workspace: workspace})
	if !h.Seen.Claim(key+"/rejected."+workspace, burst, now) {
		return Done
	}
	n := Notice{
		What: Rejected, Account: held.Account, Source: held.Source, Workspace: workspace, Repository: request.Repository(), At: now,
		Kind: bitbucket.KindOf(request.Password), Cause: cause(held.Account, log, workspace, now),
	}
	health := h.Seen.Read(key).Health(workspace, now)
	n.Count, n.Until = Pause(health, hasExpired(held.Account, now))
	_, n.Renews = Due(held.Account, health, now)
	h.Say(n)
	if !n.Renews && (n.Cause == CauseOther || n.Cause == CauseNew) {
		h.offer(n, now) // it may be alive, and have no access
	}
	if lost != nil {
		h.Say(Notice{What: RejectionLost, Err: lost})
	}
	return Done
}

func (h *Helper) drop(token secret.Secret) {
	if h.Drop != nil {
		h.Drop(token)
	}
}

// cause reads from what is known what a rejection most likely means.
func cause(account store.Account, log store.Log, workspace string, now time.Time) Cause {
	if hasExpired(account, now) {
		return CauseExpired
	}
	health := log.Health(workspace, now)
	if health.LastSuccess.IsZero() {
		if !health.Cleared.IsZero() {
			return CauseOther
		}
		if account.Name == "" {
			return CauseUnknown
		}
		return CauseNew
	}
	if workspace != "" && lastSuccess(log, workspace).IsZero() {
		return CauseOther
	}
	return CauseWorked
}

// foreign speaks of a rejected credential that is none of ours only where it shows a
// mistake that we know.
func (h *Helper) foreign(request Request) {
	switch {
	case bitbucket.KindOf(request.Password) == bitbucket.AppPassword:
		h.Say(Notice{What: PasswordRejected})
	case strings.Contains(request.Username, "@"):
		h.Say(Notice{What: EmailRejected})
	}
}

func (h *Helper) setAside(request Request) Outcome {
	if h.Named == "" && h.Ambient.Name() != "" {
		h.drop(secret.Secret{})
		h.Say(Notice{What: NoAsideAmbient, Source: h.Ambient.Name()})
		return Done
	}
	account, err := h.which(request)
	if err != nil || account.Fingerprint == "" || !account.SetAside.IsZero() {
		return Done
	}
	now := h.Now()
	err = h.Accounts.Update(func(book *store.Book) error {
		if a := book.Account(account.Name); a != nil && a.Fingerprint == account.Fingerprint {
			a.SetAside = now
		}
		return nil
	})
	if err != nil {
		h.Say(Notice{What: RecordsUnusable, Err: err})
		return SourceFailed
	}
	h.Aside(account)
	h.Say(Notice{What: SetAsideNow, Account: account, At: now})
	return Done
}

// mark writes down which process asked, for marked to compare.
func mark(parents []string) string { return strings.Join(parents, ",") }

// marked reports whether an unanswered get in log, of the last promptLife, came from
// the same git: one process is common to both. git runs a helper through a shell,
// which may or may not stand between the two.
func marked(log store.Log, parents []string, now time.Time) bool {
	return slices.ContainsFunc(log, func(e store.Event) bool {
		if age := now.Sub(e.At); e.What != store.EventUnanswered || age < 0 || age > promptLife {
			return false
		}
		return slices.ContainsFunc(strings.Split(e.Note, ","), func(id string) bool {
			return id != "" && slices.Contains(parents, id)
		})
	})
}
