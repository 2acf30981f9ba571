package main

import (
	"context"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// approve asks Bitbucket about a token before it is stored as account a's, and returns
// the account with what Bitbucket told of it, and whether that is that the token is
// alive. A token that REST refuses is a failure; so is, if sure is wanted, one of which
// nothing can be learned.
func (p *process) approve(ctx context.Context, a store.Account, token secret.Secret, sure bool) (approved store.Account, alive bool, err error) {
	at, err := p.at(ctx, "")
	if err != nil {
		return a, false, err
	}
	q := p.inquire(ctx, newSubject(a, token), at.repository)
	switch life := q.verdict.Life; {
	case life == bitbucket.Alive:
		a.Kind = string(q.verdict.Kind)
		a.Scopes = joinScopes(q.verdict.Scopes)
		q.acquit(p)
		p.sayApproved(q)
		return a, true, nil
	case !sure && (life == bitbucket.Unknown || q.evidence.User == nil):
		if life == bitbucket.Refused {
			p.say(asWarning, "Bitbucket refused the token %s for %s, where you are: %s; to check it elsewhere: %s", token.Hint(), q.repository, q.doubts(), verifyCommand(a, ""))
			return a, false, nil
		}
		p.say(asNote, "the token %s was not checked: %s; to check it: %s", token.Hint(), q.doubts(), verifyCommand(a, ""))
		return a, false, nil
	}
	row := rowOf(q.verdict.Causes[0])
	remedy := p.remedyOf(row, q.concern())
	switch {
	case row.cause == bitbucket.CauseNoEmail:
		remedy = "give it with --email"
	case slices.Contains(q.verdict.Causes, bitbucket.CauseRESTEmail):
		remedy = "give the right e-mail with --email, or " + remedy
	}
	return a, false, fail(row.status, "the token %s was not taken: %s; %s; or take it unchecked with --no-verify", token.Hint(), q.doubts(), remedy)
}

// doubts is all that may be wrong with the token.
func (q *inquiry) doubts() string {
	var all []string
	for _, cause := range q.verdict.Causes {
		all = append(all, q.means(rowOf(cause)))
	}
	return strings.Join(all, ", or ")
}

// sayApproved says what Bitbucket told of a token that is alive.
func (p *process) sayApproved(q *inquiry) {
	text := "checked with Bitbucket: the token " + q.subject.token.Hint() + " is alive"
	if user := q.evidence.User; user != nil && user.User != (bitbucket.User{}) {
		text += " and belongs to " + ownerName(user.User)
	}
	p.say("", "%s", text)
	level := asWarning
	if q.verdict.Usable {
		level = asNote
	}
	for _, cause := range q.verdict.Causes {
		row := rowOf(cause)
		p.say(level, "the token %s: %s; %s", q.subject.token.Hint(), q.means(row), p.remedyOf(row, q.concern()))
	}
}

// joinScopes is how an account's record keeps scopes.
func joinScopes(scopes []string) string {
	var fit []string
	for _, scope := range scopes {
		if scope != "" && !strings.ContainsAny(scope, ", \t\"\\") && oneLine(scope) == scope {
			fit = append(fit, scope)
		}
	}
	return strings.Join(fit, ",")
}
