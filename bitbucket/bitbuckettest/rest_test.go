package bitbuckettest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

const (
	listPath   = "https://api.bitbucket.org/2.0/repositories/acme"
	repoPath   = listPath + "/app"
	branchPath = repoPath + "/refs/branches"
	alice      = "alice@example.com"
)

func TestWhoMayWhatOnREST(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "repo acme/open public",
		"token alice email=alice@example.com", "token user scopes=user email=alice@example.com",
		"token reader scopes=read email=alice@example.com", "token writer scopes=write email=alice@example.com",
		"token unscoped scopes=none email=alice@example.com", "token gone email=alice@example.com", "revoke gone",
		"token past expires=-1s email=alice@example.com", "token elsewhere workspaces=other email=alice@example.com",
		"token space kind=workspace", "token implied kind=workspace scopes=write", "token narrow kind=repository repos=acme/open",
		"token odd kind=repository text=justletters", "token app kind=app email=alice@example.com",
	)
	const invalid, scope = bitbuckettest.TextTokenInvalid, bitbuckettest.TextScope
	branch := fmt.Sprintf(`{"name":"x","target":{"hash":%q}}`, query(t, s, "head acme/app"))
	for _, c := range []struct {
		username, token string
		method, address string
		status          int
		text            string
	}{
		{"", "", "GET", repoPath, 401, invalid},
		{alice, "alice", "GET", repoPath, 200, `"full_name":"acme/app"`},
		{alice, "alice", "GET", strings.Replace(repoPath, "acme/app", "Acme/App/", 1), 200, `"full_name":"acme/app"`},
		{"alice", "alice", "GET", repoPath, 401, invalid},
		{"", "alice", "GET", repoPath, 401, invalid},
		{alice, "alice", "GET", listPath + "/none", 404, "The requested repository either does not exist or you do not have access."},
		{alice, "alice", "GET", strings.Replace(listPath, "acme", "none", 1), 404, "No workspace with identifier 'none'."},
		{alice, "alice", "PUT", repoPath, 404, `"detail":"There is no API hosted at this URL."`},
		{alice, "alice", "GET", "https://api.bitbucket.org/1.0/user", 404, "Resource not found"},
		{alice, "alice", "GET", listPath + "?page=x", 400, "Invalid page"},
		{alice, "alice", "GET", listPath + "?pagelen=101", 400, "Invalid pagelen"},
		{alice, "user", "GET", userPath, 200, `"display_name":"user"`},
		{alice, "user", "GET", repoPath, 403, `"detail":{"required":["read:repository:bitbucket"],"granted":["read:user:bitbucket"]}`},
		{alice, "user", "GET", listPath, 403, scope},
		{alice, "reader", "GET", listPath, 200, `"size":2`},
		{alice, "reader", "POST", branchPath, 403, `"required":["write:repository:bitbucket"]`},
		{alice, "reader", "DELETE", branchPath + "/x", 403, scope},
		{alice, "writer", "GET", repoPath, 403, scope},
		{alice, "writer", "POST", branchPath, 201, `"name":"x"`},
		{alice, "reader", "GET", branchPath + "/x", 200, `"name":"x"`},
		{alice, "writer", "DELETE", branchPath + "/x", 204, ""},
		{alice, "reader", "GET", branchPath + "/x", 404, `"x\" not found"`},
		{"", "implied", "GET", repoPath, 200, ""},
		{alice, "unscoped", "GET", userPath, 401, invalid},
		{alice, "unscoped", "GET", repoPath, 401, invalid},
		{alice, "unscoped", "GET", listPath, 401, invalid},
		{alice, "unscoped", "POST", branchPath, 401, invalid},
		{alice, "gone", "GET", repoPath, 401, invalid},
		{alice, "past", "DELETE", branchPath + "/x", 401, invalid},
		{alice, "elsewhere", "GET", userPath, 200, ""},
		{alice, "elsewhere", "GET", repoPath, 401, invalid},
		{alice, "elsewhere", "GET", listPath, 401, invalid},
		{"", "narrow", "GET", repoPath, 404, bitbuckettest.TextNoAccess[:40]},
		{"", "narrow", "GET", listPath + "/open", 200, `"is_private":false`},
		{"", "narrow", "GET", listPath, 200, `"size":1`},
		{"", "odd", "GET", repoPath, 200, ""},
		{"x-token-auth", "odd", "GET", repoPath, 401, invalid},
		{alice, "app", "GET", repoPath, 401, invalid},
	} {
		token, _ := s.Token(c.token)
		body := ""
		if c.method == http.MethodPost {
			body = branch
		}
		got := send(t, s, c.method, c.address, c.username, token.Text, body)
		if got.status != c.status || !strings.Contains(got.body, c.text) || got.status == 204 && got.body != "" {
			t.Errorf("%q with token %q: %s %s: %d %s; want %d %s", c.username, c.token, c.method, c.address, got.status, got.body, c.status, c.text)
		}
	}
}

