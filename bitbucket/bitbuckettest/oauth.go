package bitbuckettest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"git-credential-bitbucket/store/secret"
)

// Where OAuth 2.0 is, on SiteHost.
const (
	AuthorizePath = "/site/oauth2/authorize"
	TokenPath     = "/site/oauth2/access_token"
)

// The grant types of TokenPath: developer.atlassian.com/cloud/bitbucket/oauth-2.
const (
	GrantCode              = "authorization_code"
	GrantRefresh           = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantJWT               = "urn:bitbucket:oauth2:jwt"
)

var grantTypes = []string{GrantCode, GrantRefresh, GrantClientCredentials, GrantJWT}

// What AuthorizePath answers a browser.
const (
	AnswerAsk   = "ask" // a page with two buttons
	AnswerGrant = "grant"
	AnswerDeny  = "deny"
)

// The spellings of the scopes in a reply: community.developer.atlassian.com/t/99003.
const (
	SpellScope  = "scope"
	SpellScopes = "scopes" // before 2026-05
	SpellBoth   = "both"
)

const (
	jwtSize = 2600 // git-ecosystem/git-credential-manager#2433
	// accessLife is how long an access token lives, reuseWindow how long a refresh token after its first use
	// (git-ecosystem/git-credential-manager#2433), lockTime how long a client is refused that used a dead one twice.
	accessLife  = 2 * time.Hour
	reuseWindow = 10 * time.Minute
	lockTime    = 3 * time.Minute
	// refreshLife is how long a refresh token lives that is not used: community.developer.atlassian.com/t/99003.
	refreshLife = 90 * 24 * time.Hour
	// codeLife is RFC 6749's limit, section 4.1.2: Bitbucket does not tell its own.
	codeLife = 10 * time.Minute
)

// Consumer is an OAuth consumer of a workspace, and the Connect app if it has AppKey.
type Consumer struct {
	Name        string // in commands, in the log and before the "/" of its tokens' names
	Key, Secret string // made from Name if empty
	Callback    string // the callback URL; without one Bitbucket gives no token: composer/composer#5335

	// Scopes are full names, or read, write, user.
	Scopes []string
	Owner  string // username of the account that grants access
	Answer string // AnswerAsk if empty

	// Format of access and refresh tokens: "jwt" (if empty) is one of 2,600 characters, a number one of so many,
	// "opaque" the short ones from before 2026-05.
	Format   string
	Spelling string        // SpellScope if empty
	Expires  time.Duration // of access tokens, 2 hours if 0
	Window   time.Duration // in which a used refresh token still works, 10 minutes if 0, none if negative
	Lock     time.Duration // for which the client is refused, 3 minutes if 0, never if negative

	AppKey, ClientKey, SharedSecret string // of the Connect app, for GrantJWT
}

// consumer is a Consumer and what it was given. Server.mu guards it.
type consumer struct {
	Consumer
	codes, issued int // how many were made
	refreshes     []*refreshToken
	dead          int // refresh tokens that it used in a row though they were dead
	lockedUntil   time.Time
}

type refreshToken struct {
	text    string
	issued  time.Time
	used    time.Time // for the first time
	revoked bool
}

