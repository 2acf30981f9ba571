package main

import (
	"fmt"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// expiringUntil is the moment up to which --expiring looks.
func (p *process) expiringUntil(text string) (time.Time, error) {
	until, err := parseWhen(text, p.now())
	switch {
	case err != nil:
		return until, fail(exitUsage, "%v; type: git-credential-bitbucket status --expiring 30d", err)
	case until.Before(p.now()):
		return until, fail(exitUsage, "%s has passed; type: git-credential-bitbucket status --expiring 30d", date(until))
	}
	return until, nil
}

// due names the accounts whose token has expired, or will have until then. A guessed date
// counts: whoever guesses wrong is told early. A login's token lives for hours and is
// mostly renewed without anybody: it is due where that is not so, or no more.
func (s statusReport) due(until time.Time) []string {
	names := []string{}
	for _, a := range s.Accounts {
		if a.dead() || a.dated() && a.Expires != nil && !a.Expires.After(until) {
			names = append(names, a.Name)
		}
	}
	return names
}

// dated reports whether the account holds a token whose date a person has to watch.
func (a accountReport) dated() bool {
	return a.Token != "" && (a.Kind != string(bitbucket.OAuthToken) || a.unrenewed())
}

// unrenewed reports whether the account logged in by a grant that renews nothing.
func (a accountReport) unrenewed() bool {
	return a.grantReport != nil && !a.Renewed && a.Expires != nil
}

// dead reports whether only a new login gets the account another token.
func (a accountReport) dead() bool { return a.Renewal != nil && a.Renewal.Dead }

// printDue prints a line per account that is due, and what cannot be known as notes.
func (p *process) printDue(s statusReport, until time.Time) {
	out := &strings.Builder{}
	for _, a := range s.Accounts {
		account := store.Account{Name: a.Name, Certain: a.Expiry == "certain", Guessed: a.Expiry == "guessed"}
		switch {
		case a.dead():
			fmt.Fprintf(out, "account %s: %s; to log in anew, type: %s\n", a.Name, p.renewalText(a.Renewal), loginCommand(a.record()))
		case !a.dated():
		case a.Expires == nil:
			p.say(asNote, "nobody gave the date on which the token %s of account %s expires; to record it, type: %s --expires WHEN", a.Token, a.Name, storeCommand(account))
		case a.Expires.After(until):
		case a.unrenewed():
			fmt.Fprintf(out, "account %s: the token %s %s at %s, and is not renewed; to log in anew, type: %s\n",
				a.Name, oneLine(a.Token), p.expires(*a.Expires), p.moment(*a.Expires), loginCommand(a.record()))
		case *a.DaysLeft <= 0:
			fmt.Fprintf(out, "account %s: the token %s expired on %s%s; %s, then type: %s\n",
				a.Name, oneLine(a.Token), date(*a.Expires), guessed(account), newToken, rotateCommand(account))
		default:
			fmt.Fprintf(out, "account %s: the token %s expires in %s, on %s%s; %s, then type: %s\n",
				a.Name, oneLine(a.Token), inDays(*a.DaysLeft), date(*a.Expires), guessed(account), newToken, rotateCommand(account))
		}
	}
	if s.Source.Name != storedSource {
		p.say(asNote, "the token from %s is in use, and the date on which it expires is unknown", s.Source.Name)
	}
	if out.Len() == 0 {
		fmt.Fprintf(out, "nothing expires within %s\n", inDays(wholeDays(until.Sub(p.now()))))
	}
	fmt.Fprint(p.stdout, out.String())
}

// expires is the verb for an end that is to come or has passed.
func (p *process) expires(at time.Time) string {
	if p.now().Before(at) {
		return "expires"
	}
	return "expired"
}

const newToken = "make an API token with scopes at " + bitbucket.TokenPage
