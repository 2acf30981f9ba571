//go:build !windows

package main

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// waiter is a log-in that has all it needs but the person's answer. What it says is in
// the file.
func waiter(t *testing.T) (l *loginSession, said *os.File) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = said.Close() })
	p := &process{stderr: said, lookup: func(string) (string, bool) { return "", false }, now: time.Now, contained: func() bool { return false }}
	l = &loginSession{process: p, flags: &loginFlags{grant: store.GrantCode, path: usualPath}, before: store.Account{Name: helper.DefaultAccount}, limit: loginLimit, hint: loginHint}
	l.state.Consumer.ID = "key"
	port, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.flags.port = port.Addr().(*net.TCPAddr).Port
	_ = port.Close()
	return l, said
}

func TestLoginTimeLimit(t *testing.T) {
	l, _ := waiter(t)
	l.limit = 20 * time.Millisecond
	_, err := l.byBrowser(t.Context(), nil)
	var f *failure
	if !errors.As(err, &f) || f.status != exitFailed || !strings.HasSuffix(f.text, "; type: git-credential-bitbucket login") || !strings.HasPrefix(f.text, "nobody granted access within ") {
		t.Errorf("%v", err)
	}
	if loginLimit != 5*time.Minute || minutes(loginLimit) != "5 minutes" {
		t.Error("README says 5 minutes")
	}
}

// Without a terminal too, an interrupt ends it with its own status, and frees the port.
func TestLoginInterruptedInTheBackground(t *testing.T) {
	l, said := waiter(t)
	done := make(chan error)
	go func() {
		_, err := l.byBrowser(t.Context(), nil)
		done <- err
	}()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(said.Name()); strings.Contains(string(text), "open this address") {
			break
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var f *failure
	if err := <-done; !errors.As(err, &f) || f.status != exitInterrupted {
		t.Errorf("%v", err)
	}
}

// An answer that came in time is redeemed after it, and what became of that is said.
func TestLoginTimeLimitDuringTheExchange(t *testing.T) {
	l, said := waiter(t)
	l.limit = 100 * time.Millisecond
	l.browser = true
	asked, proceed := make(chan bool), make(chan bool)
	proxy := func(*url.URL) (*url.URL, error) {
		asked <- true
		<-proceed
		return nil, errors.New("no way")
	}
	client, err := bitbucket.NewClient(bitbucket.Options{Proxy: proxy, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	l.state.Consumer.Secret = secret.New("a secret")
	done := make(chan error)
	go func() {
		_, err := l.byBrowser(t.Context(), client)
		done <- err
	}()
	state := regexp.MustCompile(`state=(\w+)`)
	var found []string
	for found == nil {
		text, _ := os.ReadFile(said.Name())
		found = state.FindStringSubmatch(string(text))
	}
	go func() { _, _ = http.Get(l.callback() + "?code=x&" + found[0]) }()
	<-asked
	time.Sleep(2 * l.limit)
	close(proceed)
	err = <-done
	var away *bitbucket.UnreachableError
	if !errors.As(err, &away) {
		t.Fatal(err)
	}
	var f *failure
	if !errors.As(l.refused(err), &f) || !strings.HasPrefix(f.text, "access was granted, but the token for it did not come: ") {
		t.Error(f.text)
	}
}

// Who sees an error page is told once, while the wait goes on, what may be wrong.
func TestLoginHint(t *testing.T) {
	l, said := waiter(t)
	l.hint, l.limit = time.Millisecond, 300*time.Millisecond
	listens := make(chan bool)
	go func() {
		for {
			if response, err := http.Get(l.callback() + "?state=another"); err == nil {
				_ = response.Body.Close()
				break
			}
		}
		close(listens)
	}()
	_, err := l.byBrowser(t.Context(), nil)
	<-listens
	text, _ := os.ReadFile(said.Name())
	if strings.Count(string(text), `("Invalid redirect_uri"), the consumer's Callback URL has to be exactly `+l.callback()+"; correct it in ") != 1 {
		t.Errorf("%s", text)
	}
	if loginHint != 20*time.Second || !strings.Contains(err.Error(), "answered no login of ours: 1 times") {
		t.Error(err)
	}
}

func TestRefusedBy(t *testing.T) {
	for _, c := range []struct {
		grant  string
		err    error
		status exitStatus
		says   string
	}{
		{store.GrantCode, &bitbucket.OAuthError{Code: "access_denied", Description: "No\x1b[1m."}, exitFailed, "access_denied (No [1m.); to grant it after all, type: "},
		{store.GrantCode, &bitbucket.OAuthError{Code: "unauthorized_client"}, exitNoCredential, "compare the key and the secret with those in Workspace settings → OAuth consumers; if they are right, wait some minutes, for which Bitbucket may refuse them after it refused to renew a login; then type: "},
		{store.GrantJWT, &bitbucket.OAuthError{Code: "unauthorized_client"}, exitNoCredential, "compare the app's keys and its shared secret "},
		{store.GrantCode, &bitbucket.OAuthError{Code: "invalid_grant"}, exitNoCredential, "invalid_grant; type: "},
		{store.GrantCode, &bitbucket.OAuthError{Code: "invalid_scope"}, exitFailed, "leave --scopes away, "},
		{store.GrantCode, &bitbucket.OAuthError{Code: "invalid_request"}, exitFailed, "the consumer's Callback URL has to be http://127.0.0.1:"},
		{store.GrantCode, &bitbucket.OAuthError{Code: "server_error"}, exitUnreachable, "see https://bitbucket.status.atlassian.com, then type: "},
		{store.GrantCode, &bitbucket.AnswerError{Reply: bitbucket.Reply{Status: 429, Answer: bitbucket.AnswerRateLimited}}, exitUnreachable, "status 429; see https://bitbucket.status.atlassian.com, then type: "},
		{store.GrantCode, bitbucket.ErrGrant, exitFailed, "Bitbucket's answer cannot be used: "},
		{store.GrantCode, &bitbucket.UnreachableError{Host: bitbucket.Host, Why: bitbucket.WhyDNS}, exitUnreachable, "check the network"},
		{store.GrantCode, fail(exitInterrupted, "as it is"), exitInterrupted, "as it is"},
	} {
		l, _ := waiter(t)
		l.flags.grant = c.grant
		var f *failure
		if err := l.refused(c.err); !errors.As(err, &f) || f.status != c.status || !strings.Contains(f.text, c.says) {
			t.Errorf("%v: %v, want %d, %q", c.err, err, c.status, c.says)
		}
	}
}

func TestMissingScopes(t *testing.T) {
	for _, c := range []struct{ asked, has, want string }{
		{"", "account", ""},
		{"account,pullrequest", "", ""}, // not told
		{"account,pullrequest", "account", "pullrequest"},
		{"repository,repository:write", "repository:write", ""},
		{"repository:write", "repository", "repository:write"},
	} {
		if got := strings.Join(missingScopes(store.Account{Asked: c.asked, Scopes: c.has}), ","); got != c.want {
			t.Errorf("asked %q, has %q: %q, want %q", c.asked, c.has, got, c.want)
		}
	}
}
