package bitbucket

import (
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"git-credential-bitbucket/store/secret"
)

// reading is what read makes of an answer to a call of Send.
func reading(t *testing.T, call call, status int, body string, headers ...string) (Reply, error) {
	t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	return read(call, &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))})
}

func sending(t *testing.T) call {
	t.Helper()
	return call{kind: sendCall, address: must(restAddress("/2.0/x")), shown: must(bearer.show())}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		host   string
		text   string
		want   Answer
	}{
		{200, RESTHost, "", AnswerOK},
		{204, RESTHost, "", AnswerOK},
		{301, Host, "", AnswerMoved},
		{304, RESTHost, "", AnswerMoved},
		{400, RESTHost, "", AnswerRejected},
		{401, Host, "Your credentials lack one or more required privilege scopes.", AnswerRefused},
		{403, Host, "", AnswerNoAccess},
		{403, Host, "YOUR CREDENTIALS lack one or more required privilege scopes.", AnswerLacksScope},
		{403, Host, "To access this repository, an admin must allowlist your IP.", AnswerNotListed},
		{403, Host, "To access this repository, enable two-step authentication.", AnswerWantsTwoStep},
		{404, RESTHost, "", AnswerNoAccess},
		{410, Host, "", AnswerAppPasswordsOver},
		{410, RESTHost, "CHANGE-3222 - Functionality has been deprecated", AnswerAppPasswordsOver},
		{410, RESTHost, "CHANGE-2770 - Functionality has been deprecated", AnswerRejected},
		{415, RESTHost, "", AnswerRejected},
		{429, RESTHost, "", AnswerRateLimited},
		{500, RESTHost, "", AnswerOutage},
		{599, Host, "two-step", AnswerOutage},
	} {
		if got := classify(c.status, c.host, c.text, nil); got != c.want {
			t.Errorf("%d %s %q: %s", c.status, c.host, c.text, got)
		}
	}
	if got := classify(403, RESTHost, "", []string{"account"}); got != AnswerLacksScope {
		t.Error(got)
	}
}

func TestMessage(t *testing.T) {
	token := bearer.Token.Reveal()
	const text, object = "text/plain; charset=utf-8", "application/json"
	for _, c := range []struct{ media, body, want string }{
		{object, `{"type":"error","error":{"message":"Not found"}}`, "Not found"},
		{object, `{"type":"error","error":{"message":"Resource not found","detail":"There is no API hosted at this URL"}}`, "Resource not found"},
		{object, `{"error":"invalid_grant"}`, ""},
		{object, `{"error":{"message":7}}`, ""},
		{object, `{"error":`, ""},
		{object, `"words"`, ""},
		{text, "Rate limit for this resource has been exceeded", "Rate limit for this resource has been exceeded"},
		{"", "Not found\r\n", "Not found"},
		{text, "one\n\ttwo\x00\x1b[31m three\u202e\u200b \xff", "one two [31m three"},
		{text, strings.Repeat("é", 200), strings.Repeat("é", 150)},
		{text, "x" + strings.Repeat("é", 200), "x" + strings.Repeat("é", 149)},
		{"text/html", "<html>down</html>", ""},
		{"text/html", "down", ""},
		{text, " <!DOCTYPE html><p>down", ""},
		{"", "<html>down", ""},
		{text, "bad token " + token, ""},
		{text, "bad token " + token[:20] + "…", ""},
		{text, "bad token " + token[:12] + "\x00\u200b" + token[12:], ""},
		{object, `{"error":{"message":"Bearer ` + token + `"}}`, ""},
	} {
		got, err := reading(t, sending(t), 400, c.body, "Content-Type", c.media)
		body := c.body
		if strings.Contains(body, token[:20]) || strings.Contains(body, token[12:]) {
			body = "" // kept back
		}
		if err != nil || got.Message != c.want || got.Answer != AnswerRejected || string(got.Body) != body {
			t.Errorf("%s %q: %q, %v", c.media, c.body, got.Message, err)
		}
	}
}

