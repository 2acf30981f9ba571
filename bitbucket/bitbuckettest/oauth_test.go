package bitbuckettest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/secret"
)

const tokenURL = "https://bitbucket.org" + bitbuckettest.TokenPath

// granted is what the token endpoint answers, refused or not.
type granted struct {
	status  int
	header  http.Header
	body    string
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"`
	Scope   *string
	Scopes  *string
	State   *string
	Error   string
	Text    string `json:"error_description"`
}

// ask posts a form, "key=value&…", with that Authorization.
func ask(t *testing.T, s *bitbuckettest.Server, authorization, form string) granted {
	t.Helper()
	got, err := tryAsk(s, authorization, form)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func tryAsk(s *bitbuckettest.Server, authorization, form string) (got granted, err error) {
	req, err := http.NewRequest(http.MethodPost, tokenURL, strings.NewReader(form))
	if err != nil {
		return got, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		return got, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	got.status, got.header, got.body = res.StatusCode, res.Header, string(body)
	_ = json.Unmarshal(body, &got)
	return got, err
}

// basic is the Authorization of a consumer.
func basic(t *testing.T, s *bitbuckettest.Server, name string) string {
	t.Helper()
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(query(t, s, "text "+name+"/key"), query(t, s, "text "+name+"/secret"))
	return req.Header.Get("Authorization")
}

// refresh uses a refresh token of consumer ci.
func refresh(t *testing.T, s *bitbuckettest.Server, token string) granted {
	t.Helper()
	return ask(t, s, basic(t, s, "ci"), "grant_type=refresh_token&refresh_token="+url.QueryEscape(token))
}

// login runs the code grant of consumer ci.
func login(t *testing.T, s *bitbuckettest.Server) granted {
	t.Helper()
	got := ask(t, s, basic(t, s, "ci"), "grant_type=authorization_code&code="+newCode(t, s, ""))
	if got.status != 200 || got.Refresh == "" {
		t.Fatalf("login: %d %s", got.status, got.body)
	}
	return got
}

const clientInvalid = `{"error":"unauthorized_client","error_description":"Invalid OAuth client credentials"}` + "\n"

func TestCodeGrant(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "consumer ci owner=alice answer=grant")
	got := login(t, s)
	if got.Type != "bearer" || got.Expires != 7200 || *got.Scope != "repository repository:write account" || got.Scopes != nil || got.State != nil {
		t.Errorf("%+v", got)
	}
	if got.header.Get("Content-Type") != "application/json" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", got.header)
	}
	for name, token := range map[string]string{"access": got.Access, "refresh": got.Refresh} {
		if len(token) != 2600 || !regexp.MustCompile(`^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$`).MatchString(token) {
			t.Errorf("%s: %d characters, %s", name, len(token), token)
		}
	}
	if got := get(t, s, writePath, bitbuckettest.UsernameAccess, got.Access); got.status != 200 {
		t.Errorf("git: %d", got.status)
	}
	if got := get(t, s, userPath, "", got.Access); got.status != 200 || !strings.Contains(got.body, `"type":"user"`) || !strings.Contains(got.body, `"username":"alice"`) {
		t.Errorf("REST: %d %s", got.status, got.body)
	}
	if got := get(t, s, readPath, bitbuckettest.UsernameAccess, got.Refresh); got.status != 401 {
		t.Errorf("git takes the refresh token: %d", got.status)
	}
	commands(t, s, "oauth expire ci")
	if got := get(t, s, readPath, bitbuckettest.UsernameAccess, got.Access); got.status != 401 {
		t.Errorf("an expired token: %d", got.status)
	}
	again := refresh(t, s, got.Refresh)
	if again.status != 200 || again.Access == got.Access || again.Refresh == got.Refresh || again.Refresh == "" {
		t.Errorf("refresh: %d %s", again.status, again.body)
	}
	if fingerprint := query(t, s, "refresh ci"); fingerprint != secret.New(again.Refresh).Fingerprint() || query(t, s, "text ci/refresh") != again.Refresh {
		t.Errorf("refresh ci: %s", fingerprint)
	}
	commands(t, s, "expect 1 token=ci/1 host=bitbucket.org status=200", "expect 1 grant=refresh_token consumer=ci status=200",
		"oauth revoke ci")
	if got := get(t, s, readPath, bitbuckettest.UsernameAccess, again.Access); got.status != 401 {
		t.Errorf("after revoke: %d", got.status)
	}
	if got := refresh(t, s, again.Refresh); got.body != clientInvalid {
		t.Errorf("refresh after revoke: %s", got.body)
	}
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant scopes=write", "consumer other answer=grant key=otherkey secret=othersecret",
		"consumer bare callback=", "consumer narrow scopes=read")
	ci := basic(t, s, "ci")
	used := newCode(t, s, "")
	ask(t, s, ci, "grant_type=authorization_code&code="+used)
	const more = "http%3A%2F%2F127.0.0.1%3A34117%2Fcallback%2Fx"
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	code := func(query string) string { return "grant_type=authorization_code&code=" + newCode(t, s, query) }
	for name, c := range map[string]struct {
		authorization, form string
		code, text          string // none for a token
	}{
		"no client":            {"", "grant_type=client_credentials", "unauthorized_client", bitbuckettest.TextClientMissing},
		"bearer":               {"Bearer x", "grant_type=client_credentials", "unauthorized_client", bitbuckettest.TextClientMissing},
		"wrong secret":         {"Basic b3RoZXJrZXk6eA==", "grant_type=client_credentials", "unauthorized_client", bitbuckettest.TextClientInvalid},
		"form":                 {"", "grant_type=client_credentials&client_id=otherkey&client_secret=othersecret", "", ""},
		"form, wrong":          {"", "grant_type=client_credentials&client_id=otherkey&client_secret=x", "unauthorized_client", bitbuckettest.TextClientInvalid},
		"no callback":          {basic(t, s, "bare"), "grant_type=client_credentials", "invalid_request", bitbuckettest.TextNoCallback},
		"no grant":             {ci, "", "invalid_grant", "Unsupported grant type: None"},
		"password grant":       {ci, "grant_type=password", "invalid_grant", "Unsupported grant type: password"},
		"no code":              {ci, "grant_type=authorization_code", "invalid_grant", bitbuckettest.TextCodeInvalid},
		"used code":            {ci, "grant_type=authorization_code&code=" + used, "invalid_grant", bitbuckettest.TextCodeInvalid},
		"another's code":       {basic(t, s, "other"), code(""), "invalid_grant", bitbuckettest.TextCodeInvalid},
		"the callback itself":  {ci, code("") + "&redirect_uri=http%3A%2F%2F127.0.0.1%3A34117%2Fcallback", "", ""},
		"another redirect":     {ci, code("") + "&redirect_uri=" + more, "invalid_grant", "redirect_uri does not match the one of the authorization request."},
		"its redirect":         {ci, code("&redirect_uri="+more) + "&redirect_uri=" + more, "", ""},
		"without its redirect": {ci, code("&redirect_uri=" + more), "invalid_grant", "redirect_uri does not match the one of the authorization request."},
		"verifier":             {ci, code("&code_challenge_method=S256&code_challenge="+challenge) + "&code_verifier=" + verifier, "", ""},
		"plain verifier":       {ci, code("&code_challenge=abc") + "&code_verifier=abc", "", ""},
		"wrong verifier":       {ci, code("&code_challenge_method=S256&code_challenge="+challenge) + "&code_verifier=x", "invalid_grant", "code_verifier does not match the code_challenge."},
		"no verifier":          {ci, code("&code_challenge_method=S256&code_challenge=" + challenge), "invalid_grant", "code_verifier does not match the code_challenge."},
		"verifier, not asked":  {ci, code("") + "&code_verifier=x", "", ""},
		"fewer scopes":         {ci, "grant_type=client_credentials&scope=repository", "", ""},
		"more scopes":          {basic(t, s, "narrow"), "grant_type=client_credentials&scope=repository+account", "invalid_scope", "The consumer has not all of the scopes."},
	} {
		got := ask(t, s, c.authorization, c.form)
		if c.code == "" {
			if got.status != 200 || got.Access == "" {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
			continue
		}
		if got.status != 400 || got.Error != c.code || got.Text != c.text || got.Access != "" {
			t.Errorf("%s: %d %s; want %s, %s", name, got.status, got.body, c.code, c.text)
		}
	}
	old := code("")
	commands(t, s, "clock +10m")
	if got := ask(t, s, ci, old); got.Error != "invalid_grant" {
		t.Errorf("an old code: %d %s", got.status, got.body)
	}
	if got := send(t, s, http.MethodPost, tokenURL, "otherkey", "othersecret", `{"grant_type":"client_credentials"}`); got.status != 400 || !strings.Contains(got.body, "Unsupported grant type: None") {
		t.Errorf("JSON: %d %s", got.status, got.body)
	}
	if got := get(t, s, tokenURL, "otherkey", "othersecret"); got.status != 405 {
		t.Errorf("GET: %d", got.status)
	}
}