// AddConsumer makes the consumer known. One of the same name is changed, and keeps its tokens.
func (s *Server) AddConsumer(c Consumer) error {
	if c.Name == "" || strings.Contains(c.Name, "/") {
		return fmt.Errorf("a consumer needs a name without a slash")
	}
	c.Key = cmp.Or(c.Key, body("consumer key "+c.Name, 18))
	c.Secret = cmp.Or(c.Secret, body("consumer secret "+c.Name, 32))
	c.Answer = cmp.Or(c.Answer, AnswerAsk)
	c.Format = cmp.Or(c.Format, "jwt")
	c.Spelling = cmp.Or(c.Spelling, SpellScope)
	c.Expires = cmp.Or(c.Expires, accessLife)
	c.Window = cmp.Or(c.Window, reuseWindow)
	c.Lock = cmp.Or(c.Lock, lockTime)
	c.Scopes = fullScopes(KindOAuth, c.Scopes)
	if err := c.check(); err != nil {
		return fmt.Errorf("consumer %s: %w", c.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.client(c.Key); other != nil && other.Name != c.Name {
		return fmt.Errorf("consumer %s has the key of %s", c.Name, other.Name)
	}
	if old := s.consumers[c.Name]; old != nil {
		old.Consumer = c
		return nil
	}
	s.consumers[c.Name] = &consumer{Consumer: c}
	return nil
}

func (c Consumer) check() error {
	size, err := strconv.Atoi(c.Format)
	switch {
	case c.Format != "jwt" && c.Format != "opaque" && (err != nil || size < 600 || size > 100_000):
		return fmt.Errorf("format %q: want jwt, opaque or a number of characters from 600", c.Format)
	case !slices.Contains([]string{SpellScope, SpellScopes, SpellBoth}, c.Spelling):
		return fmt.Errorf("spelling %q: want scope, scopes or both", c.Spelling)
	case !slices.Contains([]string{AnswerAsk, AnswerGrant, AnswerDeny}, c.Answer):
		return fmt.Errorf("answer %q: want ask, grant or deny", c.Answer)
	case c.AppKey != "" && (c.ClientKey == "" || c.SharedSecret == ""):
		return fmt.Errorf("an app needs appkey, clientkey and sharedsecret")
	}
	return nil
}

// Consumer is the consumer of that name, with what was made for it.
func (s *Server) Consumer(name string) (Consumer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.consumers[name]
	if c == nil {
		return Consumer{}, false
	}
	return c.Consumer, true
}

// Answer says what AuthorizePath answers for the consumer from now on: AnswerAsk, AnswerGrant or AnswerDeny.
func (s *Server) Answer(name, answer string) error {
	return s.changeConsumer(name, func(c *consumer) error {
		changed := c.Consumer
		changed.Answer = answer
		if err := changed.check(); err != nil {
			return err
		}
		c.Consumer = changed
		return nil
	})
}

// ExpireAccess lets the access tokens that the consumer has run out now. Its refresh tokens live on.
func (s *Server) ExpireAccess(name string) error {
	return s.changeConsumer(name, func(*consumer) error {
		now := s.now()
		for _, token := range s.tokens {
			if token.consumer == name && (token.Expires.IsZero() || token.Expires.After(now)) {
				token.Expires = now
			}
		}
		return nil
	})
}

// RevokeAccess takes back what the consumer's users granted: all its access and refresh tokens die.
func (s *Server) RevokeAccess(name string) error {
	return s.changeConsumer(name, func(c *consumer) error {
		for _, token := range s.tokens {
			token.Revoked = token.Revoked || token.consumer == name
		}
		for _, token := range c.refreshes {
			token.revoked = true
		}
		return nil
	})
}

func (s *Server) changeConsumer(name string, apply func(*consumer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.consumers[name]
	if c == nil {
		return fmt.Errorf("no consumer %q", name)
	}
	return apply(c)
}

// RefreshToken is the refresh token that the consumer was given last, "" if it never was given one.
func (s *Server) RefreshToken(name string) (text string, err error) {
	err = s.changeConsumer(name, func(c *consumer) error {
		if n := len(c.refreshes); n > 0 {
			text = c.refreshes[n-1].text
		}
		return nil
	})
	return text, err
}

// RefreshTokensAlive is how many of the consumer's refresh tokens work, those in their reuse window included.
func (s *Server) RefreshTokensAlive(name string) (n int, err error) {
	err = s.changeConsumer(name, func(c *consumer) error {
		for _, token := range c.refreshes {
			if c.alive(token, s.now()) {
				n++
			}
		}
		return nil
	})
	return n, err
}

func (c *consumer) alive(token *refreshToken, now time.Time) bool {
	switch {
	case token.revoked:
		return false
	case token.used.IsZero():
		return now.Before(token.issued.Add(refreshLife))
	}
	return now.Before(token.used.Add(c.Window))
}

// client finds a consumer by its key. It needs s.mu.
func (s *Server) client(key string) *consumer {
	for _, c := range s.consumers {
		if key != "" && c.Key == key {
			return c
		}
	}
	return nil
}

func (c *consumer) tokenName(n int) string { return c.Name + "/" + strconv.Itoa(n) }

// text makes the nth access or refresh token; short is the length of an opaque one.
func (c *consumer) text(what string, n, short int) string {
	seed := what + " " + c.tokenName(n)
	switch c.Format {
	case "opaque":
		return body(seed, short)
	case "jwt":
		return likeJWT(seed, jwtSize)
	}
	size, _ := strconv.Atoi(c.Format)
	return likeJWT(seed, size)
}

// isOAuthSecret reports whether the log must not show the text. It needs s.mu.
func (s *Server) isOAuthSecret(text string) bool {
	for _, c := range s.consumers {
		if text != "" && (text == c.Secret || text == c.SharedSecret ||
			slices.ContainsFunc(c.refreshes, func(t *refreshToken) bool { return t.text == text })) {
			return true
		}
	}
	return false
}

// textOf is the text of the token of that name, or of NAME/key, NAME/secret, NAME/sharedsecret and NAME/refresh of a consumer.
func (s *Server) textOf(name string) (string, error) {
	if token, ok := s.Token(name); ok {
		return token.Text, nil
	}
	owner, part, _ := strings.Cut(name, "/")
	c, ok := s.Consumer(owner)
	text := ""
	switch {
	case !ok:
	case part == "key":
		text = c.Key
	case part == "secret":
		text = c.Secret
	case part == "sharedsecret":
		text = c.SharedSecret
	case part == "refresh":
		text, _ = s.RefreshToken(owner)
	}
	if text == "" {
		return "", fmt.Errorf("no token %q", name)
	}
	return text, nil
}

// refreshFingerprint is what "refresh NAME" answers.
func (s *Server) refreshFingerprint(name string) (string, error) {
	text, err := s.RefreshToken(name)
	if err == nil && text == "" {
		err = fmt.Errorf("consumer %q has no refresh token", name)
	}
	return secret.New(text).Fingerprint() + "\n", err
}

// serveOAuth answers what is below /site/oauth2/ and reports whether the request went there.
func (s *Server) serveOAuth(w http.ResponseWriter, r *http.Request, cred credential) bool {
	switch r.URL.Path {
	case AuthorizePath:
		s.serveAuthorize(w, r)
	case TokenPath:
		s.serveToken(w, r, cred)
	default:
		return false
	}
	return true
}
