package bitbucket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/secret"
)

// noWait waits no time at all.
func noWait(context.Context, time.Duration) error { return nil }

// testBitbucket has a repository acme/app and a client that reaches it.
func testBitbucket(t *testing.T, commands ...string) (*bitbuckettest.Server, *Client) {
	t.Helper()
	s := bitbuckettest.New(t)
	for _, line := range append([]string{"repo acme/app"}, commands...) {
		command(t, s, line)
	}
	return s, client(t, Options{Proxy: through(must(url.Parse(s.ProxyURL()))), CAFile: s.CAFile(), Wait: noWait})
}

func command(t *testing.T, s *bitbuckettest.Server, line string) {
	t.Helper()
	if err := s.Command(strings.Fields(line)...); err != nil {
		t.Fatal(line, err)
	}
}

func tokenOf(s *bitbuckettest.Server, name string) secret.Secret {
	token, _ := s.Token(name)
	return secret.New(token.Text)
}

var app = Repository{"acme", "app"}

func TestUser(t *testing.T) {
	t.Parallel()
	s, c := testBitbucket(t,
		"token alice owner=alice email=alice@example.com",
		"token narrow email=alice@example.com scopes=read,write",
		"token unscoped email=alice@example.com scopes=none",
		"token gone email=alice@example.com", "revoke gone",
		"token repo kind=repository scopes=read", "token space kind=workspace", "token oauth kind=oauth",
	)
	for _, c2 := range []struct {
		name, email string
		kind        Kind
		answer      Answer
		username    string
		scopes      []string
		required    []string
		found       Kind
	}{
		{"alice", "alice@example.com", APIToken, AnswerOK, "alice", []string{"read:repository:bitbucket", "write:repository:bitbucket", "read:user:bitbucket"}, nil, APIToken},
		{"alice", "bob@example.com", APIToken, AnswerRefused, "", nil, nil, UnknownKind},
		{"alice", "alice", APIToken, AnswerRefused, "", nil, nil, UnknownKind},
		{"alice", "", AccessToken, AnswerRefused, "", nil, nil, UnknownKind},
		{"narrow", "alice@example.com", APIToken, AnswerLacksScope, "", []string{"read:repository:bitbucket", "write:repository:bitbucket"}, []string{"read:user:bitbucket"}, APIToken},
		{"unscoped", "alice@example.com", APIToken, AnswerRefused, "", nil, nil, UnknownKind},
		{"gone", "alice@example.com", APIToken, AnswerRefused, "", nil, nil, UnknownKind},
		{"repo", "", AccessToken, AnswerLacksScope, "", []string{"repository"}, []string{"account"}, AccessToken},
		{"space", "", AccessToken, AnswerOK, "space", []string{"repository", "repository:write", "account"}, nil, AccessToken},
		{"oauth", "", OAuthToken, AnswerOK, "oauth", []string{"repository", "repository:write", "account"}, nil, UnknownKind},
	} {
		got, err := c.User(t.Context(), Login{c2.kind, c2.email, tokenOf(s, c2.name)})
		if err != nil || got.Answer != c2.answer || got.User.Username != c2.username || got.Kind() != c2.found {
			t.Errorf("%s as %s: %+v, %v", c2.name, c2.email, got, err)
		}
		if !slices.Equal(got.Scopes, c2.scopes) || !slices.Equal(got.Required, c2.required) || got.Date.IsZero() || got.Body != nil {
			t.Errorf("%s as %s: %+v", c2.name, c2.email, got)
		}
	}
	got, err := c.Reach(t.Context())
	if err != nil || got.Answer != AnswerRefused || got.Date.IsZero() || got.Message != bitbuckettest.TextTokenInvalid {
		t.Errorf("without a token: %+v, %v", got, err)
	}
	if last := s.Log()[len(s.Log())-1]; last.Scheme != "" {
		t.Errorf("Reach shows a token: %v", last)
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	s, c := testBitbucket(t,
		"token alice", "token reader scopes=read", "token narrow kind=repository repos=acme/other", "token elsewhere workspaces=other", "token app kind=app",
	)
	const api, access = bitbuckettest.UsernameAPI, bitbuckettest.UsernameAccess
	for _, c2 := range []struct {
		username, name string
		service        Service
		answer         Answer
		text           string
	}{
		{api, "alice", Fetch, AnswerOK, ""},
		{api, "alice", Push, AnswerOK, ""},
		{"alice@example.com", "alice", Fetch, AnswerRefused, bitbuckettest.TextLogin},
		{api, "reader", Fetch, AnswerOK, ""},
		{api, "reader", Push, AnswerLacksScope, bitbuckettest.TextScope},
		{access, "narrow", Fetch, AnswerNoAccess, bitbuckettest.TextNoAccess},
		{api, "elsewhere", Fetch, AnswerRefused, bitbuckettest.TextLogin},
		{"anybody", "app", Fetch, AnswerAppPasswordsOver, strings.ReplaceAll(bitbuckettest.TextAppPassword, "\n", " ")},
	} {
		got, err := c.Refs(t.Context(), c2.username, tokenOf(s, c2.name), app, c2.service)
		if err != nil || got.Answer != c2.answer || got.Message != c2.text || got.Body != nil {
			t.Errorf("%s for %s as %s: %+v, %v", c2.name, c2.service, c2.username, got, err)
		}
	}
	token := tokenOf(s, "alice")
	for want, ask := range map[error]func() (Reply, error){
		ErrRepository: func() (Reply, error) {
			return c.Refs(t.Context(), api, token, Repository{"acme", "../x"}, Fetch)
		},
		ErrService:    func() (Reply, error) { return c.Refs(t.Context(), api, token, app, "git-upload-archive") },
		ErrUsername:   func() (Reply, error) { return c.Refs(t.Context(), "", token, app, Fetch) },
		ErrEmptyToken: func() (Reply, error) { return c.Refs(t.Context(), api, secret.Secret{}, app, Fetch) },
		ErrKind:       func() (Reply, error) { return c.Refs(t.Context(), api, secret.New("BBDC-x"), app, Fetch) },
	} {
		s.ResetLog()
		if got, err := ask(); !errors.Is(err, want) || len(s.Log()) != 0 {
			t.Errorf("%v: %+v, %v, %v", want, got, err, s.Log())
		}
	}
}

// Each refusal that the test Bitbucket knows has its Answer, of git and of REST.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s, c := testBitbucket(t, "token alice email=alice@example.com")
	login := Login{APIToken, "alice@example.com", tokenOf(s, "alice")}
	for _, c2 := range []struct {
		fault string
		want  Answer
	}{
		{"401", AnswerRefused}, {"scope", AnswerLacksScope}, {"noaccess", AnswerNoAccess}, {"allowlist", AnswerNotListed}, {"twostep", AnswerWantsTwoStep},
		{"404", AnswerNoAccess}, {"410", AnswerAppPasswordsOver}, {"429", AnswerRateLimited}, {"500", AnswerOutage}, {"503", AnswerOutage}, {"outage", AnswerOutage},
		{"redirect to=evil.bitbucket.org", AnswerMoved},
	} {
		command(t, s, "fault "+c2.fault)
		s.ResetLog()
		rest, err := c.Send(t.Context(), login, Request{Path: "/2.0/repositories/acme/app"})
		refs, err2 := c.Refs(t.Context(), bitbuckettest.UsernameAPI, login.Token, app, Fetch)
		if err = errors.Join(err, err2); err != nil || rest.Answer != c2.want || refs.Answer != c2.want {
			t.Errorf("%s: %+v, %+v, %v", c2.fault, rest, refs, err)
		}
		if c2.want != AnswerMoved && (rest.Message == "" || refs.Message == "") {
			t.Errorf("%s has no words: %q, %q", c2.fault, rest.Message, refs.Message)
		}
		if len(s.Log()) != 2 {
			t.Errorf("%s: asked again, or elsewhere: %v", c2.fault, s.Log())
		}
		command(t, s, "fault none")
	}
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	s, _ := testBitbucket(t, "token alice email=alice@example.com")
	login := Login{APIToken, "alice@example.com", tokenOf(s, "alice")}
	deadline := func(d time.Duration) func() (context.Context, context.CancelFunc) {
		return func() (context.Context, context.CancelFunc) { return context.WithTimeout(t.Context(), d) }
	}
	for _, c2 := range []struct {
		fault, method string
		context       func() (context.Context, context.CancelFunc)
		interrupted   bool
		requests      int
		waited        []time.Duration
		answer        Answer
		after         time.Duration
	}{
		{"429 retry=5s times=1", "GET", deadline(time.Hour), false, 2, []time.Duration{5 * time.Second}, AnswerOK, 0},
		{"503 retry=1s times=1", "GET", deadline(time.Hour), false, 2, []time.Duration{time.Second}, AnswerOK, 0},
		{"429 retry=1s", "GET", deadline(time.Hour), false, 2, []time.Duration{time.Second}, AnswerRateLimited, time.Second},
		{"429 retry=6s", "GET", deadline(time.Hour), false, 1, nil, AnswerRateLimited, 6 * time.Second},
		{"429", "GET", deadline(time.Hour), false, 1, nil, AnswerRateLimited, 0},
		{"500 retry=1s", "GET", deadline(time.Hour), false, 1, nil, AnswerOutage, time.Second},
		{"429 retry=1s", "DELETE", deadline(time.Hour), false, 1, nil, AnswerRateLimited, time.Second},
		{"429 retry=5s", "GET", deadline(4 * time.Second), false, 1, nil, AnswerRateLimited, 5 * time.Second},
		{"429 retry=1s", "GET", deadline(time.Hour), true, 1, []time.Duration{time.Second}, AnswerRateLimited, time.Second},
	} {
		var waited []time.Duration
		c := client(t, Options{Proxy: through(must(url.Parse(s.ProxyURL()))), CAFile: s.CAFile(), Wait: func(_ context.Context, d time.Duration) error {
			waited = append(waited, d)
			if c2.interrupted {
				return context.Canceled
			}
			return nil
		}})
		command(t, s, "fault "+c2.fault)
		s.ResetLog()
		ctx, cancel := c2.context()
		got, err := c.Send(ctx, login, Request{Method: c2.method, Path: "/2.0/user"})
		cancel()
		if err != nil || got.Answer != c2.answer || got.RetryAfter != c2.after || len(s.Log()) != c2.requests || !slices.Equal(waited, c2.waited) {
			t.Errorf("%s, %s: %+v, %v, waited %v\n%v", c2.fault, c2.method, got, err, waited, s.Log())
		}
		command(t, s, "fault none")
	}
}

