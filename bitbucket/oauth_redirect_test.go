package bitbucket

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"git-credential-bitbucket/store/secret"
)

func TestParseRedirect(t *testing.T) {
	t.Parallel()
	const code, good = "code-made-for-tests", "code=code-made-for-tests&state=S"
	for _, c := range []struct{ name, pasted, want string }{
		{"the address", callback + "?" + good, ""},
		{"as browsers show it", "127.0.0.1:34117/callback?" + good, ""},
		{"blanks, quotes and a line end", " '" + callback + "?" + good + "'\r\n", ""},
		{"its query", "?" + good, ""},
		{"its query alone", good, ""},
		{"with a fragment", callback + "?" + good + "#_=_", ""},
		{"with more fields", callback + "?" + good + "&iss=x", ""},
		{"nothing", "", ErrRedirect.Error()},
		{"the address alone", callback, ErrRedirect.Error()},
		{"the address and a mark", callback + "?", ErrRedirect.Error()},
		{"the code alone", code, ErrBareCode.Error()},
		{"the code with its name", "code=" + code, ErrNoState.Error()},
		{"the address to open", AuthorizeURL(Authorization{Redirect: callback, State: "S"}), ErrAuthorize.Error()},
		{"the address to open as browsers show it", "bitbucket.org/site/oauth2/authorize?state=S&code=" + code, ErrAuthorize.Error()},
		{"a page after it", "https://bitbucket.org/account/signin/?next=" + code, ErrRedirect.Error()},
		{"words", "what is this", ErrRedirect.Error()},
		{"no state", callback + "?code=" + code, ErrNoState.Error()},
		{"an empty state", callback + "?state=&code=" + code, ErrNoState.Error()},
		{"another's state", callback + "?state=s&code=" + code, ErrState.Error()},
		{"two states", callback + "?" + good + "&state=S", ErrRedirect.Error()},
		{"two codes", callback + "?" + good + "&code=x", ErrRedirect.Error()},
		{"no code", callback + "?state=S", ErrRedirect.Error()},
		{"an empty code", callback + "?state=S&code=", ErrRedirect.Error()},
		{"a code of two lines", callback + "?state=S&code=a%0Ab", ErrRedirect.Error()},
		{"in the fragment", callback + "#" + good, ErrRedirect.Error()},
		{"another path", callback + "2?" + good, ErrRedirect.Error()},
		{"another port", "http://127.0.0.1:1/callback?" + good, ErrRedirect.Error()},
		{"another host", "http://evil.example/callback?" + good, ErrRedirect.Error()},
		{"a user", "http://u@127.0.0.1:34117/callback?" + good, ErrRedirect.Error()},
		{"a broken escape", callback + "?" + good + "&x=%zz", ErrRedirect.Error()},
		{"too long", callback + "?" + good + strings.Repeat("&", 4*MaxToken), ErrLongToken.Error()},
		{"an error", callback + "?error=access_denied&error_description=The+owner+denied.&state=S", "oauth access_denied The owner denied."},
		{"an error and a code", callback + "?error=access_denied&" + good, "oauth access_denied"},
		{"an error of no state", callback + "?error=access_denied", ErrNoState.Error()},
		{"an error of a terminal", callback + "?error=access_denied&error_description=%1b%5b2J%0a&state=S", "oauth access_denied [2J"},
		{"an error that is none", callback + "?error=%1b&state=S", "oauth"},
		{"an error with a token", callback + "?error=server_error&error_description=0123456789abcdefghij&state=S", "oauth server_error"},
	} {
		got, err := ParseRedirect(secret.New(c.pasted), Authorization{Redirect: callback, State: "S"}, asked)
		if kindOfError(err) != c.want || (err == nil) != got.Code.Equal(secret.New(code)) || !got.Grant.Access.IsZero() {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
		hides(t, c.name, []any{got, err}, secret.New(code))
	}
	if _, err := ParseRedirect(secret.New("code=x&state="), Authorization{Redirect: callback}, asked); !errors.Is(err, ErrState) {
		t.Errorf("without a state of ours: %v", err)
	}
}

func TestParseImplicitRedirect(t *testing.T) {
	t.Parallel()
	const good = "access_token=access-made-for-tests&token_type=bearer&expires_in=60&state=S&scopes=a+b&refresh_token=r"
	for _, c := range []struct{ name, pasted, want string }{
		{"the address", callback + "#" + good, ""},
		{"its fragment", "#" + good, ""},
		{"its fragment alone", good, ""},
		{"in the query", callback + "?" + good, ErrRedirect.Error()},
		{"in a query alone", "?" + good, ErrRedirect.Error()},
		{"a code", callback + "?code=x&state=S", ErrRedirect.Error()},
		{"no state", callback + "#access_token=x", ErrNoState.Error()},
		{"no token", callback + "#state=S", ErrGrant.Error()},
		{"another type", callback + "#" + strings.Replace(good, "bearer", "mac", 1), ErrGrant.Error()},
		{"two tokens", callback + "#" + good + "&access_token=x", ErrRedirect.Error()},
		{"an error", callback + "#error=access_denied&state=S", "oauth access_denied"},
		{"an error in the query", callback + "?error=access_denied&state=S", "oauth access_denied"},
	} {
		got, err := ParseRedirect(secret.New(c.pasted), Authorization{Redirect: callback, State: "S", Implicit: true}, asked)
		if kindOfError(err) != c.want || !got.Code.IsZero() || !got.Grant.Refresh.IsZero() {
			t.Errorf("%s: %+v, %v; want %s", c.name, got, err, c.want)
		}
		if ok := got.Grant.Access.Equal(secret.New("access-made-for-tests")) && got.Grant.Expires.Sub(asked).Seconds() == 60 && len(got.Grant.Scopes) == 2; ok != (err == nil) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// FuzzParseRedirect: no panic, nothing without our state, and what comes out is what
// stands in the query of our address.
func FuzzParseRedirect(f *testing.F) {
	for _, text := range []string{
		callback + "?code=c&state=S", "127.0.0.1:34117/callback#access_token=x&state=S&expires_in=9", "'?error=access_denied&state=S&error_description=d'",
		"code=c&state=S&state=S", "#%zz", "http://evil.example/?code=c&state=S", "\ufeff \"",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, implicit bool) {
		a := Authorization{Redirect: callback, State: "S", Implicit: implicit}
		got, err := ParseRedirect(secret.New(text), a, asked)
		if none := got.Code.IsZero() && got.Grant.Access.IsZero(); none != (err != nil) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err != nil && line(err.Error()) != err.Error() && len(err.Error()) < 300 {
			t.Fatalf("%q", err)
		}
		if err == nil && !strings.Contains(text, "state") && !strings.Contains(text, "%") {
			t.Fatal("no state")
		}
		if got.Code.IsZero() {
			return
		}
		again, err := ParseRedirect(secret.New(callback+"?"+url.Values{"code": {got.Code.Reveal()}, "state": {"S"}}.Encode()), a, asked)
		if err != nil || !again.Code.Equal(got.Code) {
			t.Fatal(err)
		}
	})
}
