package bitbucket

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"git-credential-bitbucket/store/secret"
)

func TestHeader(t *testing.T) {
	text := made("ATATT", "header")
	token := secret.New(text)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice@example.com:"+text))
	for _, c := range []struct {
		login Login
		want  string
		err   error
	}{
		{Login{APIToken, "alice@example.com", token}, basic, nil},
		{Login{AccessToken, "", token}, "Bearer " + text, nil},
		{Login{AccessToken, "alice@example.com", token}, "Bearer " + text, nil},
		{Login{OAuthToken, "", token}, "Bearer " + text, nil},
		{Login{APIToken, "", token}, "", ErrNoEmail},
		{Login{AppPassword, "alice@example.com", token}, "", ErrKind},
		{Login{DataCenterToken, "", token}, "", ErrKind},
		{Login{UnknownKind, "alice@example.com", token}, "", ErrKind},
		{Login{AccessToken, "", secret.New("BBDC-another-product")}, "", ErrKind},
		{Login{AccessToken, "", secret.Secret{}}, "", ErrEmptyToken},
		{Login{AccessToken, "", secret.New(text + "\r\nX-Evil: 1")}, "", ErrBrokenToken},
		{Login{APIToken, "alice@example.com", secret.New(text + " ")}, "", ErrBrokenToken},
		{Login{APIToken, "alice@example.com\r\nX-Evil: 1", token}, "", ErrUsername},
		{Login{APIToken, "alice:x@example.com", token}, "", ErrUsername},
		{Login{APIToken, "alice @example.com", token}, "", ErrUsername},
	} {
		got, err := c.login.Header()
		if got.Reveal() != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q, %q: %q, %v", c.login.Kind, c.login.Email, got.Reveal(), err)
		}
	}
}

// Neither a call nor what it shows prints the token, on its way out though it is.
func TestShownIsNotPrinted(t *testing.T) {
	text := made("ATATT", "printed")
	shown := must(show("alice@example.com", secret.New(text)))
	pair := base64.StdEncoding.EncodeToString([]byte("alice@example.com:" + text))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, call{shown: shown}) + fmt.Sprintf(verb, &shown); strings.Contains(got, text) || strings.Contains(got, pair) {
			t.Error(got)
		}
	}
}

func TestShownIn(t *testing.T) {
	text := made("ATATT3xFfGF0", "a+b/c=d")
	shown := must(show("alice@example.com", secret.New(text)))
	for words, want := range map[string]bool{
		"":                               false,
		"your ATATT3xFfGF0… is dead":     false,
		"token " + text + " is dead":     true,
		"token " + text[:20] + "… dead":  true,
		"token …" + text[len(text)-16:]:  true,
		"a%2Bb%2Fc%3Dd":                  false,
		"-made-for-tests-a%2Bb%2Fc%3Dd":  true,
		"Basic " + shown.header()[6:60]:  true,
		"Basic " + shown.header()[6:30]:  false, // the e-mail
		"alice@example.com is not known": false,
	} {
		if got := shown.in(words); got != want {
			t.Errorf("%q: %v", words, got)
		}
	}
	// Of a JWT the beginning is that of any other.
	jwt := "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIn0."
	shown = must(show("", secret.New(jwt+"made-for-tests-signature")))
	for words, want := range map[string]bool{jwt[:30] + ".other": false, jwt + "made-for-tests-signature": true, "…made-for-tests-signature": true} {
		if got := shown.in(words); got != want {
			t.Errorf("%q: %v", words, got)
		}
	}
}
