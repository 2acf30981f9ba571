package main

import (
	"context"
	"errors"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// What a pause is told by, where the site is not asked.
var pausedBy = map[helper.Trouble]error{
	helper.DeadGrant:   errors.New("refused by Bitbucket a moment ago"),
	helper.RateLimit:   errors.New("too many requests, says Bitbucket"),
	helper.OddAnswer:   errors.New("answered by Bitbucket with no token a moment ago"),
	helper.Unreachable: errUnreached,
}

var errUnreached = errors.New("no way to Bitbucket was found a moment ago")

// troubleOf is what the error of asking for a token means for whoever asks next, and how
// long the site said to wait. It is none where the site was not asked.
func troubleOf(err error) (trouble helper.Trouble, wait time.Duration, ok bool) {
	var refusal *bitbucket.OAuthError
	var answer *bitbucket.AnswerError
	var away *bitbucket.UnreachableError
	switch {
	case bitbucket.IsDeadGrant(err), errors.Is(err, errNoState):
		return helper.DeadGrant, 0, true
	case errors.As(err, &answer) && answer.Reply.Answer == bitbucket.AnswerRateLimited:
		return helper.RateLimit, answer.Reply.RetryAfter, true
	case errors.As(err, &refusal), errors.As(err, &answer), errors.Is(err, bitbucket.ErrGrant),
		errors.Is(err, bitbucket.ErrTooLarge), errors.Is(err, bitbucket.ErrCutOff):
		return helper.OddAnswer, 0, true
	case errors.As(err, &away):
		return helper.Unreachable, 0, away.Why != bitbucket.WhyInterrupted
	}
	return "", 0, false
}

// pauses returns until when each trouble in that log keeps the site from being asked, be
// it over or not.
func (p *process) pauses(key string) map[helper.Trouble]time.Time {
	log, found := p.observations().Read(key), map[helper.Trouble]time.Time{}
	for _, trouble := range helper.Troubles {
		if until := helper.RenewalPause(trouble, log.Health(string(trouble), p.now())); !until.IsZero() {
			found[trouble] = until
		}
	}
	return found
}

// paused is nil, or why the site is not to be asked now. That it could not be reached
// counts only where a token serves meanwhile.
func (p *process) paused(key string, serves bool) *helper.RenewalError {
	found := p.pauses(key)
	for _, trouble := range helper.Troubles {
		if until := found[trouble]; p.now().Before(until) && (serves || trouble != helper.Unreachable) {
			return &helper.RenewalError{Dead: trouble == helper.DeadGrant, Until: until, Err: pausedBy[trouble]}
		}
	}
	return nil
}

// notePause notes why no token came, and returns that with the pause that follows. First
// tells that nothing of the kind was noted since the last success.
func (p *process) notePause(key string, err error) (why *helper.RenewalError, first bool) {
	why = &helper.RenewalError{Err: err}
	trouble, wait, ok := troubleOf(err)
	if !ok {
		return why, false
	}
	first = p.pauses(key)[trouble].IsZero()
	event := store.Event{At: p.now(), What: store.EventRejected, Workspace: string(trouble)}
	if wait > 0 {
		event.Note = wait.String()
	}
	// If it cannot be noted, the next get asks again.
	_ = p.observations().Append(key, event)
	if trouble != helper.Unreachable {
		why.Dead, why.Until = trouble == helper.DeadGrant, p.pauses(key)[trouble]
	}
	return why, first
}

// A schedule is how long the parts of a renewal may take, each from its beginning.
type schedule struct{ lock, ask, keep time.Duration }

// A token that still lives is given after 20 s at the latest, the reading of it and the
// record's lock included; where there is none, a get ends after 35 s.
var (
	whileItLives = schedule{7 * time.Second, 12 * time.Second, 15 * time.Second}
	onceItEnded  = schedule{renewLimit, 25 * time.Second, 30 * time.Second}
)

// leastAsk is the time that a request for a token is worth being sent with.
const leastAsk = 2 * time.Second

// inTime reports whether there is time enough left for a request.
func inTime(ctx context.Context) bool {
	end, limited := ctx.Deadline()
	return !limited || time.Until(end) >= leastAsk
}

// insist writes what must not be lost, again and again for a second or two: what fails may
// be over in a moment.
func (p *process) insist(ctx context.Context, write func(context.Context) error) error {
	for pause := 100 * time.Millisecond; ; pause *= 3 {
		err := write(ctx)
		if err == nil || pause > time.Second || p.wait(ctx, pause) != nil {
			return err
		}
	}
}
