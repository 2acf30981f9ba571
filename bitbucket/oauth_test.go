package bitbucket

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/secret"
)

// asked is when every grant of the tests is asked for, by our clock.
var asked = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// oauthBitbucket has the consumer ci, who grants at once, and a client.
func oauthBitbucket(t *testing.T, more string) (*bitbuckettest.Server, *Client, Consumer) {
	t.Helper()
	s := bitbuckettest.New(t)
	command(t, s, "consumer ci owner=alice answer=grant "+more)
	c := client(t, Options{
		Proxy: through(must(url.Parse(s.ProxyURL()))), CAFile: s.CAFile(), Wait: noWait, Now: func() time.Time { return asked },
	})
	ci, _ := s.Consumer("ci")
	return s, c, Consumer{ci.Key, secret.New(ci.Secret)}
}

// visit does what a browser does at the address, and returns where it is sent.
func visit(t *testing.T, s *bitbuckettest.Server, address string) secret.Secret {
	t.Helper()
	browser := *s.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusFound {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	return secret.New(response.Header.Get("Location"))
}

const callback = "http://127.0.0.1:34117/callback"

// login runs the code flow.
func login(t *testing.T, s *bitbuckettest.Server, c *Client, consumer Consumer) Grant {
	t.Helper()
	verifier, challenge := NewVerifier()
	a := Authorization{ClientID: consumer.ID, Redirect: callback, State: NewState(), Challenge: challenge}
	found, err := ParseRedirect(visit(t, s, AuthorizeURL(a)), a, asked)
	if err != nil || found.Code.IsZero() || !found.Grant.Access.IsZero() {
		t.Fatal(found, err)
	}
	grant, err := c.Exchange(t.Context(), consumer, found.Code, a.Redirect, verifier)
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

// hides fails if a print of the values has one of the secrets, or a good part of one.
func hides(t *testing.T, name string, values []any, secrets ...secret.Secret) {
	t.Helper()
	printed, _ := json.Marshal(values)
	text := string(printed)
	for _, value := range values {
		text += fmt.Sprintf("%v %+v %#v", value, value, value)
		for err, _ := value.(error); err != nil; err = errors.Unwrap(err) {
			text += fmt.Sprintf("%v %+v %#v", err, err, err)
		}
	}
	for _, s := range secrets {
		if s.IsZero() {
			t.Errorf("%s: no secret to look for", name)
		} else if part := s.Reveal(); strings.Contains(text, part[:min(16, len(part))]) || strings.Contains(text, part[max(0, len(part)-16):]) {
			t.Errorf("%s shows a secret: %s", name, text)
		}
	}
}

var allScopes = []string{"account", "repository", "repository:write"}

func TestCodeGrant(t *testing.T) {
	t.Parallel()
	s, c, consumer := oauthBitbucket(t, "")
	grant := login(t, s, c, consumer)
	if !grant.Expires.Equal(asked.Add(2*time.Hour)) || grant.Refresh.IsZero() || !slices.Equal(grant.Scopes, allScopes) {
		t.Errorf("%+v", grant)
	}
	got, err := c.User(t.Context(), Login{Kind: OAuthToken, Token: grant.Access})
	if err != nil || got.User.Username != "alice" {
		t.Errorf("%+v, %v", got, err)
	}
	hides(t, "a grant", []any{grant, &grant, consumer}, grant.Access, grant.Refresh, consumer.Secret)

	a := Authorization{ClientID: consumer.ID, Redirect: callback, State: NewState()}
	_, a.Challenge = NewVerifier()
	found, err := ParseRedirect(visit(t, s, AuthorizeURL(a)), a, asked)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := NewVerifier()
	_, err = c.Exchange(t.Context(), consumer, found.Code, callback, other)
	var refusal *OAuthError
	if !errors.As(err, &refusal) || refusal.Code != "invalid_grant" || refusal.Description == "" {
		t.Errorf("another's verifier: %v", err)
	}
	hides(t, "a refusal", []any{err}, found.Code, other, consumer.Secret)
}

func TestRefreshGrant(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"jwt", "opaque", "60000"} {
		s, c, consumer := oauthBitbucket(t, "format="+format+" spelling=scopes expires=30m")
		first := login(t, s, c, consumer)
		second, err := c.Refresh(t.Context(), consumer, first.Refresh)
		if err != nil || second.Refresh.Equal(first.Refresh) || second.Access.Equal(first.Access) || !slices.Equal(second.Scopes, allScopes) {
			t.Errorf("%s: %+v, %v", format, second, err)
		}
		if !second.Expires.Equal(asked.Add(30 * time.Minute)) {
			t.Errorf("%s: %v", format, second.Expires)
		}
		command(t, s, "fault missing field=refresh_token")
		third, err := c.Refresh(t.Context(), consumer, second.Refresh)
		if err != nil || !third.Refresh.Equal(second.Refresh) {
			t.Errorf("%s: an answer without a refresh token: %v, %v", format, third, err)
		}
		command(t, s, "fault none")
		command(t, s, "oauth revoke ci")
		s.ResetLog()
		_, err = c.Refresh(t.Context(), consumer, third.Refresh)
		want := Host + " refuses: unauthorized_client: " + bitbuckettest.TextClientInvalid
		if err == nil || err.Error() != want || !IsDeadGrant(fmt.Errorf("x: %w", err)) {
			t.Errorf("%s: a dead one: %v", format, err)
		}
		command(t, s, "expect 1 grant=refresh_token")
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	s, c, consumer := oauthBitbucket(t, "spelling=both scopes=read")
	grant, err := c.ClientCredentials(t.Context(), consumer, []string{"repository"})
	if err != nil || grant.Access.IsZero() || !grant.Refresh.IsZero() || !slices.Equal(grant.Scopes, []string{"repository"}) {
		t.Errorf("%+v, %v", grant, err)
	}
	_, err = c.ClientCredentials(t.Context(), consumer, []string{"repository", "account"})
	var refusal *OAuthError
	if !errors.As(err, &refusal) || refusal.Code != "invalid_scope" || IsDeadGrant(err) {
		t.Errorf("a scope too many: %v", err)
	}
	wrong := Consumer{consumer.ID, secret.New("made-for-tests:%&+")}
	if _, err = c.ClientCredentials(t.Context(), wrong, nil); !IsDeadGrant(err) {
		t.Errorf("a wrong secret: %v", err)
	}
	command(t, s, "expect 3 grant=client_credentials")
}

// A key and a secret go out as RFC 6749, section 2.3.1, has them, whatever is in them.
func TestClientCredentialsAreEscaped(t *testing.T) {
	t.Parallel()
	var header string
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		answering(200, `{"access_token":"opaque"}`)(w, r)
	})
	o := s.options()
	o.Now = func() time.Time { return asked }
	_, err := client(t, o).ClientCredentials(t.Context(), Consumer{"a:b", secret.New("c%d ü")}, nil)
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("a%3Ab:c%25d+%C3%BC")); err != nil || header != want {
		t.Errorf("%s, %v", header, err)
	}
}

