package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// A testGrant is a login that is over, to be kept by the program that testKeeper is.
type testGrant struct {
	Account, Grant, Backend, Asked string
	Consumer                       bitbuckettest.Consumer
	Access, Refresh, Scope         string
	ExpiresIn                      int
}

// testKeeper keeps the grant that stands on its standard input, as a login does in the end.
const testKeeper = "keep-grant"

func keepTestGrant() {
	p := self()
	p.now = scriptNow
	var g testGrant
	err := json.NewDecoder(p.stdin).Decode(&g)
	if err == nil {
		a := store.Account{Name: g.Account, Backend: g.Backend, Asked: g.Asked}
		state := oauthState{
			Grant: g.Grant, Consumer: bitbucket.Consumer{ID: g.Consumer.Key, Secret: secret.New(g.Consumer.Secret)},
			App: bitbucket.App{Key: g.Consumer.AppKey, ClientKey: g.Consumer.ClientKey, SharedSecret: secret.New(g.Consumer.SharedSecret)},
		}
		_, err = p.keepGrant(context.Background(), a, state, bitbucket.Grant{
			Access: secret.New(g.Access), Refresh: secret.New(g.Refresh), Scopes: strings.Fields(g.Scope),
			Expires: p.now().Add(time.Duration(g.ExpiresIn) * time.Second),
		})
	}
	if err != nil {
		p.say(asError, "%v", err)
		os.Exit(1)
	}
}

// loggedIn has the consumer's user grant it access, by that grant.
func loggedIn(s *bitbuckettest.Server, account, consumer, grant string) (testGrant, error) {
	g := testGrant{Account: account, Grant: grant}
	g.Consumer, _ = s.Consumer(consumer)
	form := url.Values{"grant_type": {bitbuckettest.GrantClientCredentials}}
	if grant == store.GrantCode {
		if err := s.Answer(consumer, bitbuckettest.AnswerGrant); err != nil {
			return g, err
		}
		client := s.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		answer, err := client.Get("https://" + bitbucket.Host + bitbuckettest.AuthorizePath + "?response_type=code&client_id=" + g.Consumer.Key)
		if err != nil {
			return g, err
		}
		_ = answer.Body.Close()
		to, err := answer.Location()
		if err != nil {
			return g, err
		}
		form = url.Values{"grant_type": {bitbuckettest.GrantCode}, "code": {to.Query().Get("code")}}
	}
	request, err := http.NewRequest(http.MethodPost, "https://"+bitbucket.Host+bitbuckettest.TokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return g, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(g.Consumer.Key, g.Consumer.Secret)
	answer, err := s.Client().Do(request)
	if err != nil {
		return g, err
	}
	defer answer.Body.Close()
	var reply struct {
		Access    string `json:"access_token"`
		Refresh   string `json:"refresh_token"`
		Scope     string `json:"scope"`
		ExpiresIn int    `json:"expires_in"`
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, json.Unmarshal(text, &reply)); err != nil || reply.Access == "" {
		return g, fmt.Errorf("no grant: %d, %v", answer.StatusCode, err)
	}
	g.Access, g.Refresh, g.Scope, g.ExpiresIn = reply.Access, reply.Refresh, reply.Scope, reply.ExpiresIn
	return g, nil
}

// makeGranted logs an account in by a consumer that the test Bitbucket knows, and tells
// git to ask the program: "granted ACCOUNT CONSUMER [grant=code] [backend=file] [asked=SCOPES]".
func makeGranted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: granted ACCOUNT CONSUMER [KEY=VALUE]...")
	}
	said := map[string]string{"grant": store.GrantCode, "backend": store.BackendFile}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		said[name] = value
	}
	g, err := loggedIn(bitbuckettest.FromScript(ts), args[0], args[1], said["grant"])
	ts.Check(err)
	g.Backend, g.Asked = said["backend"], said["asked"]
	text, err := json.Marshal(g)
	ts.Check(err)
	file := filepath.Join(ts.Getenv("WORK"), ".grant")
	ts.Check(os.WriteFile(file, text, 0o600))
	wantStatus(ts, false, append([]string{"0"}, withInput(file, testKeeper)...))
	ts.Check(os.Remove(file))
	askUs(ts)
}
