package bitbuckettest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

func TestFaultsOnREST(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "repo acme/other", "token alice email=alice@example.com")
	token := query(t, s, "text alice")
	for _, c := range []struct {
		fault, address string
		status         int
		header, value  string
		text           string
	}{
		{"429 at=rest retry=30s", userPath, 429, "Retry-After", "30", bitbuckettest.TextRateLimit},
		{"429 at=rest", repoPath, 429, "Retry-After", "", bitbuckettest.TextRateLimit},
		{"outage at=rest", userPath, 503, "", "", "Service Unavailable"},
		{"outage at=rest retry=5s", listPath, 503, "Retry-After", "5", ""},
		{"404 at=rest", repoPath, 404, "", "", `"message":"Not Found"`},
		{"noaccess", repoPath, 404, "", "", bitbuckettest.TextNoAccess[:40]},
		{"noaccess", userPath, 200, "", "", ""},
		{"scope at=rest", repoPath, 403, "", "", `"required":["write:repository:bitbucket"]`},
		{"allowlist at=rest", repoPath, 403, "", "", bitbuckettest.TextAllowlist},
		{"401 repo=acme/other", repoPath, 200, "", "", ""},
		{"401 repo=acme", listPath, 401, "", "", bitbuckettest.TextTokenInvalid},
		{"500 repo=acme/app", repoPath + "/pullrequests", 500, "", "", ""},
		{"redirect at=rest to=notbitbucket.org", repoPath + "?x=1", 301, "Location", "https://notbitbucket.org/2.0/repositories/acme/app?x=1", ""},
		{"redirect at=rest to=http://api.bitbucket.org", userPath, 301, "Location", "http://api.bitbucket.org/2.0/user", ""},
		{"html at=rest", userPath, 200, "Content-Type", "text/html; charset=utf-8", "<form"},
		{"html at=rest status=511", userPath, 511, "Content-Type", "text/html; charset=utf-8", "<form"},
		{"html", readPath, 200, "Content-Type", "text/html; charset=utf-8", "<form"},
		{"message at=rest status=400", userPath, 400, "Content-Type", "application/json", `\u001b[2J`},
		{"message", repoPath, 403, "", "", token},
		{"big status=403", userPath, 403, "", "", strings.Repeat("x", 1<<20)},
		{"401 at=refs", userPath, 200, "", "", ""},
		{"nearlimit", repoPath, 200, "X-RateLimit-NearLimit", "", ""},
	} {
		commands(t, s, "fault none", "fault "+c.fault)
		got := get(t, s, c.address, alice, token)
		if got.status != c.status || got.header.Get(c.header) != c.value || !strings.Contains(got.body, c.text) {
			t.Errorf("%s at %s: %d, %s %q, %.200s; want %d, %q, %.100s",
				c.fault, c.address, got.status, c.header, got.header.Get(c.header), got.body, c.status, c.value, c.text)
		}
	}
}

// Both are well-formed, so that no client is saved by its parser.
func TestMessageAndBigAreJSON(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "token space kind=workspace", "fault message times=1", "fault big")
	token := query(t, s, "text space")
	var body struct {
		Username string
		Error    struct{ Message string }
	}
	if err := json.Unmarshal([]byte(get(t, s, userPath, "", token).body), &body); err != nil {
		t.Fatal(err)
	}
	if said := body.Error.Message; !strings.Contains(said, "Bearer "+token) || !strings.ContainsAny(said, "\x1b") || !strings.Contains(said, "\n") {
		t.Error("the message is harmless")
	}
	got := get(t, s, userPath, "", token)
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Username != "big" || got.status != 200 || len(got.body) <= 1<<20 {
		t.Errorf("big: %d, %d bytes, %v", got.status, len(got.body), err)
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app public", "token alice email=alice@example.com")
	off := func(address, username, token string) (time.Duration, int) {
		t.Helper()
		got := get(t, s, address, username, token)
		date, err := http.ParseTime(got.header.Get("Date"))
		if err != nil {
			t.Fatal(err)
		}
		return time.Until(date), got.status
	}
	for _, c := range []struct {
		faults            []string
		by                time.Duration
		user, refs, wrong int
	}{
		{nil, 0, 200, 200, 401},
		{[]string{"fault skew by=+10m"}, 10 * time.Minute, 200, 200, 401},
		{[]string{"fault skew by=-10m"}, -10 * time.Minute, 200, 200, 401},
		{[]string{"fault outage", "fault skew by=1h"}, time.Hour, 503, 503, 503},
	} {
		commands(t, s, append([]string{"fault none"}, c.faults...)...)
		for _, request := range []struct {
			address, username, token string
			status                   int
		}{
			{userPath, alice, query(t, s, "text alice"), c.user},
			{readPath, "", "", c.refs},
			{userPath, alice, "wrong", c.wrong},
		} {
			by, status := off(request.address, request.username, request.token)
			if status != request.status || (by-c.by).Abs() > 30*time.Second {
				t.Errorf("%q at %s: %d, %v off; want %d, %v", c.faults, request.address, status, by, request.status, c.by)
			}
		}
	}
}

func TestNearLimit(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token space kind=workspace")
	for _, c := range []struct {
		fault, want string
		status      int
	}{
		{"none", "false", 200},
		{"nearlimit", "true", 200},
		{"429", "true", 429},
	} {
		commands(t, s, "fault none", "fault "+c.fault)
		got := get(t, s, repoPath, "", query(t, s, "text space"))
		if near := got.header.Get("X-RateLimit-NearLimit"); got.status != c.status || near != c.want {
			t.Errorf("%s: %d, %q; want %d, %q", c.fault, got.status, near, c.status, c.want)
		}
	}
}

func TestForeignNext(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/a", "repo acme/b", "repo acme/c", "token alice email=alice@example.com")
	next := func(query, token string) string {
		t.Helper()
		var page repositoryPage
		if err := json.Unmarshal([]byte(get(t, s, listPath+query, alice, token).body), &page); err != nil {
			t.Fatal(err)
		}
		return page.Next
	}
	const path = "/2.0/repositories/acme?page=2&pagelen=1"
	token := query(t, s, "text alice")
	for _, c := range []struct{ fault, query, want string }{
		{"foreignnext to=notbitbucket.org", "?pagelen=1", "https://notbitbucket.org" + path},
		{"foreignnext to=http://api.bitbucket.org", "?pagelen=1", "http://api.bitbucket.org" + path},
		{"foreignnext to=api.bitbucket.org@evil.bitbucket.org", "?pagelen=1", "https://api.bitbucket.org@evil.bitbucket.org" + path},
		{"foreignnext to=notbitbucket.org", "?page=3&pagelen=1", ""},
		{"foreignnext to=notbitbucket.org repo=other", "?pagelen=1", "https://api.bitbucket.org" + path},
		{"foreignnext to=notbitbucket.org after=1", "?pagelen=1", "https://api.bitbucket.org" + path},
	} {
		commands(t, s, "fault none", "fault "+c.fault)
		if got := next(c.query, token); got != c.want {
			t.Errorf("%s: next %q, want %q", c.fault, got, c.want)
		}
	}
}

func TestFaultsThatAreNone(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	for _, line := range []string{
		"fault skew", "fault skew by=x", "fault foreignnext", "fault redirect", "fault 401 status=200", "fault html status=99",
		"fault html requests=pages", "fault slow", "fault unknown",
	} {
		if err := s.Command(strings.Fields(line)...); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}
