package bitbuckettest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Kind is what sort of credential a token is.
type Kind string

const (
	KindAPI         Kind = "api"
	KindRepository  Kind = "repository"
	KindProject     Kind = "project"
	KindWorkspace   Kind = "workspace"
	KindOAuth       Kind = "oauth"
	KindAppPassword Kind = "app"
)

// The usernames that git has to send: support.atlassian.com, "Using API tokens" and "Using access tokens".
const (
	UsernameAPI    = "x-bitbucket-api-token-auth"
	UsernameAccess = "x-token-auth"
)

// Token is a credential that the server knows.
type Token struct {
	Name string // in commands and in the log
	Text string // what is sent; made from Kind and Name if empty
	Kind Kind

	Username, Email string // the owner's, of an API token or app password
	// DisplayName and Nickname are what /2.0/user calls the owner, Username or else Name if empty.
	DisplayName, Nickname string

	// Scopes are full names, or read, write, user for those of the kind. An API token without any is refused everywhere.
	Scopes []string
	// Workspaces, if there are any, are where the token counts at all: elsewhere it is answered 401.
	Workspaces []string
	// Repos, if there are any, are what the token may see: for others it is answered 403.
	Repos []string

	Expires time.Time // zero: never
	Revoked bool

	consumer string // whose access token it is
	appUser  bool   // it acts for nobody
}

// AddToken makes the token known, or replaces the one of the same name.
func (s *Server) AddToken(token Token) error {
	if token.Name == "" {
		return fmt.Errorf("a token needs a name")
	}
	text, err := textFor(token.Kind, token.Name)
	if err != nil {
		return err
	}
	if token.Text == "" {
		token.Text = text
	}
	token.Scopes = fullScopes(token.Kind, token.Scopes)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.DeleteFunc(s.tokens, func(t *Token) bool { return t.Name == token.Name })
	if other := s.find(token.Text); other != nil {
		return fmt.Errorf("token %s has the text of %s", token.Name, other.Name)
	}
	s.tokens = append(s.tokens, &token)
	return nil
}

// Token is the token of that name as it is now.
func (s *Server) Token(name string) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range s.tokens {
		if token.Name == name {
			return *token, true
		}
	}
	return Token{}, false
}

// Revoke kills the token of that name; Expire lets it run out now. Both read the same to a client.
func (s *Server) Revoke(name string) error {
	return s.change(name, func(t *Token) { t.Revoked = true })
}

// Expire lets the token of that name run out now.
func (s *Server) Expire(name string) error {
	return s.change(name, func(t *Token) { t.Expires = s.now() })
}

func (s *Server) change(name string, apply func(*Token)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, token := range s.tokens {
		if token.Name == name {
			apply(token)
			return nil
		}
	}
	return fmt.Errorf("no token %q", name)
}

// find needs s.mu.
func (s *Server) find(text string) *Token {
	for _, token := range s.tokens {
		if text != "" && token.Text == text {
			return token
		}
	}
	return nil
}

// The actions that scopes allow.
const (
	mayRead     = "read"
	mayWrite    = "write"
	mayReadUser = "user"
)

// scopeNames are the names of those actions' scopes: API tokens have Atlassian's, all others Bitbucket's older ones.
func scopeNames(kind Kind) map[string]string {
	if kind == KindAPI {
		return map[string]string{
			mayRead: "read:repository:bitbucket", mayWrite: "write:repository:bitbucket", mayReadUser: "read:user:bitbucket",
		}
	}
	return map[string]string{mayRead: "repository", mayWrite: "repository:write", mayReadUser: "account"}
}

func fullScopes(kind Kind, words []string) []string {
	full := []string{}
	for _, word := range words {
		if name, ok := scopeNames(kind)[word]; ok {
			word = name
		}
		full = append(full, word)
	}
	return full
}

// lacks returns the scopes of the actions if the token has not all of them. Write implies read
// for the older scopes and not for an API token's: developer.atlassian.com, "API token scopes".
func (t Token) lacks(actions ...string) (required []string) {
	missing := false
	for _, action := range actions {
		name := scopeNames(t.Kind)[action]
		required = append(required, name)
		has := slices.Contains(t.Scopes, name) ||
			t.Kind != KindAPI && action == mayRead && slices.Contains(t.Scopes, scopeNames(t.Kind)[mayWrite])
		missing = missing || !has
	}
	if !missing {
		return nil
	}
	return required
}

// credential is what a request brought in its Authorization header.
type credential struct{ scheme, username, password string }

func credentialOf(r *http.Request) credential {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if username, password, ok := r.BasicAuth(); ok {
		return credential{scheme, username, password}
	}
	return credential{scheme: scheme, password: rest}
}

// login says whose the credential is, at git's door or REST's. The Token is a copy.
func (s *Server) login(cred credential, at string) (Token, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at != atREST && kindOf(cred.password) == KindAppPassword {
		return Token{}, &refuseAppPassword
	}
	token := s.find(cred.password)
	if token == nil || token.Revoked || !token.Expires.IsZero() && !s.now().Before(token.Expires) {
		return Token{}, &refuseLogin
	}
	fits := token.fitsGit(cred)
	if at == atREST {
		fits = token.fitsREST(cred)
	}
	if !fits || token.Kind == KindAPI && len(token.Scopes) == 0 {
		return Token{}, &refuseLogin
	}
	return *token, nil
}

func (t Token) fitsGit(cred credential) bool {
	if cred.scheme != "Basic" {
		return false
	}
	if t.Kind == KindAPI {
		return cred.username == UsernameAPI || t.Username != "" && cred.username == t.Username
	}
	return cred.username == UsernameAccess
}

// fitsREST: an API token goes with the e-mail as username, access and OAuth tokens as bearer, an app password
// not at all (its answer is 401, not 410: community.atlassian.com, "Bitbucket Cloud app password brownout schedule").
func (t Token) fitsREST(cred credential) bool {
	switch t.Kind {
	case KindAPI:
		return cred.scheme == "Basic" && t.Email != "" && cred.username == t.Email
	case KindAppPassword:
		return false
	}
	return cred.scheme == "Bearer"
}
