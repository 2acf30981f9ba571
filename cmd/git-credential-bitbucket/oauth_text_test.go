package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

func TestWhyNotRenewed(t *testing.T) {
	t.Parallel()
	a := storedAccount()
	a.Kind, a.Grant = string(bitbucket.OAuthToken), store.GrantClientCredentials
	const login = "type: git-credential-bitbucket login --account work --grant client-credentials"
	for _, c := range []struct {
		err  error
		want string
	}{
		{&helper.RenewalError{Dead: true, Err: errNoState}, "the token of account work cannot be renewed: what it is renewed with is gone; " + login},
		{
			&helper.RenewalError{Dead: true, Until: noon.Add(time.Minute), Err: &bitbucket.OAuthError{Code: "unauthorized_client"}},
			"Bitbucket renews the token of account work no more (unauthorized_client), and is not asked again until 12:01:00; " + login,
		},
		{&helper.RenewalError{Dead: true, Until: noon.Add(time.Minute), Err: pausedBy[helper.DeadGrant]}, "Bitbucket renews the token of account work no more, and is not asked again until 12:01:00; " + login},
		{&helper.RenewalError{Err: store.ErrBusy}, "the token of account work is being renewed by another process, for 15s now; type the git command again"},
		{&helper.RenewalError{Err: &bitbucket.OAuthError{Code: "invalid_scope"}}, "the token of account work could not be renewed: bitbucket.org refuses: invalid_scope; try again later, or " + login},
		{&helper.RenewalError{Err: bitbucket.ErrConsumer}, "the token of account work cannot be renewed: a key or the secret of the consumer or app is missing; " + login},
		{&helper.RenewalError{Err: errGrant}, "the token of account work cannot be renewed: it was made by a grant that is unknown here; " + login},
		{
			&helper.RenewalError{Err: &bitbucket.UnreachableError{Host: "bitbucket.org", Why: bitbucket.WhyTimeout}},
			"the token of account work could not be renewed: no answer from bitbucket.org: none came in time; check the network, then try again",
		},
		{&helper.RenewalError{Err: &proxyError{"HTTPS_PROXY", "names a proxy whose address cannot be read"}}, "the token of account work could not be renewed: HTTPS_PROXY names a proxy whose address cannot be read; correct HTTPS_PROXY"},
		{&helper.RenewalError{Err: errReplaced}, "the token of account work could not be renewed: the account was changed meanwhile; try again later"},
	} {
		p := &process{now: noonNow}
		if got := p.whyNotRenewed(c.err, a); got != strings.ReplaceAll(c.want, "12:01:00", p.moment(noon.Add(time.Minute))) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// What is wrong with the consumer that the environment names is said without asking the
// site.
func TestOAuthSource(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/secret"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no source":       {map[string]string{clientSecretVariable: "s"}, ""},
		"empty":           {map[string]string{clientVariable: "", clientSecretVariable: "s"}, "is set but empty"},
		"blank":           {map[string]string{clientVariable: " \n", clientSecretVariable: "s"}, "is set but empty"},
		"no key":          {map[string]string{clientVariable: "key:secret", clientSecretVariable: "s"}, "BITBUCKET_OAUTH_CLIENT_ID holds no consumer's key"},
		"no secret":       {map[string]string{clientVariable: "id"}, ""},
		"an empty secret": {map[string]string{clientVariable: "id", clientSecretVariable: ""}, "BITBUCKET_OAUTH_CLIENT_SECRET is set but holds no secret"},
		"a broken secret": {map[string]string{clientVariable: "id", clientSecretVariable: "a b"}, "holds no usable secret"},
		"an empty file":   {map[string]string{clientVariable: "id", clientSecretVariable + "_FILE": file}, "BITBUCKET_OAUTH_CLIENT_SECRET_FILE names an empty file"},
		"another source":  {map[string]string{clientVariable: "id", "BITBUCKET_TOKEN": "t"}, ""},
	} {
		p := &process{now: noonNow, lookup: func(name string) (string, bool) { value, set := c.env[name]; return value, set }}
		source := p.ambient(nil)
		if c.want == "" {
			if source.Name() == clientVariable {
				t.Errorf("%s: it is the source", name)
			}
			continue
		}
		_, err := source.Token(context.Background())
		var known *sourceError
		if !errors.As(err, &known) || !strings.Contains(err.Error(), c.want) || known.remedy == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	source := &oauthSource{id: "id"}
	if !source.Holds(secret.New("eyJx.y.z")) || source.Holds(apiToken) {
		t.Error("Holds goes by the look of a token")
	}
	for _, name := range []string{clientVariable, clientSecretVariable, clientSecretVariable + "_FILE"} {
		if !holdsSecret(name) {
			t.Errorf("%s reaches other programs", name)
		}
	}
}

func TestConsumerRemedy(t *testing.T) {
	t.Parallel()
	a := store.Account{Name: "work", Grant: store.GrantClientCredentials, Asked: "account,repository"}
	const want = "tick Repositories: Read and Write at the consumer, then type: git-credential-bitbucket login --account work --grant client-credentials"
	if got := consumerRemedy(a); got != want {
		t.Errorf("%s", got)
	}
}
