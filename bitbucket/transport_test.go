package bitbucket

import (
	"errors"
	"net/http"
	"testing"
)

// Even a request that should never have been made goes nowhere else.
func TestGuard(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(http.StatusOK, "{}"))
	transport := must(newTransport(s.options()))
	passed := 0
	for _, c := range []struct {
		method, address string
		passes          bool
	}{
		{"GET", "https://api.bitbucket.org/2.0/user", true},
		{"GET", "https://bitbucket.org/acme/app.git/info/refs?service=git-upload-pack", true},
		{"POST", "https://bitbucket.org/site/oauth2/access_token", true},
		{"GET", "https://bitbucket.org/", false},
		{"GET", "https://bitbucket.org/site/oauth2/authorize", false},
		{"GET", "https://bitbucket.org/site/oauth2/access_token", false},
		{"POST", "https://bitbucket.org/site/oauth2/access_token?x=1", false},
		{"POST", "https://bitbucket.org/site/oauth2/access_token/", false},
		{"POST", "https://bitbucket.org/site/oauth2%2Faccess_token", false},
		{"POST", "https://bitbucket.org/acme/app.git/info/refs", false},
		{"POST", "https://bitbucket.org:443/site/oauth2/access_token", false},
		{"POST", "http://bitbucket.org/site/oauth2/access_token", false},
		{"POST", "https://u@bitbucket.org/site/oauth2/access_token", false},
		{"POST", "https://evil.example/site/oauth2/access_token", false},
		{"GET", "https://evil.example/", false},
		{"GET", "http://api.bitbucket.org/", false},
		{"GET", "https://api.bitbucket.org:444/", false},
		{"GET", "https://API.bitbucket.org/", false},
		{"GET", "https://user:secret@api.bitbucket.org/", false},
		{"GET", "https://www.bitbucket.org/acme/app.git/info/refs", false},
		{"GET", "https://bitbucket.org./acme/app.git/info/refs", false},
	} {
		request := must(http.NewRequestWithContext(t.Context(), c.method, c.address, nil))
		request.Header.Set("Authorization", "Bearer x")
		response, err := transport.RoundTrip(request)
		if c.passes != (err == nil) || !c.passes && !errors.Is(err, ErrForeignAddress) {
			t.Errorf("%s %s: %v", c.method, c.address, err)
		}
		if err == nil {
			passed++
			_ = response.Body.Close()
		}
		request.Host = "evil.example"
		if _, err := transport.RoundTrip(request); !errors.Is(err, ErrForeignAddress) {
			t.Errorf("%s %s, as another host: %v", c.method, c.address, err)
		}
	}
	if n := len(s.seen()); n != passed {
		t.Errorf("%d requests", n)
	}
}
