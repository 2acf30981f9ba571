package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// grants are the ways to a token, as --grant has them.
var grants = []string{store.GrantCode, store.GrantClientCredentials, store.GrantImplicit, store.GrantJWT}

// Where Bitbucket sends the browser, unless the person says otherwise.
const (
	usualPort = 34117
	usualPath = "/callback"
)

var loginRow = row{
	name:  "login",
	short: "Log in with OAuth 2.0 instead of storing a token",
	long: `Log in with OAuth 2.0 instead of storing a token: Bitbucket gives an access token for two
hours, and git gets a new one by itself whenever it needs one.

It takes an OAuth consumer, which is made once, by an admin of a workspace:
  Workspace settings → OAuth consumers → Add consumer
  Callback URL   ` + usualCallback + `
  This is a private consumer: tick it
  Permissions    Account: Read; Repositories: Read (clone, fetch), Write (push)
  Save, then click on its name, which shows its Key and its Secret
Its Key is --client-id or BITBUCKET_OAUTH_CLIENT_ID, or is asked for. Its Secret is asked for
and not shown, or comes from standard input with --secret-stdin, or from
BITBUCKET_OAUTH_CLIENT_SECRET or a file that BITBUCKET_OAUTH_CLIENT_SECRET_FILE names. Both
are kept with the token, as are --port and --path: the next login by that consumer asks for
none of them.

--grant code (the usual one) has you grant access in a browser, which Bitbucket then sends
  to the callback URL, where login waits for it, 5 minutes. Where no browser can be opened (no
  display, over SSH, in a container, --no-browser) open the address elsewhere and paste the one
  that the browser ends at, or forward the port: ssh -L 34117:127.0.0.1:34117 HOST
--grant client-credentials logs in as the consumer itself, without anybody: for CI.
--grant implicit takes no secret; the token is not renewed, and you log in again after it.
--grant jwt logs in as a Connect app, by --app-key, --client-key and its shared secret, which
  comes from where a consumer's secret does.`,
	example: `  git-credential-bitbucket login
  git-credential-bitbucket login --account work --client-id KEY --no-browser
  printf %s "$SECRET" | git-credential-bitbucket login --grant client-credentials --client-id KEY --secret-stdin`,
	exits: []exitStatus{exitFailed, exitNoCredential, exitUnusable, exitUnreachable, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		f := &loginFlags{}
		f.add(c)
		c.RunE = func(c *cobra.Command, _ []string) error {
			f.typed = c.Flags()
			return p.login(c.Context(), f)
		}
	},
}

// loginFlags are those of store's that login has as well, and its own.
type loginFlags struct {
	storeFlags
	grant, clientID, appKey, clientKey, path, scopes string
	port                                             int
	secretStdin, noBrowser                           bool
	typed                                            *pflag.FlagSet // those that were given
}

func (f *loginFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.grant, "grant", "", "the `WAY` to a token: code, client-credentials, implicit, jwt (default: that of the last login, or code)")
	flags.StringVar(&f.account, "account", "", "the account's `NAME` (default \"default\")")
	flags.StringVar(&f.clientID, "client-id", "", "the consumer's `KEY`")
	flags.BoolVar(&f.secretStdin, "secret-stdin", false, "read the consumer's or the app's secret from standard input")
	flags.IntVar(&f.port, "port", usualPort, "the `PORT` of the callback URL; the next login keeps it")
	flags.StringVar(&f.path, "path", usualPath, "the `PATH` of the callback URL; the next login keeps it")
	flags.BoolVar(&f.noBrowser, "no-browser", false, "open no page in a browser")
	flags.StringVar(&f.scopes, "scopes", "", "the `SCOPES` to ask for, with commas between (default: all that the consumer has)")
	flags.StringVar(&f.backend, "backend", "", "`WHERE` to keep it: keyring, file, pass, keyctl")
	flags.StringVar(&f.appKey, "app-key", "", "the Connect app's `KEY`, for --grant jwt")
	flags.StringVar(&f.clientKey, "client-key", "", "the app's client `KEY`, for --grant jwt")
	flags.BoolVar(&f.noVerify, "no-verify", false, "store the token without asking Bitbucket about it")
	refuseSecrets(c)
}

// secretFlags are what people who know other programs give a secret with.
var secretFlags = []string{"secret", "client-secret", "shared-secret", "app-secret"}

// refuseSecrets makes these flags known, so that the refusal tells what to do instead and
// repeats nothing of the secret.
func refuseSecrets(c *cobra.Command) {
	for _, name := range secretFlags {
		c.Flags().String(name, "", "")
		c.Flags().Lookup(name).NoOptDefVal = " "
		_ = c.Flags().MarkHidden(name)
	}
	c.Args = func(c *cobra.Command, words []string) error {
		if slices.ContainsFunc(secretFlags, c.Flags().Changed) {
			return fail(exitUsage, "a secret is never an argument, since others see those; let login ask for it, or give it to --secret-stdin on standard input, or name its file in BITBUCKET_OAUTH_CLIENT_SECRET_FILE; others may have seen this one: make a new one at Bitbucket")
		}
		if len(words) > 0 {
			return fail(exitUsage, "login takes flags only; type: git-credential-bitbucket help login")
		}
		return nil
	}
}

