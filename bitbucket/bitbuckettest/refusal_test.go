package bitbuckettest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

const (
	readPath  = "https://bitbucket.org/acme/app.git/info/refs?service=git-upload-pack"
	writePath = "https://bitbucket.org/acme/app.git/info/refs?service=git-receive-pack"
	userPath  = "https://api.bitbucket.org/2.0/user"
)

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// get asks as username and password, as bearer if only the password is given, or as nobody.
func get(t *testing.T, s *bitbuckettest.Server, address, username, password string) reply {
	t.Helper()
	return send(t, s, http.MethodGet, address, username, password, "")
}

// send is get with any method, and with a body that is JSON if there is one.
func send(t *testing.T, s *bitbuckettest.Server, method, address, username, password, content string) reply {
	t.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if content != "" {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	switch {
	case username != "":
		req.SetBasicAuth(username, password)
	case password != "":
		req.Header.Set("Authorization", "Bearer "+password)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
}

func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app",
		"token alice owner=alice email=alice@example.com",
		"token reader scopes=read", "token writer scopes=write", "token unscoped scopes=none email=a@example.com",
		"token gone", "revoke gone", "token old", "expire old", "token past expires=-1s", "token future expires=1h",
		"token elsewhere workspaces=other", "token here workspaces=acme", "token narrow kind=repository repos=acme/other",
		"token repo kind=repository", "token project kind=project", "token space kind=workspace", "token oauth kind=oauth",
		"token implied kind=workspace scopes=write", "token shy kind=workspace scopes=read", "token app kind=app owner=alice email=alice@example.com",
	)
	const (
		api    = bitbuckettest.UsernameAPI
		access = bitbuckettest.UsernameAccess
		scope  = bitbuckettest.TextScope
		login  = bitbuckettest.TextLogin
		rest   = bitbuckettest.TextTokenInvalid
	)
	for _, c := range []struct {
		username, token string
		address         string
		status          int
		text            string
	}{
		{"", "", readPath, 401, login},
		{api, "alice", readPath, 200, "git-upload-pack"},
		{api, "alice", writePath, 200, "git-receive-pack"},
		{"alice", "alice", readPath, 200, ""},
		{"alice@example.com", "alice", readPath, 401, login},
		{access, "alice", readPath, 401, login},
		{"bob", "alice", readPath, 401, login},
		{"", "alice", readPath, 401, login},
		{api, "reader", readPath, 200, ""},
		{api, "reader", writePath, 403, scope},
		{api, "writer", readPath, 403, scope},
		{api, "writer", writePath, 403, scope},
		{api, "unscoped", readPath, 401, login},
		{api, "gone", readPath, 401, login},
		{api, "old", readPath, 401, login},
		{api, "past", readPath, 401, login},
		{api, "future", readPath, 200, ""},
		{api, "elsewhere", readPath, 401, login},
		{api, "here", readPath, 200, ""},
		{access, "narrow", readPath, 403, bitbuckettest.TextNoAccess},
		{api, "alice", "https://bitbucket.org/acme/none.git/info/refs?service=git-upload-pack", 403, bitbuckettest.TextNoAccess},
		{access, "repo", writePath, 200, ""},
		{access, "project", writePath, 200, ""},
		{access, "space", writePath, 200, ""},
		{access, "oauth", writePath, 200, ""},
		{access, "implied", readPath, 200, ""},
		{access, "shy", writePath, 403, scope},
		{"alice", "repo", readPath, 401, login},
		{api, "space", readPath, 401, login},
		{"alice", "app", readPath, 410, bitbuckettest.TextAppPassword},
		{api, "app", readPath, 410, bitbuckettest.TextAppPassword},
		{api, "alice", "https://bitbucket.org/acme/app.git/HEAD", 404, ""},
		{api, "alice", strings.Replace(readPath, "https", "http", 1), 401, login},

		{"", "", userPath, 401, rest},
		{"alice@example.com", "alice", userPath, 200, `"username":"alice"`},
		{"alice", "alice", userPath, 401, rest},
		{api, "alice", userPath, 401, rest},
		{"", "alice", userPath, 401, rest},
		{"a@example.com", "unscoped", userPath, 401, rest},
		{"", "space", userPath, 200, ""},
		{"", "shy", userPath, 403, `"detail":{"required":["account"],"granted":["repository"]}`},
		{access, "space", userPath, 401, rest},
		{"alice@example.com", "app", userPath, 401, rest},
	} {
		token, _ := s.Token(c.token)
		got := get(t, s, c.address, c.username, token.Text)
		if got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%q with token %q at %s: %d %s; want %d %s", c.username, c.token, c.address, got.status, got.body, c.status, c.text)
		}
		if want := `Basic realm="Bitbucket.org HTTP"`; got.status == 401 && got.header.Get("WWW-Authenticate") != want {
			t.Errorf("%q with token %q: challenge %q", c.username, c.token, got.header.Get("WWW-Authenticate"))
		}
	}
	unknown := get(t, s, readPath, api, bitbuckettest.AppPassword("of somebody else"))
	if unknown.status != 410 {
		t.Errorf("an unknown app password: %d", unknown.status)
	}
}