// A client that acts for itself: no refresh token, and an account of its own.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci owner=alice expires=90s scopes=read,user spelling=both format=opaque")
	got := ask(t, s, basic(t, s, "ci"), "grant_type=client_credentials")
	if got.status != 200 || got.Refresh != "" || got.Expires != 90 || *got.Scope != "repository account" || *got.Scopes != *got.Scope || *got.State != "client_credentials" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if len(got.Access) != 84 || strings.HasPrefix(got.Access, "eyJ") {
		t.Errorf("opaque: %s", got.Access)
	}
	if got := get(t, s, userPath, "", got.Access); got.status != 200 || !strings.Contains(got.body, `"type":"app_user"`) || strings.Contains(got.body, "alice") {
		t.Errorf("user: %d %s", got.status, got.body)
	}
	if got := get(t, s, branchPath, "", got.Access); got.status == 200 {
		t.Errorf("write without the scope: %d", got.status)
	}
	if out, err := s.Query("refresh", "ci"); err == nil {
		t.Errorf("a refresh token: %s", out)
	}
	commands(t, s, "clock +60s")
	if got := get(t, s, userPath, "", got.Access); got.status != 200 {
		t.Errorf("before it expires: %d", got.status)
	}
	commands(t, s, "clock +30s")
	if got := get(t, s, userPath, "", got.Access); got.status != 401 {
		t.Errorf("expired: %d", got.status)
	}
	commands(t, s, "consumer ci format=1900 spelling=scopes")
	got = ask(t, s, basic(t, s, "ci"), "grant_type=client_credentials")
	if len(got.Access) != 1900 || got.Scope != nil || *got.Scopes != "repository repository:write account" {
		t.Errorf("%d characters: %s", len(got.Access), got.body)
	}
}

func TestOAuthLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant format=opaque key=thekey secret=thesecret")
	got := login(t, s)
	ask(t, s, "", "grant_type="+got.Refresh+"&client_id=thekey&client_secret=thesecret")
	ask(t, s, "Basic dGhlc2VjcmV0Og==", "grant_type=client_credentials") // thesecret:
	get(t, s, tokenURL+"?refresh_token="+got.Refresh, got.Refresh, "x")
	fingerprint := secret.New("x").Fingerprint()
	text := query(t, s, "log")
	want := `https bitbucket.org GET /site/oauth2/authorize 302 user=- token=- consumer=ci
https bitbucket.org POST /site/oauth2/access_token 200 user=thekey token=- grant=authorization_code consumer=ci
https bitbucket.org POST /site/oauth2/access_token 400 user=- token=- consumer=ci
https bitbucket.org POST /site/oauth2/access_token 400 user=[secret] token=- grant=client_credentials
https bitbucket.org GET /site/oauth2/access_token 405 user=[secret] token=unknown:` + fingerprint
	if text != want {
		t.Errorf("log:\n%s\nwant:\n%s", text, want)
	}
	if all := fmt.Sprintf("%+v", s.Log()); strings.Contains(all, got.Refresh) || strings.Contains(all, got.Access) || strings.Contains(all, "thesecret") {
		t.Errorf("the log holds a secret: %s", all)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "token old expires=1h email=alice@example.com", "clock 2031-05-01T10:00:00Z", "token new expires=1h email=alice@example.com")
	got := get(t, s, userPath, alice, query(t, s, "text old"))
	if date, err := http.ParseTime(got.header.Get("Date")); got.status != 401 || err != nil || date.Sub(time.Date(2031, 5, 1, 10, 0, 0, 0, time.UTC)).Abs() > time.Minute {
		t.Errorf("%d at %s: %v", got.status, got.header.Get("Date"), err)
	}
	if got := get(t, s, userPath, alice, query(t, s, "text new")); got.status != 200 {
		t.Errorf("a new token: %d", got.status)
	}
	commands(t, s, "fault skew by=+10m", "clock -2h")
	got = get(t, s, userPath, alice, query(t, s, "text new"))
	if date := got.header.Get("Date"); got.status != 200 || !strings.Contains(date, "01 May 2031 08:1") {
		t.Errorf("%d at %s", got.status, date)
	}
}

func TestConsumersThatAreWrong(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci key=k")
	for _, line := range []string{
		"consumer", "consumer a/b", "consumer x key=k", "consumer x format=y", "consumer x format=599", "consumer x spelling=y",
		"consumer x answer=y", "consumer x appkey=a", "consumer x window=y", "oauth", "oauth grant", "oauth grant x", "oauth nod ci",
		"oauth expire x", "oauth revoke x", "clock x", "fault 500 grant=x", "fault missing at=rest", "fault odd", "fault late", "fault odd field=x value=y", "fault revoke at=token",
	} {
		if err := s.Command(strings.Fields(line)...); err == nil {
			t.Errorf("%q is taken for a command", line)
		}
	}
	for _, line := range []string{"refresh x", "refresh ci", "alive-refresh x", "text ci/refresh", "text ci/x", "text x/key"} {
		if out, err := s.Query(strings.Fields(line)...); err == nil {
			t.Errorf("%q is answered: %s", line, out)
		}
	}
}