func TestRESTHeaders(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice email=alice@example.com scopes=read,user",
		"token space kind=workspace scopes=read", "token odd kind=repository scopes=read text=justletters", "token oauth kind=oauth scopes=read")
	const api, limited, unlimited = "read:repository:bitbucket, read:user:bitbucket", "1000 api false", "  "
	for _, c := range []struct{ method, address, token, kind, scopes, accepted, limit string }{
		{"GET", userPath, "alice", "api_token", api, "read:user:bitbucket", unlimited},
		{"GET", listPath, "alice", "api_token", api, "read:repository:bitbucket", unlimited},
		{"POST", branchPath, "alice", "api_token", api, "write:repository:bitbucket", unlimited},
		{"GET", userPath, "space", "workspace_access_token", "repository", "account", unlimited},
		{"GET", repoPath, "space", "workspace_access_token", "repository", "repository", limited},
		{"GET", listPath + "/none", "space", "workspace_access_token", "repository", "repository", limited},
		{"DELETE", branchPath + "/x", "odd", "repo_access_token", "repository", "repository:write", limited},
		{"GET", repoPath, "oauth", "", "repository", "repository", unlimited},
	} {
		username := ""
		if c.token == "alice" {
			username = alice
		}
		header := send(t, s, c.method, c.address, username, query(t, s, "text "+c.token), "").header
		got := [3]string{header.Get("X-Credential-Type"), header.Get("X-OAuth-Scopes"), header.Get("X-Accepted-OAuth-Scopes")}
		if want := [3]string{c.kind, c.scopes, c.accepted}; got != want {
			t.Errorf("%s %s with %s: %q, want %q", c.method, c.address, c.token, got, want)
		}
		limit := header.Get("X-RateLimit-Limit") + " " + header.Get("X-RateLimit-Resource") + " " + header.Get("X-RateLimit-NearLimit")
		if limit != c.limit {
			t.Errorf("%s %s with %s: limit %q, want %q", c.method, c.address, c.token, limit, c.limit)
		}
	}
}

func TestUser(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "token one owner=alice email=alice@example.com", `token two owner=alice email=alice@example.com display=A\x1b[31m nickname=al`)
	var users [2]struct {
		Type, UUID, Username, Nickname string
		AccountID                      string `json:"account_id"`
		DisplayName                    string `json:"display_name"`
	}
	for i, name := range []string{"one", "two"} {
		if err := json.Unmarshal([]byte(get(t, s, userPath, alice, query(t, s, "text "+name)).body), &users[i]); err != nil {
			t.Fatal(err)
		}
	}
	one, two := users[0], users[1]
	if one.Type != "user" || one.Username != "alice" || one.Nickname != "alice" || one.DisplayName != "alice" {
		t.Errorf("%+v", one)
	}
	if len(one.UUID) != len("{01234567-0123-0123-0123-0123456789ab}") || one.AccountID != "557058:"+one.UUID[1:37] {
		t.Errorf("%+v", one)
	}
	if two.UUID != one.UUID || two.DisplayName != "A\x1b[31m" || two.Nickname != "al" {
		t.Errorf("%+v", two)
	}
}

// repositoryPage is as much of an answer as a client reads.
type repositoryPage struct {
	Pagelen, Size, Page int
	Next                string
	Values              []struct{ Slug string }
}