// login gets a token by one of the grants, and stores it.
func (p *process) login(ctx context.Context, f *loginFlags) error {
	before, err := p.checkLogin(f)
	if err != nil {
		return err
	}
	l := &loginSession{process: p, flags: f, before: before, limit: loginLimit, hint: loginHint}
	defer l.close()
	if err := l.meetPerson(); err != nil {
		return err
	}
	if err := l.probeBackend(ctx); err != nil {
		return err
	}
	if err := l.identify(ctx); err != nil {
		return err
	}
	client, notes, err := p.client(ctx)
	for _, note := range notes {
		p.say(asWarning, "%s; %s", note.text, note.remedy)
	}
	if err != nil {
		text, remedy := whyUnreachable(err)
		return fail(exitUnreachable, "%s; %s", text, remedy)
	}
	grant, err := l.obtain(ctx, client)
	if err != nil {
		return l.refused(err)
	}
	return l.keep(ctx, grant)
}

// probeBackend says before anybody grants access that the backend would not take the token.
func (l *loginSession) probeBackend(ctx context.Context) error {
	flags, account := l.flags.storeFlags, l.before
	account.Grant = l.flags.grant
	var err error
	if flags.backend, err = l.chooseBackend(ctx, cmp.Or(flags.backend, account.Backend)); err != nil {
		return l.backendFailure(err, account)
	}
	return l.probe(ctx, &answers{flags: &flags, before: account})
}

// checkLogin refuses flags that make no sense, and returns the account as it is.
func (p *process) checkLogin(f *loginFlags) (store.Account, error) {
	before, err := p.checkStore(&f.storeFlags)
	if err != nil {
		return before, err
	}
	if f.grant == "" {
		f.grant = store.GrantCode
		if slices.Contains(grants, before.Grant) {
			f.grant = before.Grant
		}
		if f.appKey != "" || f.clientKey != "" {
			f.grant = store.GrantJWT
		}
	}
	byApp := f.grant == store.GrantJWT
	switch {
	case !slices.Contains(grants, f.grant):
		return before, fail(exitUsage, "there is no grant %q: it is code, client-credentials, implicit or jwt", oneLine(f.grant))
	case f.port < 1 || f.port > 65535:
		return before, fail(exitUsage, "%d is no port: one is from 1 to 65535; the usual one is %d", f.port, usualPort)
	case !plainPath(f.path):
		return before, fail(exitUsage, "the value of --path is no path of a callback URL; give it as %s", usualPath)
	case byApp && f.clientID != "":
		return before, fail(exitUsage, "--client-id is for a consumer; with --grant jwt an app has --app-key and --client-key")
	case !byApp && (f.appKey != "" || f.clientKey != ""):
		return before, fail(exitUsage, "--app-key and --client-key are for --grant jwt")
	case f.grant == store.GrantImplicit && f.secretStdin:
		return before, fail(exitUsage, "--grant implicit takes no secret; leave --secret-stdin away")
	}
	for name, value := range map[string]string{"client-id": f.clientID, "app-key": f.appKey, "client-key": f.clientKey} {
		switch {
		case value == "" && f.typed != nil && f.typed.Changed(name):
			return before, fail(exitUsage, "--%s is given with nothing behind it; copy the key from Bitbucket, or leave --%s away", name, name)
		case value != "" && !plausibleKey(value):
			return before, fail(exitUsage, "the value of --%s has a blank, a control character or a colon in it; copy the key again from Bitbucket", name)
		}
	}
	if f.scopes, err = scopeList(f.scopes); err != nil {
		return before, fail(exitUsage, "%s", err)
	}
	return before, nil
}

// plainPath reports whether the text is a path that stands in an address as it is.
func plainPath(text string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"
	return strings.HasPrefix(text, "/") && path.Clean(text) == text && strings.Trim(text, plain) == ""
}

// plausibleKey reports whether text can be a consumer's or an app's key. A colon would
// end it in the header that shows it to Bitbucket (RFC 7617, section 2).
func plausibleKey(text string) bool {
	const longest = 256
	return text != "" && len(text) <= longest && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' })
}

// scopeList is the scopes with commas between, as an account's record has them.
func scopeList(text string) (string, error) {
	scopes := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	list := joinScopes(scopes)
	if list != strings.Join(scopes, ",") {
		return "", errors.New("the value of --scopes is no list of scopes; give it as account,repository:write")
	}
	return list, nil
}

// consumerAdvice is how a consumer is made, for the terminal.
func consumerAdvice(callback string) string {
	return fmt.Sprintf(`Logging in takes an OAuth consumer. If you have none yet, make one at https://%s:
  Workspace settings → OAuth consumers → Add consumer
  Callback URL: %s
  This is a private consumer: tick it
  Permissions: Account: Read; Repositories: Read (clone, fetch), Write (push)
Save, then click on the consumer's name, which shows its Key and its Secret.
`, bitbucket.Host, callback)
}