func TestAppGrant(t *testing.T) {
	t.Parallel()
	s, c, _ := oauthBitbucket(t, "appkey=com.example.app clientkey=connection:7 sharedsecret=made-for-tests-shared-secret-0123")
	s.SetClock(asked.Add(time.Minute))
	app := App{"com.example.app", "connection:7", secret.New("made-for-tests-shared-secret-0123")}
	grant, err := c.AppGrant(t.Context(), app, []string{"repository"})
	if err != nil || grant.Access.IsZero() || !grant.Refresh.IsZero() || !slices.Equal(grant.Scopes, []string{"repository"}) {
		t.Errorf("%+v, %v", grant, err)
	}
	command(t, s, "expect 1 grant=urn:bitbucket:oauth2:jwt consumer=ci status=200")
	app.SharedSecret = secret.New("another-made-for-tests-0123456789")
	if _, err := c.AppGrant(t.Context(), app, nil); !IsDeadGrant(err) {
		t.Errorf("a wrong shared secret: %v", err)
	}
}

func TestProofOfAnApp(t *testing.T) {
	t.Parallel()
	var request *http.Request
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		request = r
		answering(200, `{"access_token":"opaque"}`)(w, r)
	})
	o := s.options()
	o.Now = func() time.Time { return asked }
	app := App{"key", "client", secret.New("made-for-tests-shared-secret-0123")}
	if _, err := client(t, o).AppGrant(t.Context(), app, []string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if want := "grant_type=urn%3Abitbucket%3Aoauth2%3Ajwt&scope=a+b"; request.PostForm.Encode() != want {
		t.Error(request.PostForm.Encode())
	}
	text, ok := strings.CutPrefix(request.Header.Get("Authorization"), "JWT ")
	claims := jwt.MapClaims{}
	proof, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return []byte(app.SharedSecret.Reveal()), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithTimeFunc(func() time.Time { return asked }))
	if err != nil || !ok || proof.Header["typ"] != "JWT" {
		t.Fatal(ok, err)
	}
	want := jwt.MapClaims{"iss": "key", "sub": "client", "iat": float64(asked.Unix()), "exp": float64(asked.Unix() + 180)}
	if fmt.Sprint(claims) != fmt.Sprint(want) {
		t.Error(claims)
	}
}