func TestWait(t *testing.T) {
	if err := wait(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/2.0/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, strings.Join([]string{r.Host, r.Method, r.RequestURI, r.Header.Get("Content-Type"), string(body)}, "|"))
	})
	c := s.client(t)
	for _, c2 := range []struct {
		request Request
		want    string
	}{
		{Request{Path: "/2.0/user"}, "api.bitbucket.org|GET|/2.0/user||"},
		{Request{Path: "HTTPS://API.BITBUCKET.ORG:443/2.0/a%2Fb?c=d%20e"}, "api.bitbucket.org|GET|/2.0/a%2Fb?c=d%20e||"},
		{Request{Method: "POST", Path: "2.0/x", Body: []byte(`{"a":1}`), ContentType: "application/json"}, `api.bitbucket.org|POST|/2.0/x|application/json|{"a":1}`},
		{Request{Method: "DELETE", Path: "2.0/missing"}, "api.bitbucket.org|DELETE|/2.0/missing||"},
		{Request{Method: "HEAD", Path: "2.0/x"}, ""},
	} {
		got, err := c.Send(t.Context(), bearer, c2.request)
		if err != nil || string(got.Body) != c2.want {
			t.Errorf("%v: %q, %v", c2.request, got.Body, err)
		}
	}
	for _, r := range s.seen() {
		if r.Header.Get("Authorization") != must(bearer.Header()).Reveal() || r.UserAgent() != "git-credential-bitbucket" || r.ProtoMajor != 1 {
			t.Errorf("%s %v %v", r.Proto, r.URL, r.Header)
		}
	}
	before := len(s.seen())
	for _, c2 := range []struct {
		request Request
		want    error
	}{
		{Request{Path: "https://evil.example/2.0/user"}, ErrForeignAddress},
		{Request{Path: "/user"}, ErrPath},
		{Request{Path: "/2.0/user", Method: "TRACE"}, ErrMethod},
		{Request{Path: "/2.0/user", Method: "GET /2.0/user HTTP/1.1\r\nX"}, ErrMethod},
		{Request{Path: "/2.0/user", Method: "get"}, ErrMethod},
		{Request{Path: "/2.0/user", ContentType: "a\r\nX: y"}, ErrContentType},
	} {
		if got, err := c.Send(t.Context(), bearer, c2.request); !errors.Is(err, c2.want) || !reflect.DeepEqual(got, Reply{}) {
			t.Errorf("%v: %+v, %v", c2.request, got, err)
		}
	}
	if _, err := c.Send(t.Context(), Login{Kind: AppPassword}, Request{Path: "/2.0/user"}); !errors.Is(err, ErrKind) || len(s.seen()) != before {
		t.Error(err)
	}
}