func TestScopes(t *testing.T) {
	body := `{"error":{"message":"m","detail":{"required":["read:user:bitbucket"],"granted":["a b","x\u001b","` + bearer.Token.Reveal() + `","repository"]}}}`
	got, err := reading(t, sending(t), 403, body, "X-OAuth-Scopes", "a:b,  c ,", "X-OAuth-Scopes", "d")
	if err != nil || got.Answer != AnswerLacksScope || !reflect.DeepEqual(got.Required, []string{"read:user:bitbucket"}) ||
		!reflect.DeepEqual(got.Granted, []string{"repository"}) || !reflect.DeepEqual(got.Scopes, []string{"a:b", "c", "d"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _ := reading(t, sending(t), 200, ""); got.Scopes != nil {
		t.Errorf("no header: %q", got.Scopes)
	}
	if got, _ := reading(t, sending(t), 200, "", "X-OAuth-Scopes", ""); got.Scopes == nil || len(got.Scopes) != 0 {
		t.Errorf("an empty header: %q", got.Scopes)
	}
}

func TestKindOfReply(t *testing.T) {
	for credential, want := range map[string]Kind{
		"api_token": APIToken, "repo_access_token": AccessToken, "project_access_token": AccessToken, "workspace_access_token": AccessToken,
		"oauth2": OAuthToken, "oauth1": OAuthToken, "apikey": UnknownKind, "": UnknownKind,
	} {
		got, err := reading(t, sending(t), 200, "", "X-Credential-Type", credential)
		if err != nil || got.Kind() != want || got.Credential != credential {
			t.Errorf("%q: %q, %v", credential, got.Kind(), err)
		}
	}
}

func TestUserReply(t *testing.T) {
	ask := sending(t)
	ask.kind = userCall
	got, err := reading(t, ask, 200, `{"username":"alice","display_name":"Alice\u001b[2J\nA.","uuid":"{00-11}","account_id":"5:6","type":7}`)
	if err != nil || got.User != (User{"alice", "Alice [2J A.", "{00-11}", "5:6"}) || got.Body != nil {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = reading(t, ask, 200, `{"username":7,"display_name":"`+bearer.Token.Reveal()+`","uuid":"{0}"}`)
	if err != nil || got.User != (User{UUID: "{0}"}) || got.Answer != AnswerOK {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTimes(t *testing.T) {
	const date = "Mon, 23 Nov 2026 12:00:00 GMT"
	for _, c := range []struct {
		after, date string
		want        time.Duration
		ok          bool
	}{
		{"", date, 0, false},
		{"30", "", 30 * time.Second, true},
		{"0", "", 0, true},
		{"-1", date, 0, false},
		{"1.5", date, 0, false},
		{"4294967296000000000", date, 0, false},
		{"2000000000", date, 24 * time.Hour, true},
		{"Mon, 23 Nov 2026 12:00:30 GMT", date, 30 * time.Second, true},
		{"Mon, 23 Nov 2026 11:00:00 GMT", date, 0, true},
		{"Mon, 23 Nov 2026 12:00:30 GMT", "", 0, false},
		{"soon", date, 0, false},
	} {
		got, err := reading(t, sending(t), 429, "", "Retry-After", c.after, "Date", c.date)
		if err != nil || got.RetryAfter != c.want || got.saysWhen != c.ok || got.Date.IsZero() != (c.date == "") {
			t.Errorf("%q from %q: %v %v %v, %v", c.after, c.date, got.RetryAfter, got.saysWhen, got.Date, err)
		}
	}
	for text, want := range map[string]bool{"true": true, "True": true, "false": false, "": false} {
		if got, _ := reading(t, sending(t), 200, "", "X-RateLimit-NearLimit", text); got.NearLimit != want {
			t.Errorf("near the limit %q: %v", text, got.NearLimit)
		}
	}
}

func TestNextPage(t *testing.T) {
	for body, want := range map[string]string{
		`{"next":"https://api.bitbucket.org/2.0/repositories/acme?page=2&q=a%20b"}`: "/2.0/repositories/acme?page=2&q=a%20b",
		`{"next":"https://api.bitbucket.org/2.0/x/://y?q=://"}`:                     "/2.0/x/://y?q=://",
		`{"next":"https://api.bitbucket.org:443/2.0/x%2Fy"}`:                        "/2.0/x%2Fy",
		`{"next":""}`:   "",
		`{"next":null}`: "",
		`{"next":7}`:    "",
		`{"values":[]}`: "",
		`["next"]`:      "",
		`no JSON`:       "",
		``:              "",
		`{"next":"https://api.bitbucket.org/2.0/x"`: "",
	} {
		got, err := reading(t, sending(t), 200, body)
		next, err2 := got.NextPage()
		if err = errors.Join(err, err2); err != nil || next != want || got.Next != want {
			t.Errorf("%s: %q, %v", body, next, err)
		}
		if want != "" {
			if again, err := restAddress(next); err != nil || again.RequestURI() != want {
				t.Errorf("%s is not to be sent: %v", next, err)
			}
		}
	}
	for _, address := range []string{
		"https://evil.example/2.0/x", "http://api.bitbucket.org/2.0/x", "https://api.bitbucket.org:444/2.0/x", "https://api.bitbucket.org@evil.example/2.0/x",
		"https://user:secret@api.bitbucket.org/2.0/x", "//evil.example/2.0/x", "/2.0/x", "2.0/x", "/2.0/https://api.bitbucket.org/2.0/x", "https://api.bitbucket.org/1.0/x", "https://api.bitbucket.org/2.0/../x",
		"https://bitbucket.org/2.0/x",
	} {
		got, err := reading(t, sending(t), 200, `{"next":"`+address+`"}`)
		next, foreign := got.NextPage()
		if err != nil || foreign != ErrForeignNext || next != "" || got.Next != "" || got.Answer != AnswerOK {
			t.Errorf("%s: %q, %v, %v", address, next, foreign, err)
		}
	}
}

func TestEcho(t *testing.T) {
	token := bearer.Token.Reveal()
	for body, want := range map[string]error{`{"token":"` + token + `"}`: ErrEcho, token[:20]: ErrEcho, `{"next":"https://api.bitbucket.org/2.0/x?t=` + token + `"}`: ErrEcho, token[:8]: nil} {
		if got, err := reading(t, sending(t), 200, body); err != want || err != nil && got.Body != nil {
			t.Errorf("%v, %q", err, got.Body)
		}
	}
}

// FuzzReply reads an answer as each kind of call does: no panic, nothing but one
// printable line, never the token, and a next page at the site alone.
func FuzzReply(f *testing.F) {
	token := made("ATATT3xFfGF0", "fuzz+/=")
	for _, body := range []string{
		`{"next":"https://api.bitbucket.org/2.0/x?page=2"}`, `{"next":"https://api.bitbucket.org/2.0/://"}`, `{"next":"https://evil.example/"}`, "<html>", "plain " + token,
		`{"error":{"message":"m","detail":{"required":["a"],"granted":[]}}}`, `{"username":"` + token + `","uuid":"{0}"}`,
	} {
		for _, status := range []int{200, 403, 503} {
			f.Add(status, "text/plain", body, "Date: Mon, 23 Nov 2026 12:00:00 GMT\nRetry-After: 3\nX-OAuth-Scopes: a, b\nX-Credential-Type: api_token", byte(status))
		}
	}
	login := Login{APIToken, "alice@example.com", secret.New(token)}
	shown := must(login.show())
	pair := must(login.Header()).Reveal()[len("Basic "):]
	f.Fuzz(func(t *testing.T, status int, media, body, headers string, kind byte) {
		ask := call{kind: callKind(kind % 3), address: must(restAddress("/2.0/x")), shown: shown, service: Fetch}
		header := http.Header{"Content-Type": {media}}
		for _, field := range strings.Split(headers, "\n") {
			if name, value, ok := strings.Cut(field, ":"); ok {
				header.Add(name, strings.TrimSpace(value))
			}
		}
		got, err := read(ask, &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))})
		if err != nil {
			if strings.Contains(err.Error(), token) || got.Status != 0 {
				t.Fatalf("%+v, %v", got, err)
			}
			return
		}
		if got.Answer == "" || got.RetryAfter < 0 {
			t.Fatalf("%+v", got)
		}
		next, _ := got.NextPage()
		texts := append([]string{got.Message, got.Credential, next, got.User.Username, got.User.DisplayName, got.User.UUID, got.User.AccountID}, got.Scopes...)
		for _, text := range append(append(texts, got.Required...), got.Granted...) {
			odd := func(r rune) bool { return !unicode.IsPrint(r) }
			if strings.Contains(text, token) || strings.Contains(text, pair) || strings.ContainsFunc(text, odd) || !utf8.ValidString(text) {
				t.Fatal(strconv.Quote(text))
			}
			if len(text) > 300 && text != next {
				t.Fatalf("%d bytes", len(text))
			}
		}
		if next != "" {
			address, err := restAddress(next)
			if err != nil || address.Host != RESTHost || !strings.HasPrefix(next, "/2.0") {
				t.Fatalf("%q: %v", next, err)
			}
		}
	})
}
