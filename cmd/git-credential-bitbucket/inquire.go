package main

import (
	"context"
	"errors"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// An inquiry is what Bitbucket was asked about a token, and what came of it.
type inquiry struct {
	subject    subject
	repository bitbucket.Repository // zero: none was asked about
	evidence   bitbucket.Evidence
	verdict    bitbucket.Verdict
	trouble    string        // why nobody answered, and what to do; "" if somebody did
	retryAfter time.Duration // that Bitbucket wants
}

// asksMost is how often a door is knocked at that answers 401, which it does now and
// then to a good token (BCLOUD-24107), and asksAgain how long after the last time.
const asksMost = 3

var asksAgain = [asksMost - 1]time.Duration{500 * time.Millisecond, 5 * time.Second}

// inquire asks Bitbucket about the token: REST, where it can be, and git's doors to the
// repository, where one is given. That nobody answers is no error.
func (p *process) inquire(ctx context.Context, s subject, repository bitbucket.Repository) *inquiry {
	q := p.newInquiry(s, repository)
	if s.kind.GitUsername() == "" {
		q.verdict = bitbucket.Judge(q.evidence)
		return q
	}
	client, notes, err := p.client(ctx)
	for _, note := range notes {
		p.say(asWarning, "%s; %s", note.text, note.remedy)
	}
	q.conduct(ctx, p, client, err)
	return q
}

// newInquiry asks nobody yet.
func (p *process) newInquiry(s subject, repository bitbucket.Repository) *inquiry {
	q := &inquiry{subject: s, repository: repository}
	q.recall(p)
	return q
}

// conduct asks and judges. The error is what keeps the client from being had.
func (q *inquiry) conduct(ctx context.Context, p *process, client *bitbucket.Client, err error) {
	if err != nil {
		q.unreachable(err)
		q.verdict = bitbucket.Judge(q.evidence)
		return
	}
	q.askREST(ctx, p, client)
	if q.repository != (bitbucket.Repository{}) {
		q.evidence.AskedGit = true
		q.askGit(ctx, p, client)
	}
	q.verdict = bitbucket.Judge(q.evidence)
}

// unreachable notes why nobody answered, and what to do.
func (q *inquiry) unreachable(err error) {
	text, remedy := whyUnreachable(err)
	q.trouble = text + "; " + remedy
}

// recall fills in what was observed of the token before.
func (q *inquiry) recall(p *process) {
	s, now := q.subject, p.now()
	q.evidence.Kind, q.evidence.Email = s.kind, s.email
	log := p.observations().Read(s.token.Fingerprint())
	health := log.Health(q.repository.Workspace, now)
	q.evidence.Worked, q.evidence.WorkedHere = !health.LastSuccess.IsZero(), health.Worked
	q.evidence.Expired = !s.account.Expires.IsZero() && !now.Before(s.account.Expires)
	for _, e := range log {
		if e.What == store.EventVerified && e.Note == s.email {
			q.evidence.Proven = true
		}
	}
}

func (q *inquiry) askREST(ctx context.Context, p *process, client *bitbucket.Client) {
	login := q.subject.login()
	q.evidence.User = q.ask(ctx, p, asksMost, func() (bitbucket.Reply, error) { return client.User(ctx, login) })
	refused := q.evidence.User == nil || q.evidence.User.Answer == bitbucket.AnswerRefused
	if login.Kind != bitbucket.APIToken || !refused || bitbucket.KindOf(login.Token) != bitbucket.UnknownKind {
		return
	}
	// Nothing but a guess makes an API token of it.
	login.Kind = bitbucket.AccessToken
	q.evidence.Bearer = q.ask(ctx, p, 1, func() (bitbucket.Reply, error) { return client.User(ctx, login) })
}

func (q *inquiry) askGit(ctx context.Context, p *process, client *bitbucket.Client) {
	username := bitbucket.Judge(q.evidence).Kind.GitUsername()
	door := func(service bitbucket.Service) func() (bitbucket.Reply, error) {
		return func() (bitbucket.Reply, error) {
			return client.Refs(ctx, username, q.subject.token, q.repository, service)
		}
	}
	most := asksMost
	if user := q.evidence.User; user != nil && user.Answer == bitbucket.AnswerRefused {
		most = 2 // each is a failed login
	}
	q.evidence.Fetch = q.ask(ctx, p, most, door(bitbucket.Fetch))
	if fetch := q.evidence.Fetch; fetch != nil && fetch.Answer != bitbucket.AnswerRefused {
		q.evidence.Push = q.ask(ctx, p, most, door(bitbucket.Push))
	}
}

// ask returns the reply, or nil where none came: a 401 once it came as often as most.
func (q *inquiry) ask(ctx context.Context, p *process, most int, call func() (bitbucket.Reply, error)) *bitbucket.Reply {
	for try := 0; ; try++ {
		reply, err := call()
		switch {
		case errors.Is(err, bitbucket.ErrNoEmail):
			return nil
		case err != nil:
			q.unreachable(err)
			return nil
		}
		q.retryAfter = max(q.retryAfter, reply.RetryAfter)
		if reply.Answer != bitbucket.AnswerRefused || try+1 >= most {
			return &reply
		}
		if p.wait(ctx, asksAgain[try]) != nil {
			return &reply
		}
	}
}

// learn keeps what the inquiry showed: a token that is alive is used again, whatever was
// held against it, and one that is certainly dead is set aside.
func (p *process) learn(q *inquiry) error {
	fingerprint, now := q.subject.token.Fingerprint(), p.now()
	switch q.verdict.Life {
	case bitbucket.Alive:
		q.acquit(p)
	case bitbucket.Dead:
	default:
		return nil
	}
	if q.subject.source != "" {
		return nil
	}
	name, wasAside, wasDead, changed := q.subject.account.Name, false, false, false
	err := p.accounts().Update(func(book *store.Book) error {
		a := book.Account(name)
		if a == nil || a.Fingerprint != fingerprint {
			return nil // replaced meanwhile
		}
		changed, wasAside, wasDead = true, !a.SetAside.IsZero(), a.Dead
		q.mend(a, now)
		return nil
	})
	if err != nil {
		return fail(exitUnusable, "%s", recordTrouble(err))
	}
	hint := q.subject.token.Hint()
	switch {
	case !changed:
	case q.verdict.Life == bitbucket.Dead && !wasDead:
		p.record(wasSetAside, name, "verify", hint+": Bitbucket refused it")
	case q.verdict.Life == bitbucket.Alive && wasAside:
		p.record(wasTakenUp, name, "verify", hint+": Bitbucket takes it")
	}
	return nil
}

// acquit notes that the token is alive: what was held against it counts no more. What
// cannot be noted is asked again the next time.
func (q *inquiry) acquit(p *process) {
	fingerprint, now := q.subject.token.Fingerprint(), p.now()
	seen := p.observations()
	_ = seen.Append(fingerprint, store.Event{At: now, What: store.EventCleared})
	if user := q.evidence.User; user != nil && user.Answer != bitbucket.AnswerRefused {
		_ = seen.Append(fingerprint, store.Event{At: now, What: store.EventVerified, Note: q.subject.email})
	}
	seen.SettledAll(fingerprint, now)
}

// mend brings the account's record up to what was found.
func (q *inquiry) mend(a *store.Account, now time.Time) {
	if q.verdict.Life == bitbucket.Dead {
		if a.SetAside.IsZero() {
			a.SetAside = now
		}
		a.Dead = true
		return
	}
	a.SetAside, a.Dead = time.Time{}, false
	a.Kind = string(q.verdict.Kind)
	if q.verdict.Scopes != nil {
		a.Scopes = joinScopes(q.verdict.Scopes)
	}
}