// What is larger than 1 MiB is no answer, unless the status is all that is asked for.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	body := `{"a":"` + strings.Repeat("x", bodyLimit-8) + `"}`
	status := http.StatusOK
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		answering(status, body, "Content-Type", "application/json")(w, r)
	})
	c := s.client(t)
	ask := func() (Reply, error) { return c.Send(t.Context(), bearer, Request{Path: "/2.0/x"}) }
	if got, err := ask(); err != nil || len(got.Body) != bodyLimit {
		t.Errorf("1 MiB: %d, %v", len(got.Body), err)
	}
	body += " "
	if got, err := ask(); !errors.Is(err, ErrTooLarge) || got.Body != nil {
		t.Errorf("more: %d, %v", len(got.Body), err)
	}
	if _, err := c.User(t.Context(), bearer); !errors.Is(err, ErrTooLarge) {
		t.Errorf("more, of a user: %v", err)
	}
	status = http.StatusNotFound
	if got, err := ask(); err != nil || got.Answer != AnswerNoAccess || got.Body != nil || got.Message != "" {
		t.Errorf("more, of a refusal: %d, %v", len(got.Body), err)
	}
}

// The body of a repository's answer is not read: this one never ends.
func TestRefsReadsNoBody(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = w.Write(bytes.Repeat([]byte("x"), 4096))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(done)
	})
	got, err := s.client(t).Refs(t.Context(), "x-token-auth", bearer.Token, app, Fetch)
	if err != nil || got.Answer != AnswerOK {
		t.Errorf("%+v, %v", got, err)
	}
	<-done
}

// Where the site moves a call, the token does not go.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	for _, to := range []string{
		"https://evil.example/2.0/user", "http://api.bitbucket.org/2.0/user", "https://api.bitbucket.org/2.0/other", "//bitbucket.org/x", "/2.0/other", "https://%zz", "",
	} {
		s := newSite(t, answering(http.StatusFound, "", "Location", to))
		c := s.client(t)
		for name, ask := range map[string]func() (Reply, error){
			"user":  func() (Reply, error) { return c.User(t.Context(), bearer) },
			"refs":  func() (Reply, error) { return c.Refs(t.Context(), "x-token-auth", bearer.Token, app, Fetch) },
			"send":  func() (Reply, error) { return c.Send(t.Context(), bearer, Request{Path: "/2.0/user"}) },
			"reach": func() (Reply, error) { return c.Reach(t.Context()) },
		} {
			if got, err := ask(); err != nil || got.Answer != AnswerMoved {
				t.Errorf("%s to %q: %+v, %v", name, to, got, err)
			}
		}
		if len(s.seen()) != 4 {
			t.Errorf("%q: %d requests", to, len(s.seen()))
		}
	}
}