// walk follows next and returns the slugs and the addresses it was sent to.
func walk(t *testing.T, s *bitbuckettest.Server, address, token string) (slugs, nexts []string) {
	t.Helper()
	for {
		got := get(t, s, address, alice, token)
		var page repositoryPage
		if err := json.Unmarshal([]byte(got.body), &page); got.status != 200 || err != nil {
			t.Fatalf("%s: %d %s", address, got.status, got.body)
		}
		for _, repo := range page.Values {
			slugs = append(slugs, repo.Slug)
		}
		if page.Next == "" {
			return slugs, nexts
		}
		nexts, address = append(nexts, page.Next), page.Next
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/c", "repo acme/a", "repo acme/e", "repo acme/b", "repo acme/d", "repo other/z", "token alice email=alice@example.com")
	token := query(t, s, "text alice")
	slugs, nexts := walk(t, s, listPath+"?pagelen=2", token)
	if want := []string{"a", "b", "c", "d", "e"}; !slices.Equal(slugs, want) {
		t.Errorf("slugs %q, want %q", slugs, want)
	}
	if want := []string{listPath + "?page=2&pagelen=2", listPath + "?page=3&pagelen=2"}; !slices.Equal(nexts, want) {
		t.Errorf("next %q, want %q", nexts, want)
	}
	if slugs, nexts := walk(t, s, listPath, token); len(slugs) != 5 || nexts != nil {
		t.Errorf("without pagelen: %q, next %q", slugs, nexts)
	}
	if slugs, _ := walk(t, s, listPath+"?page=9", token); slugs != nil {
		t.Errorf("behind the end: %q", slugs)
	}
	get(t, s, listPath+"?page="+token+"&q="+token+"&pagelen=2&service="+token, alice, token)
	commands(t, s, "expect 1 status=400 path=/2.0/repositories/acme?pagelen=2",
		"expect 1 path=/2.0/repositories/acme?page=2&pagelen=2 token=alice", "expect 1 path=*page=3*")
	if strings.Contains(query(t, s, "log"), token) {
		t.Error("the log holds the token")
	}
}

func TestBranches(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice email=alice@example.com")
	token, head := query(t, s, "text alice"), query(t, s, "head acme/app")
	for _, c := range []struct {
		method, address, body string
		status                int
		text                  string
	}{
		{"POST", branchPath, fmt.Sprintf(`{"name":"feature/one","target":{"hash":%q}}`, head[:8]), 201, head},
		{"POST", branchPath, fmt.Sprintf(`{"name":"feature/one","target":{"hash":%q}}`, head), 400, `"fields":{"name":["Invalid branch name."]}`},
		{"POST", branchPath, fmt.Sprintf(`{"name":"../x","target":{"hash":%q}}`, head), 400, "Bad request"},
		{"POST", branchPath, `{"name":"x","target":{"hash":"0123456789"}}`, 400, "Unknown commit."},
		{"POST", branchPath, `{"name":"x","target":{"hash":"--all"}}`, 400, "Unknown commit."},
		{"POST", branchPath, `{"name":"x"}`, 400, `"fields":{"target.hash":["This field is required."]},"detail":"You must specify`},
		{"POST", branchPath, `{`, 400, "no JSON"},
		{"POST", branchPath, ``, 400, "must be application/json"},
		{"GET", branchPath + "/feature/one", "", 200, head},
		{"GET", branchPath + "/feature%2Fone", "", 200, head},
		{"DELETE", branchPath + "/feature/one", "", 204, ""},
		{"DELETE", branchPath + "/feature/one", "", 404, "not found"},
		{"DELETE", branchPath + "/main", "", 400, "main branch"},
	} {
		got := send(t, s, c.method, c.address, alice, token, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%s %s %s: %d %s; want %d %s", c.method, c.address, c.body, got.status, got.body, c.status, c.text)
		}
		if c.status == 201 {
			p := newPerson(t, s).with(bitbuckettest.UsernameAPI, token)
			if out := p.must(".", "ls-remote", remote("acme/app.git"), "refs/heads/feature/one"); !strings.HasPrefix(out, head) {
				t.Errorf("git sees %q", out)
			}
		}
	}
}
