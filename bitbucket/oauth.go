package bitbucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"git-credential-bitbucket/store/secret"
)

// Where OAuth 2.0 is, on Host (developer.atlassian.com/cloud/bitbucket/oauth-2).
const (
	authorizePath = "/site/oauth2/authorize"
	tokenPath     = "/site/oauth2/access_token"
)

const (
	jwtGrant = "urn:bitbucket:oauth2:jwt"
	// jwtLife is what Atlassian's own libraries give a JWT of an app.
	jwtLife = 3 * time.Minute
	// accessLife is how long the site's access tokens live: for a reply that does not say.
	accessLife = 2 * time.Hour
	// longestLife is the most that is taken for a life in seconds.
	longestLife = 366 * 24 * time.Hour
)

// Consumer is an OAuth consumer of a workspace, by the site's words its key and secret.
type Consumer struct {
	ID     string
	Secret secret.Secret
}

// App is an installed Connect app: its key, and what the site told it when it was
// installed (developer.atlassian.com/cloud/bitbucket/understanding-jwt-for-apps).
type App struct {
	Key, ClientKey string
	SharedSecret   secret.Secret
}

// Grant is what the site gave. Refresh is zero where there is none.
//
// Client's Exchange, Refresh, ClientCredentials and AppGrant ask for one, once each. They
// fail with *OAuthError, *AnswerError, *UnreachableError, ErrTooLarge, ErrGrant, or with
// what says why nothing was sent: ErrConsumer, ErrEmptyToken, ErrNoClock. Beside ErrGrant,
// ErrTooLarge and *UnreachableError there is the Refresh that the answer holds in full, if
// it holds one: the former is dying then.
type Grant struct {
	Access, Refresh secret.Secret
	// Expires is when Access ends: not later than the site has it, as it counts from
	// when it was asked. A reply that does not say so is taken to mean two hours.
	Expires time.Time
	Scopes  []string // granted; nil: not told
}

// What keeps a grant from being asked for, or used. None of the errors holds a secret.
var (
	ErrConsumer = errors.New("a key or the secret of the consumer or app is missing")
	ErrGrant    = errors.New("the answer holds no access token that can be used")
	ErrNoClock  = errors.New("no clock is given")
	// ErrCutOff is the cause of an *UnreachableError: an answer came that is no whole JSON.
	ErrCutOff = fmt.Errorf("the answer is cut off: %w", io.ErrUnexpectedEOF)
)

// OAuthError is a refusal in the words of RFC 6749, of section 5.2 or 4.1.2.1.
type OAuthError struct {
	Code        string // "unauthorized_client", "access_denied", …; "" where it is no such word
	Description string // one printable line of at most 300 bytes; "" if it may hold a secret
}

func (e *OAuthError) Error() string {
	text := Host + " refuses"
	if e.Code != "" {
		text += ": " + e.Code
	}
	if e.Description != "" {
		text += ": " + e.Description
	}
	return text
}

// AnswerError says that the site answered a request for a token neither with one nor
// in OAuth's words: the rate limit, an outage, a redirect.
type AnswerError struct {
	Reply Reply // Status, Answer, Message, Date and RetryAfter
}

func (e *AnswerError) Error() string {
	text := Host + " gives no token but status " + strconv.Itoa(e.Reply.Status)
	if e.Reply.Message != "" {
		text += ": " + e.Reply.Message
	}
	return text
}

// IsDeadGrant reports whether the error of Refresh, ClientCredentials or AppGrant means
// that to ask again is in vain. The site says unauthorized_client, not invalid_grant, of
// a refresh token that was rotated away, and locks a client out that repeats it
// (jenkins-x/go-scm, scm/transport/oauth2).
func IsDeadGrant(err error) bool {
	var refusal *OAuthError
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case "unauthorized_client", "invalid_grant", "invalid_client":
		return true
	}
	return false
}

// Exchange makes a grant of the code that came to the address redirect. The verifier is
// NewVerifier's, or zero.
func (c *Client) Exchange(ctx context.Context, consumer Consumer, code secret.Secret, redirect string, verifier secret.Secret) (Grant, error) {
	if code.IsZero() {
		return Grant{}, ErrEmptyToken
	}
	return c.ask(ctx, consumer.question(code, verifier), func(ctx context.Context) error {
		config := consumer.config()
		config.RedirectURL = redirect
		var options []oauth2.AuthCodeOption
		if !verifier.IsZero() {
			options = append(options, oauth2.VerifierOption(verifier.Reveal()))
		}
		_, err := config.Exchange(ctx, code.Reveal(), options...)
		return err
	})
}

// Refresh makes a new grant of a refresh token, which the site rotates: it lives for
// about ten minutes more (Atlassian's CHANGE-3052), and the Grant's is to be kept in its
// place, before anything else is done. The Grant's is the same one where the answer has
// none (RFC 6749, section 6).
func (c *Client) Refresh(ctx context.Context, consumer Consumer, refresh secret.Secret) (Grant, error) {
	if refresh.IsZero() {
		return Grant{}, ErrEmptyToken
	}
	grant, err := c.ask(ctx, consumer.question(refresh), func(ctx context.Context) error {
		// A source that is asked once, without an access token, does nothing but refresh.
		_, err := consumer.config().TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
		return err
	})
	if err == nil && grant.Refresh.IsZero() {
		grant.Refresh = refresh
	}
	return grant, err
}

// ClientCredentials makes a grant for the consumer itself. Without scopes it has all
// that the consumer has.
func (c *Client) ClientCredentials(ctx context.Context, consumer Consumer, scopes []string) (Grant, error) {
	return c.ask(ctx, consumer.question(), func(ctx context.Context) error {
		config := consumer.config()
		_, err := (&clientcredentials.Config{
			ClientID: config.ClientID, ClientSecret: config.ClientSecret, Scopes: scopes,
			TokenURL: config.Endpoint.TokenURL, AuthStyle: config.Endpoint.AuthStyle,
		}).Token(ctx)
		return err
	})
}

// AppGrant makes a grant for a Connect app, which proves itself by a JWT signed with
// HS256 (developer.atlassian.com/cloud/bitbucket/oauth-2, "JWT Grant").
func (c *Client) AppGrant(ctx context.Context, app App, scopes []string) (Grant, error) {
	switch {
	case app.Key == "" || app.ClientKey == "" || app.SharedSecret.IsZero():
		return Grant{}, ErrConsumer
	case c.now == nil:
		return Grant{}, ErrNoClock
	}
	now := c.now()
	proof, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: app.Key, Subject: app.ClientKey, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(jwtLife)),
	}).SignedString([]byte(app.SharedSecret.Reveal()))
	if err != nil {
		return Grant{}, ErrConsumer
	}
	q := question{secrets: []secret.Secret{app.SharedSecret, secret.New(proof)}, header: "JWT " + proof, complete: true}
	return c.ask(ctx, q, func(ctx context.Context) error {
		_, err := (&clientcredentials.Config{
			Scopes: scopes, TokenURL: tokenAddress(), AuthStyle: oauth2.AuthStyleInParams,
			EndpointParams: map[string][]string{"grant_type": {jwtGrant}},
		}).Token(ctx)
		return err
	})
}

func tokenAddress() string { return "https://" + Host + tokenPath }

// config says how the consumer proves itself: left to find that out by itself, the
// library sends a question that fails a second time.
func (c Consumer) config() *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.ID, ClientSecret: c.Secret.Reveal(),
		Endpoint: oauth2.Endpoint{TokenURL: tokenAddress(), AuthStyle: oauth2.AuthStyleInHeader},
	}
}
