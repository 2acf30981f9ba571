package bitbucket

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store/secret"
)

// kindOfError says what an error is, in a word.
func kindOfError(err error) string {
	var refusal *OAuthError
	var answer *AnswerError
	var away *UnreachableError
	switch {
	case errors.As(err, &refusal):
		return strings.TrimSpace("oauth " + refusal.Code + " " + refusal.Description)
	case errors.As(err, &answer):
		return "answer " + string(answer.Reply.Answer)
	case errors.As(err, &away):
		return "away " + string(away.Why)
	case err != nil:
		return err.Error()
	}
	return ""
}

// What can go wrong on the way of each grant. A refresh token that the site still made
// comes through wherever its answer came.
func TestFaultsOfGrants(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"message at=token":                          "oauth invalid_grant",
		"message at=token status=403":               "oauth invalid_grant",
		"message at=token status=503":               "answer outage",
		"truncated":                                 "away other",
		"truncated field=refresh_token":             "away other",
		"lost":                                      "away other",
		"html at=token":                             "away portal",
		"html at=token status=502":                  "answer outage",
		"big at=token":                              ErrTooLarge.Error(),
		"big at=token status=500":                   "answer outage",
		"redirect at=token to=evil.example":         "answer moved",
		"redirect at=token to=http://bitbucket.org": "answer moved",
		"429 at=token retry=30s":                    "answer rate-limit",
		"outage":                                    "answer outage",
		"404 at=token":                              "answer no-access",
		"401 at=token":                              "answer refused",
		"410 at=token":                              "answer app-password",
		"allowlist at=token":                        "answer allowlist",
		"hang at=token":                             "away timeout",
		"slow at=token delay=2s":                    "away timeout",
		"missing field=access_token":                ErrGrant.Error(),
		"odd field=access_token value=7":            ErrGrant.Error(),
		`odd field=access_token value="a\u001bb"`:   ErrGrant.Error(),
		`odd field=access_token value="BBDC-x"`:     ErrGrant.Error(),
		`odd field=token_type value="mac"`:          ErrGrant.Error(),
		"missing field=token_type":                  "",
		`odd field=token_type value="Bearer"`:       "",
		"missing field=expires_in":                  "",
		`odd field=expires_in value="soon"`:         "",
		"odd field=expires_in value=[]":             "",
		"odd field=expires_in value=-1":             "",
		"odd field=expires_in value=1e300":          "",
		"odd field=scope value=7":                   "",
		`odd field=error value="invalid_grant"`:     "",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s, c, consumer := oauthBitbucket(t, "appkey=a clientkey=b sharedsecret=made-for-tests-shared-secret-0123")
			s.SetClock(asked)
			first := login(t, s, c, consumer)
			verifier, challenge := NewVerifier()
			a := Authorization{ClientID: consumer.ID, Redirect: callback, State: NewState(), Challenge: challenge}
			found := must(ParseRedirect(visit(t, s, AuthorizeURL(a)), a, asked))
			command(t, s, "fault "+fault)
			c.callTime = 5 * time.Second
			if strings.HasSuffix(want, "timeout") {
				c.callTime = 500 * time.Millisecond
			}
			app := App{"a", "b", secret.New("made-for-tests-shared-secret-0123")}
			for _, grant := range []struct {
				name    string
				refresh bool
				ask     func() (Grant, error)
			}{
				{"code", true, func() (Grant, error) { return c.Exchange(t.Context(), consumer, found.Code, callback, verifier) }},
				{"refresh", true, func() (Grant, error) { return c.Refresh(t.Context(), consumer, first.Refresh) }},
				{"client credentials", false, func() (Grant, error) { return c.ClientCredentials(t.Context(), consumer, nil) }},
				{"app", false, func() (Grant, error) { return c.AppGrant(t.Context(), app, nil) }},
			} {
				s.ResetLog()
				got, err := grant.ask()
				if kindOfError(err) != want {
					t.Errorf("%s: %v; want %s", grant.name, err, want)
				}
				if n := len(s.Log()); n != 1 {
					t.Errorf("%s: %d requests: %v", grant.name, n, s.Log())
				}
				if err == nil && (got.Access.IsZero() || !got.Expires.Equal(asked.Add(2*time.Hour))) {
					t.Errorf("%s: %+v", grant.name, got)
				}
				salvaged := strings.HasSuffix(fault, "field=refresh_token")
				if kept := grant.refresh && (err == nil || errors.Is(err, ErrGrant) || salvaged); got.Refresh.IsZero() == kept {
					t.Errorf("%s: refresh token %v", grant.name, got.Refresh)
				}
				hides(t, grant.name, []any{got, err}, consumer.Secret, found.Code, verifier, first.Refresh, first.Access, app.SharedSecret)
			}
		})
	}
}