// The implicit grant: its answer comes by the browser alone.
func TestImplicitGrant(t *testing.T) {
	t.Parallel()
	s, _, consumer := oauthBitbucket(t, "spelling=both")
	a := Authorization{ClientID: consumer.ID, Redirect: callback, State: NewState(), Implicit: true, Challenge: "not-sent"}
	if strings.Contains(AuthorizeURL(a), "challenge") {
		t.Error(AuthorizeURL(a))
	}
	found, err := ParseRedirect(visit(t, s, AuthorizeURL(a)), a, asked)
	if err != nil || !found.Code.IsZero() || len(found.Grant.Access.Reveal()) != 2600 || !slices.Equal(found.Grant.Scopes, allScopes) {
		t.Errorf("%+v, %v", found, err)
	}
	if !found.Grant.Expires.Equal(asked.Add(2*time.Hour)) || !found.Grant.Refresh.IsZero() {
		t.Errorf("%+v", found)
	}
	command(t, s, "oauth deny ci")
	_, err = ParseRedirect(visit(t, s, AuthorizeURL(a)), a, asked)
	var refusal *OAuthError
	if !errors.As(err, &refusal) || *refusal != (OAuthError{"access_denied", "The resource owner denied the request."}) {
		t.Error(err)
	}
}

func TestNothingIsAsked(t *testing.T) {
	t.Parallel()
	s, c, consumer := oauthBitbucket(t, "")
	text := secret.New("x")
	for name, c2 := range map[string]struct {
		ask  func() (Grant, error)
		want error
	}{
		"no code":          {func() (Grant, error) { return c.Exchange(t.Context(), consumer, secret.Secret{}, callback, text) }, ErrEmptyToken},
		"no refresh token": {func() (Grant, error) { return c.Refresh(t.Context(), consumer, secret.Secret{}) }, ErrEmptyToken},
		"no secret":        {func() (Grant, error) { return c.Refresh(t.Context(), Consumer{ID: "x"}, text) }, ErrConsumer},
		"no key":           {func() (Grant, error) { return c.ClientCredentials(t.Context(), Consumer{Secret: text}, nil) }, ErrConsumer},
		"no shared secret": {func() (Grant, error) { return c.AppGrant(t.Context(), App{Key: "a", ClientKey: "b"}, nil) }, ErrConsumer},
		"no clock": {func() (Grant, error) {
			return client(t, Options{CAFile: s.CAFile()}).ClientCredentials(t.Context(), consumer, nil)
		}, ErrNoClock},
		"no clock for an app": {func() (Grant, error) {
			return client(t, Options{CAFile: s.CAFile()}).AppGrant(t.Context(), App{"a", "b", text}, nil)
		}, ErrNoClock},
	} {
		if _, err := c2.ask(); err != c2.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.Log()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestVerifierAndState(t *testing.T) {
	verifier, challenge := NewVerifier()
	other, _ := NewVerifier()
	state, next := NewState(), NewState()
	if len(verifier.Reveal()) != 43 || len(challenge) != 43 || verifier.Equal(other) || state == next || len(state) < 26 {
		t.Error(challenge)
	}
}

func TestAuthorizeURL(t *testing.T) {
	got := AuthorizeURL(Authorization{"k&y", "http://127.0.0.1:1/a", "st", "ch", []string{"account", "repository:write"}, false})
	want := "https://bitbucket.org/site/oauth2/authorize?client_id=k%26y&code_challenge=ch&code_challenge_method=S256" +
		"&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fa&response_type=code&scope=account+repository%3Awrite&state=st"
	if got != want {
		t.Error(got)
	}
}
