package bitbucket

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"git-credential-bitbucket/store/secret"
)

// Authorization is what a browser is sent to the site with.
type Authorization struct {
	ClientID  string
	Redirect  string // has to be the consumer's callback URL, or that and more path or a query behind it
	State     string // NewState's
	Challenge string // NewVerifier's; "" for none, and for Implicit
	Scopes    []string
	Implicit  bool // an access token in the redirect's fragment, in place of a code in its query
}

// AuthorizeURL is the address to open in a browser. It holds no secret.
func AuthorizeURL(a Authorization) string {
	query := url.Values{"response_type": {"code"}, "client_id": {a.ClientID}, "redirect_uri": {a.Redirect}, "state": {a.State}}
	if a.Implicit {
		query.Set("response_type", "token")
	}
	if a.Challenge != "" && !a.Implicit {
		query.Set("code_challenge", a.Challenge)
		query.Set("code_challenge_method", "S256")
	}
	if len(a.Scopes) > 0 {
		query.Set("scope", strings.Join(a.Scopes, " "))
	}
	return "https://" + Host + authorizePath + "?" + query.Encode()
}

// NewVerifier makes a verifier of RFC 7636 and its challenge for S256. The site does not
// promise to look at them (its BCLOUD-23469), but takes them.
func NewVerifier() (verifier secret.Secret, challenge string) {
	text := oauth2.GenerateVerifier()
	return secret.New(text), oauth2.S256ChallengeFromVerifier(text)
}

// NewState makes a text that nobody guesses, by which a redirect is known to answer us.
func NewState() string { return rand.Text() }

// What is wrong with a redirect that is not the site's answer. Neither error holds any
// of it.
var (
	ErrRedirect = errors.New("it is not the address to which the browser was sent back")
	ErrState    = errors.New("it does not answer this login: its state is missing or another's")
	// The likely mistakes of who pastes one: kinds of ErrState and ErrRedirect.
	ErrNoState   = fmt.Errorf("%w (it has none)", ErrState)
	ErrBareCode  = fmt.Errorf("%w (it is a word, perhaps the code in it)", ErrRedirect)
	ErrAuthorize = fmt.Errorf("%w (it is the one to open)", ErrRedirect)
)

// Redirected is what the site gave to the browser: a code, or a Grant of the implicit
// kind, which has no refresh token.
type Redirected struct {
	Code  secret.Secret
	Grant Grant
}

// ParseRedirect reads an answer to the Authorization, of which it looks at Redirect,
// State and Implicit: the address that the browser was sent back to as a person pastes
// it, with or without "http://", or its query or fragment alone, with or without the
// "?" or "#". It fails with ErrRedirect, ErrState or a kind of them, ErrLongToken,
// ErrGrant, or the site's own *OAuthError.
func ParseRedirect(pasted secret.Secret, a Authorization, now time.Time) (Redirected, error) {
	text := pasted.Reveal()
	const longest = 4 * MaxToken // escaped, and with other fields
	if len(text) > longest {
		return Redirected{}, ErrLongToken
	}
	text = new(Cleaned).peel(text)
	if text != "" && !strings.ContainsAny(text, "=/?#&. ") {
		return Redirected{}, ErrBareCode
	}
	query, fragment, err := split(text, a)
	if err != nil {
		return Redirected{}, err
	}
	answer := query
	if a.Implicit && fragment != "" {
		answer = fragment
	}
	found, err := fieldsOf(answer)
	state := secret.New(found.text("state"))
	switch {
	case err != nil:
		return Redirected{}, err
	case found["code"] == nil && found["access_token"] == nil && found["error"] == nil && found["state"] == nil:
		return Redirected{}, ErrRedirect
	case state.IsZero():
		return Redirected{}, ErrNoState
	case a.State == "" || !state.Equal(secret.New(a.State)):
		return Redirected{}, ErrState
	case found["error"] != nil:
		return Redirected{}, found.refusal(cleaner{question{secrets: []secret.Secret{state}}.shown()})
	case a.Implicit && fragment == "":
		// A token in a query, which RFC 6749 does not know, has passed through logs.
		return Redirected{}, ErrRedirect
	case a.Implicit:
		grant, err := found.grant(now)
		grant.Refresh = secret.Secret{}
		return Redirected{Grant: grant}, err
	}
	code := found.token("code")
	if code.IsZero() {
		return Redirected{}, ErrRedirect
	}
	return Redirected{Code: code}, nil
}

// split parts what was pasted into query and fragment.
func split(text string, a Authorization) (query, fragment string, err error) {
	at := strings.IndexAny(text, "?#")
	if at < 0 {
		at = 0
	}
	address, rest := text[:at], text[at:]
	redirect, _, _ := strings.Cut(a.Redirect, "?")
	_, bare, _ := strings.Cut(redirect, "://")
	switch strings.TrimPrefix(address, "https://") {
	case Host + authorizePath:
		return "", "", ErrAuthorize
	case "", redirect, bare:
	default:
		return "", "", ErrRedirect
	}
	rest, fragment, _ = strings.Cut(rest, "#")
	query = strings.TrimPrefix(rest, "?")
	if a.Implicit && address == "" && fragment == "" && !strings.HasPrefix(rest, "?") {
		query, fragment = "", query
	}
	return query, fragment, nil
}
