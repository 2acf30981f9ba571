package main

import (
	"cmp"
	"context"
	"io"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// identify finds the consumer or the app, from the flags, the environment, the last
// login, or the terminal.
func (l *loginSession) identify(ctx context.Context) error {
	l.state.Grant = l.flags.grant
	last := l.lastState(ctx)
	if l.flags.grant == store.GrantJWT {
		return l.identifyApp(last)
	}
	id := cmp.Or(l.flags.clientID, strings.TrimSpace(l.env(clientVariable)), last.Consumer.ID)
	if id == last.Consumer.ID {
		l.sameCallback(last)
	}
	if l.inBrowser() {
		l.state.Port, l.state.Path = l.flags.port, l.flags.path
	}
	if id == "" {
		if l.terminal == nil {
			return fail(exitUsage, "the consumer's key is missing; give it with --client-id, or set %s", clientVariable)
		}
		l.terminal.print("%s", consumerAdvice(l.callback()))
		var err error
		if id, err = l.askKey("Key of the consumer: "); err != nil {
			return err
		}
	}
	if !plausibleKey(id) {
		return fail(exitUsage, "what %s holds is no consumer's key; copy it again from Bitbucket", clientVariable)
	}
	l.state.Consumer.ID = id
	if l.flags.grant == store.GrantImplicit {
		return nil
	}
	known := secret.Secret{}
	if id == last.Consumer.ID {
		known = last.Consumer.Secret
	}
	var err error
	l.state.Consumer.Secret, err = l.findSecret("the consumer's secret", "Secret of the consumer (it is not shown): ", known)
	return err
}

// sameCallback takes the last login's callback URL, which the consumer has, where no flag
// names another.
func (l *loginSession) sameCallback(last oauthState) {
	given := func(name string) bool { return l.flags.typed != nil && l.flags.typed.Changed(name) }
	if !given("port") && last.Port > 0 && last.Port < 1<<16 {
		l.flags.port = last.Port
	}
	if !given("path") && plainPath(last.Path) {
		l.flags.path = last.Path
	}
}

func (l *loginSession) identifyApp(last oauthState) error {
	app := bitbucket.App{Key: cmp.Or(l.flags.appKey, last.App.Key), ClientKey: cmp.Or(l.flags.clientKey, last.App.ClientKey)}
	for _, key := range []struct {
		to             *string
		flag, question string
	}{{&app.Key, "--app-key", "Key of the app: "}, {&app.ClientKey, "--client-key", "Client key of the app: "}} {
		switch {
		case *key.to != "":
		case l.terminal == nil:
			return fail(exitUsage, "--grant jwt wants the app's keys; give them with --app-key and --client-key")
		default:
			var err error
			if *key.to, err = l.askKey(key.question); err != nil {
				return err
			}
		}
	}
	known := secret.Secret{}
	if app.Key == last.App.Key && app.ClientKey == last.App.ClientKey {
		known = last.App.SharedSecret
	}
	var err error
	app.SharedSecret, err = l.findSecret("the app's shared secret", "Shared secret of the app (it is not shown): ", known)
	l.state.App = app
	return err
}

// askKey asks until it gets what can be a key.
func (l *loginSession) askKey(question string) (string, error) {
	for try := 1; ; try++ {
		key, err := l.terminal.ask(question)
		switch {
		case err != nil:
			return "", stopped(err)
		case plausibleKey(key):
			return key, nil
		case try == tries:
			return "", fail(exitUsage, "no key was given; copy it from Workspace settings → OAuth consumers at https://%s", bitbucket.Host)
		}
		l.terminal.print("  that is no key\n")
	}
}

// findSecret takes the secret from standard input if the flag says so, else from the
// environment, else the known one, else asks for it. What is for people.
func (l *loginSession) findSecret(what, question string, known secret.Secret) (secret.Secret, error) {
	if l.flags.secretStdin {
		data, err := io.ReadAll(io.LimitReader(l.stdin, bitbucket.MaxToken+1))
		if err != nil {
			return secret.Secret{}, fail(exitFailed, "%s could not be read: %v", what, cause(err))
		}
		given := secret.New(strings.TrimSpace(string(data)))
		if bitbucket.Printable(given) != nil || given.IsZero() {
			return secret.Secret{}, fail(exitUsage, "standard input holds no secret in one line; give it %s", what)
		}
		return given, nil
	}
	switch given, err := l.clientSecret(); {
	case err != nil:
		return given, fail(exitUnusable, "%s", l.whyUnusable(err, store.Account{}))
	case !given.IsZero():
		return given, nil
	case !known.IsZero():
		return known, nil
	case l.terminal == nil:
		return given, fail(exitUsage, "%s is missing; give it to --secret-stdin on standard input, or set %s", what, clientSecretVariable)
	}
	for try := 1; ; try++ {
		given, err := l.terminal.askSecret(question)
		switch {
		case err != nil:
			return given, stopped(err)
		case !given.IsZero() && bitbucket.Printable(given) == nil:
			return given, nil
		case try == tries:
			return given, fail(exitUsage, "no secret was given; copy it again from Bitbucket")
		}
		l.terminal.print("  that is no secret: it is empty, or has a blank in it\n")
	}
}

// lastState is what the account logged in with before. One that cannot be read is as good
// as none: the person is asked.
func (l *loginSession) lastState(ctx context.Context) oauthState {
	if l.before.Grant == "" || l.before.Fingerprint == "" {
		return oauthState{}
	}
	state, err := l.readState(ctx, l.before)
	if err != nil {
		return oauthState{}
	}
	return state
}
