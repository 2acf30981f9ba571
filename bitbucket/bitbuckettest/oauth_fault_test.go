package bitbuckettest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

func TestFaultsAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant window=0 format=opaque")
	for _, c := range []struct {
		fault   string
		status  int
		text    string
		rotates bool // and the client that saw the answer has lost the old token
	}{
		{"500 at=token", 500, "Internal Server Error", false},
		{"503 at=oauth retry=30s", 503, "Service Unavailable", false},
		{"500 at=token grant=refresh_token token=ci", 500, "Internal", false},
		{"500 at=token grant=client_credentials", 200, `"refresh_token"`, true},
		{"500 at=authorize", 200, `"refresh_token"`, true},
		{"500", 200, `"refresh_token"`, true},
		{"429 at=token", 429, "Rate limit", false},
		{"401 at=token", 401, "", false},
		{"outage", 503, "", false},
		{"html at=token", 200, "<form", false},
		{"redirect at=token to=notbitbucket.org", 301, "notbitbucket.org/site/oauth2/access_token", false},
		{"missing", 200, `{"expires_in"`, true},
		{"missing field=expires_in", 200, `"refresh_token"`, true},
		{"missing field=refresh_token", 200, `"access_token"`, false},
		{"odd field=expires_in value=-1", 200, `"expires_in":-1`, true},
		{`odd field=token_type value="mac"`, 200, `"token_type":"mac"`, true},
		{"truncated", 200, `{"access_token":"`, true},
		{"truncated field=refresh_token", 200, `","token_ty`, true},
		{"big at=token", 200, strings.Repeat("x", 1<<20), true},
		{"big at=token status=400", 400, strings.Repeat("x", 1<<20), true},
	} {
		commands(t, s, "fault none")
		before := login(t, s).Refresh
		commands(t, s, "fault "+c.fault)
		got := refresh(t, s, before)
		if got.status != c.status || !strings.Contains(got.body+got.header.Get("Location"), c.text) {
			t.Errorf("%s: %d %.200s", c.fault, got.status, got.body)
		}
		if rotated := query(t, s, "text ci/refresh") != before; rotated != c.rotates {
			t.Errorf("%s: rotated: %v", c.fault, rotated)
		}
		if cut, whole := strings.HasPrefix(c.fault, "truncated"), json.Valid([]byte(got.body)); cut && whole || c.rotates && !cut && !whole {
			t.Errorf("%s: JSON: %v", c.fault, whole)
		}
		if name, ok := strings.CutPrefix(c.fault, "missing field="); ok && strings.Contains(got.body, name) {
			t.Errorf("%s: %s", c.fault, got.body)
		}
		if c.rotates {
			continue
		}
		commands(t, s, "fault none")
		if again := refresh(t, s, before); again.status != 200 {
			t.Errorf("%s: the old token afterwards: %d %s", c.fault, again.status, again.body)
		}
	}
}

// The answer is lost when the token is rotated already: the reuse window is what saves the client.
func TestLostReply(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant")
	before := login(t, s).Refresh
	commands(t, s, "fault lost times=1")
	if got, err := tryAsk(s, basic(t, s, "ci"), "grant_type=refresh_token&refresh_token="+before); err == nil {
		t.Errorf("%d %s", got.status, got.body)
	}
	commands(t, s, "expect 1 grant=refresh_token status=0")
	if query(t, s, "alive-refresh ci") != "2" {
		t.Error("the token was not rotated")
	}
	if got := refresh(t, s, before); got.status != 200 {
		t.Errorf("in the window: %d %s", got.status, got.body)
	}
}

// Whoever prints the description prints all the secrets.
func TestMessageEchoesTheForm(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant secret=thesecret")
	token := login(t, s).Refresh
	commands(t, s, "fault message at=token times=1", "fault message at=token status=401")
	for _, status := range []int{400, 401} {
		got := refresh(t, s, token)
		if got.status != status || got.Error != "invalid_grant" {
			t.Errorf("%d %s", got.status, got.body)
		}
		for _, text := range []string{token, "thesecret", "Basic ", "\x1b[2J"} {
			if !strings.Contains(got.Text, text) {
				t.Errorf("%q is not in %s", text, got.Text)
			}
		}
	}
}

// The token is rotated while the client still waits, as for one that is killed then.
func TestLateReply(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant window=0")
	before := login(t, s).Refresh
	commands(t, s, "fault late delay=1h")
	ci := basic(t, s, "ci")
	done := make(chan granted, 1)
	go func() {
		got, _ := tryAsk(s, ci, "grant_type=refresh_token&refresh_token="+before)
		done <- got
	}()
	for query(t, s, "text ci/refresh") == before {
		time.Sleep(time.Millisecond)
	}
	commands(t, s, "expect 1 grant=refresh_token status=0", "fault none")
	if got := <-done; got.status != 200 || got.Refresh != query(t, s, "text ci/refresh") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestSlowAndHangingOAuth(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant", "fault slow at=token delay=60ms")
	start := time.Now()
	if login(t, s); time.Since(start) < 60*time.Millisecond {
		t.Errorf("after %v", time.Since(start))
	}
	commands(t, s, "fault none", "fault hang at=oauth")
	done := make(chan error, 1)
	ci := basic(t, s, "ci")
	go func() {
		_, err := tryAsk(s, ci, "grant_type=client_credentials")
		done <- err
	}()
	for s.Command("expect", "1", "grant=client_credentials", "status=0") != nil {
		time.Sleep(time.Millisecond)
	}
	s.ClearFaults()
	if err := <-done; err == nil {
		t.Error("the request was answered")
	}
	commands(t, s, "fault 503 at=authorize")
	if got, _ := visit(t, s, "&response_type=code"); got.status != 503 {
		t.Errorf("authorize: %d", got.status)
	}
	if got := ask(t, s, ci, "grant_type=client_credentials"); got.status != 200 {
		t.Errorf("token: %d %s", got.status, got.body)
	}
	commands(t, s, "fault none", "fault 503 at=token requests=anonymous")
	if got := ask(t, s, "", "grant_type=client_credentials"); got.status != 503 {
		t.Errorf("nobody: %d", got.status)
	}
	if got := get(t, s, "https://bitbucket.org/site/oauth2/other", "", ""); got.status != 404 {
		t.Errorf("another path: %d", got.status)
	}
}
