package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// usualCallback is the callback URL that a consumer is made with.
const usualCallback = "http://127.0.0.1:34117/callback"

// A loginSession is one log-in on its way. Until keep, nothing is changed by it.
type loginSession struct {
	*process
	flags    *loginFlags
	before   store.Account
	terminal *terminal     // nil: nobody can be asked
	browser  bool          // one may be opened
	limit    time.Duration // for the person to grant access
	hint     time.Duration // after which they are told what may be wrong
	granted  bool          // they did, and a code was sent for a token
	state    oauthState
}

func (l *loginSession) close() {
	if l.terminal != nil {
		l.terminal.Close()
	}
}

// meetPerson finds out who can be asked, and refuses at once a grant that takes a person
// where there is none.
func (l *loginSession) meetPerson() error {
	screen := l.hasScreen() && !l.contained()
	l.browser = screen && !l.flags.noBrowser
	caller := l.caller()
	if !caller.CI && !caller.PromptsOff && !caller.QuietFetch {
		l.terminal, _ = openTerminal()
	}
	if l.inBrowser() && l.terminal == nil && !screen {
		return fail(exitUsage, "there is neither a terminal nor a display, and --grant %s takes a person; on a machine without one type: git-credential-bitbucket login --grant client-credentials", l.flags.grant)
	}
	return nil
}

// inBrowser reports whether a person grants the access, in a browser.
func (l *loginSession) inBrowser() bool {
	return l.flags.grant == store.GrantCode || l.flags.grant == store.GrantImplicit
}

func (l *loginSession) callback() string {
	return "http://127.0.0.1:" + strconv.Itoa(l.flags.port) + l.flags.path
}

// again is the command that was typed, for another try, but for those flags.
func (l *loginSession) again(without ...string) string {
	if l.flags.typed == nil {
		return loginCommand(l.before)
	}
	command := "git-credential-bitbucket login"
	l.flags.typed.Visit(func(flag *pflag.Flag) {
		switch value := flag.Value.String(); {
		case slices.Contains(without, flag.Name), value == "false":
		case value == "true" && flag.Value.Type() == "bool":
			command += " --" + flag.Name
		default:
			command += " --" + flag.Name + " " + shellWord(value)
		}
	})
	return command
}

// obtain gets the tokens.
func (l *loginSession) obtain(ctx context.Context, client *bitbucket.Client) (bitbucket.Grant, error) {
	switch l.flags.grant {
	case store.GrantClientCredentials:
		return client.ClientCredentials(ctx, l.state.Consumer, l.scopes())
	case store.GrantJWT:
		return client.AppGrant(ctx, l.state.App, l.scopes())
	}
	return l.byBrowser(ctx, client)
}

// scopes are those to ask for; none asks for all that the consumer has.
func (l *loginSession) scopes() []string {
	return strings.FieldsFunc(l.flags.scopes, func(r rune) bool { return r == ',' })
}

// refused puts into words why there is no token.
func (l *loginSession) refused(err error) error {
	var known *failure
	var refusal *bitbucket.OAuthError
	var away *bitbucket.UnreachableError
	var other *bitbucket.AnswerError
	again := l.again()
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &refusal):
		return l.refusedBy(refusal, again)
	case errors.As(err, &other) && (other.Reply.Answer == bitbucket.AnswerRateLimited || other.Reply.Answer == bitbucket.AnswerOutage):
		return fail(exitUnreachable, "%s; see %s, then type: %s", oneLine(err.Error()), statusPage, again)
	case errors.As(err, &away):
		text, remedy := whyUnreachable(err)
		if l.granted {
			return fail(exitUnreachable, "access was granted, but the token for it did not come: %s; %s; then type: %s", text, remedy, again)
		}
		return fail(exitUnreachable, "%s; %s", text, remedy)
	}
	return fail(exitFailed, "Bitbucket's answer cannot be used: %s; type: %s", oneLine(err.Error()), again)
}

// refusedBy repeats Bitbucket's own words: RFC 6749, sections 4.1.2.1 and 5.2.
func (l *loginSession) refusedBy(refusal *bitbucket.OAuthError, again string) error {
	words := oneLine(refusal.Code)
	if refusal.Description != "" {
		words += " (" + oneLine(refusal.Description) + ")"
	}
	status, remedy := exitFailed, "type: "+again
	switch refusal.Code {
	case "access_denied":
		remedy = "to grant it after all, type: " + again
	case "invalid_client", "unauthorized_client":
		status, remedy = exitNoCredential, "compare the key and the secret with those in Workspace settings → OAuth consumers; if they are right, wait some minutes, for which Bitbucket may refuse them after it refused to renew a login; then type: "+again
		if l.flags.grant == store.GrantJWT {
			remedy = "compare the app's keys and its shared secret with those that it was installed with, and this machine's clock, by which it signs, with the right time; once corrected, type: " + again
		}
	case "invalid_grant":
		status = exitNoCredential
	case "invalid_scope":
		remedy = "leave --scopes away, or tick the permissions at the consumer in Workspace settings → OAuth consumers; then type: " + l.again("scopes")
	case "invalid_request", "redirect_uri_mismatch":
		remedy = "the consumer's Callback URL has to be " + l.callback() + "; correct it in Workspace settings → OAuth consumers, then type: " + again
	case "server_error", "temporarily_unavailable":
		status, remedy = exitUnreachable, "see "+statusPage+", then type: "+again
	}
	return fail(status, "Bitbucket gave no token: %s; %s", words, remedy)
}