func TestRateLimitOfGrants(t *testing.T) {
	t.Parallel()
	s, c, consumer := oauthBitbucket(t, "")
	command(t, s, "fault 429 at=token retry=30s")
	_, err := c.ClientCredentials(t.Context(), consumer, nil)
	var answer *AnswerError
	if !errors.As(err, &answer) || answer.Reply.RetryAfter != 30*time.Second || answer.Reply.Status != 429 || answer.Reply.Date.IsZero() || answer.Reply.Body != nil {
		t.Fatalf("%+v", err)
	}
	if want := "bitbucket.org gives no token but status 429: " + answer.Reply.Message; err.Error() != want || answer.Reply.Message == "" {
		t.Error(err)
	}
}

// reply is the reading of an answer.
func readAnswer(status int, media, body string) (Grant, error) {
	response := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(strings.NewReader(body))}
	q := Consumer{"key", secret.New("a-secret-made-for-tests")}.question(secret.New("a-refresh-token-made-for-tests"))
	return readGrant(response, []byte(body), cleaner{q.shown()}, asked)
}

func TestScopesOfGrants(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`"scope":"a b"`:                             {"a", "b"},
		`"scopes":"b,a , b"`:                        {"a", "b"},
		`"scope":["a","b c"],"scopes":["d",7,null]`: {"a", "b", "c", "d"},
		`"scope":""`:                                {},
		`"scope":[]`:                                {},
		`"scope":null`:                              nil,
		`"x":1`:                                     nil,
		`"scope":"a \u001b[2J ü T-0123456789abcdef-T repository:write"`: {"a", "repository:write"},
	} {
		got, err := readAnswer(200, "application/json", `{"access_token":"T-0123456789abcdef-T",`+body+`}`)
		if err != nil || !slices.Equal(got.Scopes, want) || (got.Scopes == nil) != (want == nil) {
			t.Errorf("%s: %q, %v", body, got.Scopes, err)
		}
	}
}

// A refresh token that came in full is not lost where the answer breaks off behind it.
func TestSalvage(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"refresh_token":"r"`: "r",
		`{"scope":["a",{"b":1}],"refresh_token" : "r" , "access_tok`:   "r",
		`{"refresh_token":"\u0072","access_token":"a","expires_in":72`: "r",
		`{"refresh_token":"r","x":{"refresh_token":"s"},`:              "r",
		`{"refresh_token":"r","refresh_token":"s","a":tru`:             "s",
		`{"refresh_token":"r","x":nonsense}`:                           "r",
		`{"refresh_token":"r`:                                          "",
		`{"x":{"refresh_token":"r"},`:                                  "",
		`{"refresh_token":7,`:                                          "",
		`{"refresh_token":"a b",`:                                      "",
		`{"x":"\"refresh_token\":\"r\",`:                               "",
		`{"x":` + strings.Repeat("[", 100_000):                         "",
	} {
		got, err := readAnswer(200, "application/json", body)
		if !errors.Is(err, ErrCutOff) || !got.Refresh.Equal(secret.New(want)) || !got.Access.IsZero() {
			t.Errorf("%.80s: %q, %v", body, got.Refresh.Reveal(), err)
		}
	}
	if got, err := readAnswer(400, "application/json", `{"refresh_token":"r"`); err == nil || !got.Refresh.IsZero() {
		t.Errorf("of a refusal: %v", err)
	}
}

func TestLifeOfGrants(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"7200": 2 * time.Hour, `"60"`: time.Minute, "1.5e3": 25 * time.Minute, "31622400": 366 * 24 * time.Hour,
		"31622401": 2 * time.Hour, "0": 2 * time.Hour, "-5": 2 * time.Hour, `"NaN"`: 2 * time.Hour, `"Inf"`: 2 * time.Hour, "null": 2 * time.Hour, "true": 2 * time.Hour,
	} {
		got, err := readAnswer(200, "", `{"access_token":"x","expires_in":`+text+`}`)
		if err != nil || got.Expires.Sub(asked) != want {
			t.Errorf("%s: %v, %v", text, got.Expires.Sub(asked), err)
		}
	}
}

