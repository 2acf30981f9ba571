package bitbuckettest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

const (
	authorizeURL = "https://bitbucket.org" + bitbuckettest.AuthorizePath
	callbackURL  = "http://127.0.0.1:34117/callback"
)

// visit opens the page for consumer ci, with more behind the query.
func visit(t *testing.T, s *bitbuckettest.Server, more string) (reply, *url.URL) {
	t.Helper()
	got := get(t, s, authorizeURL+"?client_id="+query(t, s, "text ci/key")+more, "", "")
	location, err := url.Parse(got.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return got, location
}

// newCode lets consumer ci, which grants at once, be granted.
func newCode(t *testing.T, s *bitbuckettest.Server, more string) string {
	t.Helper()
	got, location := visit(t, s, "&response_type=code"+more)
	code := location.Query().Get("code")
	if got.status != 302 || code == "" {
		t.Fatalf("%d %v %s", got.status, location, got.body)
	}
	return code
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant")
	const callback = `^http://127\.0\.0\.1:34117/callback`
	const hidden = `[\w.-]+`
	for _, c := range []struct{ answer, query, location string }{
		{"grant", "&response_type=code", callback + `\?code=` + hidden + `$`},
		{"grant", "&response_type=code&state=a%26b", callback + `\?code=` + hidden + `&state=a%26b$`},
		{"grant", "&response_type=code&scope=repository+account", callback + `\?code=` + hidden + `$`},
		{"grant", "&response_type=code&code_challenge=x&code_challenge_method=S256", callback + `\?code=` + hidden + `$`},
		{"grant", "&response_type=code&redirect_uri=http://127.0.0.1:34117/callback/more?a=1", callback + `/more\?a=1&code=` + hidden + `$`},
		{"grant", "&response_type=token&state=x", callback +
			`#access_token=eyJ` + hidden + `&expires_in=7200&scope=repository\+repository%3Awrite\+account&state=x&token_type=bearer$`},
		{"deny", "&response_type=code&state=x", callback + `\?error=access_denied&error_description=The\+resource\+owner\+denied\+the\+request\.&state=x$`},
		{"deny", "&response_type=token&state=x", callback + `#error=access_denied&error_description=[^&]+&state=x$`},
		{"grant", "&state=x", callback + `\?error=invalid_request&state=x$`},
		{"ask", "&response_type=password", callback + `\?error=unsupported_response_type$`},
		{"grant", "&response_type=code&scope=pullrequest", callback + `\?error=invalid_scope$`},
		{"grant", "&response_type=token&scope=pullrequest", callback + `#error=invalid_scope$`},
		{"grant", "&response_type=code&code_challenge_method=S512", callback + `\?error=invalid_request$`},
	} {
		commands(t, s, "oauth "+c.answer+" ci")
		got, location := visit(t, s, c.query)
		if got.status != 302 || !regexp.MustCompile(c.location).MatchString(location.String()) {
			t.Errorf("%s %s: %d %s %s", c.answer, c.query, got.status, location, got.body)
		}
	}
}

// These must send the browser nowhere.
func TestAuthorizeTrustsNoAddress(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant", "consumer bare callback=")
	for _, c := range []struct{ query, text string }{
		{"client_id=x", "Invalid client_id"},
		{"", "Invalid client_id"},
		{"client_id=" + query(t, s, "text bare/key"), bitbuckettest.TextNoCallback},
	} {
		got := get(t, s, authorizeURL+"?response_type=code&"+c.query, "", "")
		if got.status != 400 || got.header.Get("Location") != "" || !strings.Contains(got.body, "<h1>"+c.text) {
			t.Errorf("%s: %d %v %s", c.query, got.status, got.header, got.body)
		}
	}
	for address, fits := range map[string]bool{
		callbackURL:                                      true,
		callbackURL + "/a/b":                             true,
		callbackURL + "?a=1":                             true,
		callbackURL + "x":                                false,
		callbackURL + "/../x":                            false,
		callbackURL + "/%2e%2e/x":                        false,
		callbackURL + "#x":                               false,
		"http://127.0.0.1:34117/":                        false,
		"http://127.0.0.1:34117":                         false,
		"http://127.0.0.1:34118/callback":                false,
		"http://127.0.0.1/callback":                      false,
		"http://localhost:34117/callback":                false,
		"https://127.0.0.1:34117/callback":               false,
		"http://127.0.0.1:34117@evil.example/callback":   false,
		"http://a@127.0.0.1:34117/callback":              false,
		"http://127.0.0.1:34117.evil.example/callback/x": false,
		"//127.0.0.1:34117/callback":                     false,
		"callback":                                       false,
	} {
		got, location := visit(t, s, "&response_type=code&redirect_uri="+url.QueryEscape(address))
		if fits && (got.status != 302 || !strings.HasPrefix(location.String(), callbackURL)) ||
			!fits && (got.status != 400 || location.String() != "" || !strings.Contains(got.body, "<h1>Invalid redirect_uri</h1>")) {
			t.Errorf("%s: %d %s %s", address, got.status, location, got.body)
		}
	}
}

// What a browser does: it reads the page and posts the button that was pressed to the page's own address.
func TestAuthorizePage(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci scopes=read")
	page, _ := visit(t, s, "&response_type=code&state=%3Cscript%3E")
	for _, text := range []string{
		`<form method="post">`, `<button id="grant" name="answer" value="grant">Grant access</button>`,
		`<button id="deny" name="answer" value="deny">Deny</button>`, "<li>repository</li>",
	} {
		if page.status != 200 || page.header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(page.body, text) {
			t.Errorf("want %s, got %d %s", text, page.status, page.body)
		}
	}
	if strings.Contains(page.body, "script") {
		t.Errorf("the page holds the query: %s", page.body)
	}
	for answer, want := range map[string]string{"grant": "code=", "deny": "error=access_denied", "": ""} {
		req, err := http.NewRequest(http.MethodPost, authorizeURL+"?response_type=code&client_id="+query(t, s, "text ci/key"), strings.NewReader("answer="+answer))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if location := res.Header.Get("Location"); answer != "" && (res.StatusCode != 302 || !strings.HasPrefix(location, callbackURL+"?"+want)) ||
			answer == "" && res.StatusCode != 200 {
			t.Errorf("%q: %d %s", answer, res.StatusCode, location)
		}
	}
}

func TestImplicitGrant(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "consumer ci answer=grant owner=alice spelling=scopes expires=1h")
	_, location := visit(t, s, "&response_type=token")
	values, err := url.ParseQuery(location.Fragment)
	if err != nil || values.Has("refresh_token") || values.Has("scope") || values.Get("scopes") != "repository repository:write account" || values.Get("expires_in") != "3600" {
		t.Errorf("%v: %v", values, err)
	}
	if got := get(t, s, readPath, bitbuckettest.UsernameAccess, values.Get("access_token")); got.status != 200 {
		t.Errorf("git: %d", got.status)
	}
}