// Each refusal reaches a person through git in Bitbucket's own words, by its status.
func TestRefusalsThroughGit(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]struct{ text, end string }{
		"401":                 {bitbuckettest.TextLogin, "Authentication failed for"},
		"stray401":            {bitbuckettest.TextLogin, "Authentication failed for"},
		"scope":               {bitbuckettest.TextScope, "returned error: 403"},
		"noaccess":            {bitbuckettest.TextNoAccess, "returned error: 403"},
		"allowlist":           {bitbuckettest.TextAllowlist, "returned error: 403"},
		"twostep":             {bitbuckettest.TextTwoStep, "returned error: 403"},
		"404":                 {"Not Found", "not found"},
		"410":                 {strings.ReplaceAll(bitbuckettest.TextAppPassword, "\n", "\nremote: "), "returned error: 410"},
		"429":                 {bitbuckettest.TextRateLimit, "returned error: 429"},
		"500":                 {"Internal Server Error", "returned error: 500"},
		"503":                 {"Service Unavailable", "returned error: 503"},
		"outage":              {"Service Unavailable", "returned error: 503"},
		"429 requests=all":    {bitbuckettest.TextRateLimit, "returned error: 429"},
		"401 repo=acme":       {bitbuckettest.TextLogin, "Authentication failed for"},
		"500 token=alice":     {"", "returned error: 500"},
		"500 at=refs times=1": {"", "returned error: 500"},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := bitbuckettest.New(t)
			commands(t, s, "repo acme/app", "token alice", "fault "+fault)
			p := newPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text alice"))
			out, err := p.git(".", "ls-remote", remote("acme/app.git"))
			if err == nil || !strings.Contains(out, want.end) || !strings.Contains(out, want.text) {
				t.Errorf("want %q and %q, got %v:\n%s", want.text, want.end, err, out)
			}
			commands(t, s, "fault none")
			p.must(".", "ls-remote", remote("acme/app.git"))
		})
	}
}

func TestFaultsChooseTheirRequests(t *testing.T) {
	t.Parallel()
	const other = "https://bitbucket.org/acme/other.git/info/refs?service=git-upload-pack"
	for _, c := range []struct {
		fault string
		want  []int // of requests for app, app, app and other
	}{
		{"401 repo=acme/app", []int{401, 401, 401, 200}},
		{"401 repo=acme", []int{401, 401, 401, 401}},
		{"401 repo=ac", []int{200, 200, 200, 200}},
		{"401 times=2", []int{401, 401, 200, 200}},
		{"401 after=1", []int{200, 401, 401, 401}},
		{"401 after=1 times=1 repo=acme/app", []int{200, 401, 200, 200}},
		{"401 token=bob", []int{200, 200, 200, 200}},
		{"401 at=push", []int{200, 200, 200, 200}},
		{"revoke after=2", []int{200, 200, 401, 401}},
		{"401 for=1ns", []int{401, 200, 200, 200}},
		{"401 for=1h", []int{401, 401, 401, 401}},
		{"404 requests=anonymous", []int{200, 200, 200, 200}},
		{"redirect to=x.example times=1", []int{301, 200, 200, 200}},
	} {
		s := bitbuckettest.New(t)
		commands(t, s, "repo acme/app", "repo acme/other", "token alice", "fault "+c.fault)
		for i, address := range []string{readPath, readPath, readPath, other} {
			got := get(t, s, address, bitbuckettest.UsernameAPI, query(t, s, "text alice"))
			if got.status != c.want[i] {
				t.Errorf("%s: request %d: %d, want %d", c.fault, i, got.status, c.want[i])
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	for fault, want := range map[string]string{"429 requests=all": "", "429 requests=all retry=30s": "30"} {
		commands(t, s, "fault none", "fault "+fault)
		if got := get(t, s, readPath, "", ""); got.status != 429 || got.header.Get("Retry-After") != want {
			t.Errorf("%s: %d, Retry-After %q", fault, got.status, got.header.Get("Retry-After"))
		}
	}
}

func TestSlowAndHang(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app public", "fault slow delay=60ms", "fault 500 requests=all")
	start := time.Now()
	if got := get(t, s, readPath, "", ""); got.status != 500 || time.Since(start) < 60*time.Millisecond {
		t.Errorf("%d after %v", got.status, time.Since(start))
	}

}

// A hanging request ends when the fault is cleared, and when the server closes. Its body is not read before.
func TestHang(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"cleared", "closed"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			s := bitbuckettest.New(t)
			commands(t, s, "repo acme/app public", "fault hang")
			req, err := http.NewRequest(http.MethodPost, "https://bitbucket.org/acme/app.git/git-upload-pack", strings.NewReader("0000"))
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				res, err := s.Client().Do(req)
				if err == nil {
					_ = res.Body.Close()
				}
				done <- err
			}()
			for s.Command("expect", "1", "status=0") != nil {
				time.Sleep(time.Millisecond)
			}
			map[string]func(){"cleared": s.ClearFaults, "closed": s.Close}[end]()
			select {
			case err := <-done:
				if err == nil {
					t.Error("the request was answered")
				}
			case <-time.After(10 * time.Second):
				t.Error("the request hangs on")
			}
		})
	}
}
