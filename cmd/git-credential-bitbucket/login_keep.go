package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// keep asks Bitbucket about the token, stores it, and says what is stored.
func (l *loginSession) keep(ctx context.Context, grant bitbucket.Grant) error {
	a := l.account(grant)
	alive := false
	if !l.flags.noVerify {
		var err error
		told := a
		if told, alive, err = l.approve(ctx, a, grant.Access, false); err != nil {
			return err
		}
		if told.Scopes != "" {
			a.Scopes = told.Scopes
		}
	}
	l.sayScopes(a, alive)
	kept, err := l.keepGrant(ctx, a, l.state, grant)
	if err != nil {
		return l.backendFailure(err, a)
	}
	if !alive {
		// The person vouches for it: what was held against it counts no more.
		l.observations().Forget(kept.Fingerprint)
	}
	l.saidLogin(kept, grant)
	l.sayNotInstalled(ctx)
	l.dropStalePrevious(ctx)
	return nil
}

// account is the account's record with the new token.
func (l *loginSession) account(grant bitbucket.Grant) store.Account {
	a := l.before
	a.Kind, a.Grant, a.Asked = string(bitbucket.OAuthToken), l.flags.grant, l.flags.scopes
	a.Created, a.SetAside, a.Dead = l.now(), time.Time{}, false
	a.Expires, a.Certain, a.Guessed = grant.Expires, true, false
	a.Scopes = joinScopes(grant.Scopes)
	if l.flags.backend != "" {
		a.Backend = l.flags.backend
	}
	return a
}

// sayScopes names the scopes that were asked for in vain, and, where no check did so, what
// git will lack.
func (l *loginSession) sayScopes(a store.Account, checked bool) {
	if missing := missingScopes(a); len(missing) > 0 {
		l.say(asWarning, "Bitbucket did not grant the scope %s, which you asked for; tick it at the consumer, then type: %s", strings.Join(missing, ", "), l.again())
	}
	if checked || a.Scopes == "" {
		return
	}
	if read, push := bitbucket.Missing(bitbucket.OAuthToken, strings.Split(a.Scopes, ",")); len(read) > 0 || len(push) > 0 {
		l.say(asWarning, "the token lacks the scope %s; %s", lacking(read, push), scopeRemedy(a, l.again("scopes")))
	}
}

// missingScopes are those that were asked for and not granted, as far as told.
func missingScopes(a store.Account) []string {
	if a.Scopes == "" || a.Asked == "" {
		return nil
	}
	has := strings.Split(a.Scopes, ",")
	return slices.DeleteFunc(strings.Split(a.Asked, ","), func(scope string) bool {
		return slices.Contains(has, scope) || scope == "repository" && slices.Contains(has, "repository:write")
	})
}

// lacking says which scopes are missing, and for what.
func lacking(read, push []string) string {
	if len(read) > 0 {
		return fmt.Sprintf("%s for clone and fetch", strings.Join(read, ", "))
	}
	return fmt.Sprintf("%s for push", strings.Join(push, ", "))
}

// consumerRemedy is how a log-in gets more scopes: it does not ask for those alone that it
// has, or the consumer's others would never come.
func consumerRemedy(a store.Account) string {
	a.Asked = ""
	return scopeRemedy(a, loginCommand(a))
}

func scopeRemedy(a store.Account, command string) string {
	if a.Grant == store.GrantJWT {
		return "give the app that scope, then type: " + command
	}
	return "tick Repositories: Read and Write at the consumer, then type: " + command
}

func (l *loginSession) saidLogin(a store.Account, grant bitbucket.Grant) {
	where := backendName(a.Backend)
	if l.flags.backend == "" && l.before.Backend == "" {
		where += " (the best that there is here)"
	}
	l.say("", "logged in: stored the OAuth access token %s as account %s in %s; it lives until %s, %s", a.Hint, a.Name, where, l.moment(a.Expires), l.renewal(a, grant))
	if a.Backend == store.BackendFile {
		l.sayFileLock(a.Name)
	}
	if source := l.ambient(nil).Name(); source != "" {
		l.say(asNote, "%s is set and wins over stored accounts; unset it, or set BITBUCKET_ACCOUNT=%s", source, a.Name)
	}
}

// renewal says what becomes of the log-in when the access token ends.
func (l *loginSession) renewal(a store.Account, grant bitbucket.Grant) string {
	switch {
	case a.Grant == store.GrantClientCredentials || a.Grant == store.GrantJWT:
		return "and another is asked for by itself"
	case a.Grant == store.GrantImplicit:
		return "and is not renewed, since --grant implicit gives no refresh token; after that type: " + l.again("client-id") + " --client-id " + shellWord(l.state.Consumer.ID)
	case grant.Refresh.IsZero():
		return "and is not renewed, since Bitbucket gave no refresh token; after that type: " + l.again()
	}
	return "and is renewed by itself, as long as git uses it once in 3 months"
}

// revokeGrant is how the log-in itself is taken back.
func revokeGrant(a store.Account) string {
	switch a.Grant {
	case store.GrantClientCredentials:
		return "the consumer stays able to log in until it is deleted in Workspace settings → OAuth consumers"
	case store.GrantJWT:
		return "the app stays able to log in until it is uninstalled in Workspace settings → Installed apps"
	}
	return "what you granted stays valid until you revoke it at " + grantsPage
}