// Of a refusal nothing is shown that may be a secret, ours or another's.
func TestWordsOfRefusals(t *testing.T) {
	t.Parallel()
	const long = "a-word-of-letters-alone-longer-than-any"
	for body, want := range map[string]string{
		`{"error":"invalid_grant","error_description":"no,\n\u001b[2Jno"}`:                          "oauth invalid_grant no, [2Jno",
		`{"error":"invalid_grant","error_description":"a-refresh-token-made-for-tests"}`:            "oauth invalid_grant",
		`{"error":"invalid_grant","error_description":"it was A-SECRET, a-secret-made-for-tests!"}`: "oauth invalid_grant",
		`{"error":"invalid_grant","error_description":"token 0123456789abcdefgh is dead"}`:          "oauth invalid_grant",
		`{"error":"invalid_grant","error_description":"` + long + `"}`:                              "oauth invalid_grant",
		`{"error":"invalid_grant","error_description":7}`:                                           "oauth invalid_grant",
		`{"error":"a-refresh-token-made-for-tests"}`:                                                "answer rejected",
		`{"error":"Invalid Grant"}`:                                                                 "answer rejected",
		`{"error":{"message":"m"}}`:                                                                 "answer rejected",
		`{"error":"` + strings.Repeat("a", 41) + `"}`:                                               "answer rejected",
		`[]`:            "answer rejected",
		`{"error":"inv`: "answer rejected",
		``:              "answer rejected",
	} {
		if _, err := readAnswer(400, "application/json", body); kindOfError(err) != want {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, want := range map[string]string{`[]`: "away portal", ``: "away portal", `{}`: ErrGrant.Error(), `{"a`: "away other", `{"error":"server_error"}`: "oauth server_error"} {
		if _, err := readAnswer(200, "application/json", body); kindOfError(err) != want {
			t.Errorf("200 %s: %v", body, err)
		}
	}
}

func TestPairOfAConsumerIsNotShown(t *testing.T) {
	c := cleaner{Consumer{"a", secret.New("b")}.question().shown()}
	if got := c.text("it was YTpi"); got != "" { // base64 of a:b
		t.Error(got)
	}
}

func TestIsDeadGrant(t *testing.T) {
	for err, want := range map[error]bool{
		&OAuthError{Code: "unauthorized_client"}: true, &OAuthError{Code: "invalid_grant"}: true, &OAuthError{Code: "invalid_client"}: true,
		&OAuthError{Code: "invalid_scope"}: false, &OAuthError{}: false, &AnswerError{Reply{Status: 401}}: false, ErrGrant: false, nil: false,
	} {
		if IsDeadGrant(err) != want {
			t.Error(err)
		}
	}
}

// FuzzGrant reads an answer of the token address: no panic, tokens that git's protocol
// carries, one printable line for a person, and nothing in it of what was sent.
func FuzzGrant(f *testing.F) {
	const sent = "a-refresh-token-made-for-tests"
	for _, body := range []string{
		`{"access_token":"x","refresh_token":"y","expires_in":7200,"token_type":"bearer","scope":"a b","scopes":["c"]}`,
		`{"error":"invalid_grant","error_description":"` + sent + `"}`, `{"access_token":"x","expires_in":"1e9","scope":"` + sent + `"}`, "<html>", "{", `{"error":{"message":"m"}}`,
	} {
		for _, status := range []int{200, 400, 503} {
			f.Add(status, "application/json", body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, media, body string) {
		got, err := readAnswer(status, media, body)
		if err != nil && (!got.Access.IsZero() || strings.Contains(err.Error(), sent) || line(err.Error()) != err.Error() && len(err.Error()) < 300) {
			t.Fatalf("%+v, %q", got, err)
		}
		if err == nil && (got.Access.IsZero() || !got.Expires.After(asked) || got.Expires.After(asked.Add(longestLife))) {
			t.Fatalf("%+v", got)
		}
		for _, token := range []secret.Secret{got.Access, got.Refresh} {
			if Printable(token) != nil || len(token.Reveal()) > MaxToken {
				t.Fatalf("%q", token.Reveal())
			}
		}
		for _, scope := range got.Scopes {
			if scope == "" || !isGraphic(scope) {
				t.Fatalf("%q", scope)
			}
		}
	})
}
