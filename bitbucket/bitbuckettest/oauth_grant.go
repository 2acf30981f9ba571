package bitbuckettest

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// exchange is one grant, whole or not at all: the first of many that bring the same refresh token rotates it, the others re-use it.
// The faults are those that alter the reply.
func (s *Server) exchange(c *consumer, req tokenRequest, goal target) (map[string]any, []*activeFault, *oauthError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	scopes, refused := c.Scopes, (*oauthError)(nil)
	switch asked := strings.Fields(req.form.Get("scope")); {
	case now.Before(c.lockedUntil):
		return nil, nil, &errClient
	case c.Callback == "" && req.grant != GrantJWT:
		return nil, nil, &errNoCallback
	case !c.has(asked):
		return nil, nil, &errScope
	case len(asked) > 0 && req.grant == GrantJWT:
		// Here alone fewer scopes can be had: developer.atlassian.com/cloud/bitbucket/oauth-2-connect.
		scopes = asked
	}
	var old *refreshToken
	switch req.grant {
	case GrantCode:
		refused = s.redeem(c, req.form, now)
	case GrantRefresh:
		old, refused = c.use(req.form.Get("refresh_token"), now)
	case GrantClientCredentials, GrantJWT:
	case "":
		refused = &oauthError{"invalid_grant", textGrantUnknown + "None"}
	default:
		refused = &oauthError{"invalid_grant", textGrantUnknown + req.grant}
	}
	if refused != nil {
		return nil, nil, refused
	}
	faults := s.struck(replies, goal, c.Name)
	reply := s.issue(c, req.grant, scopes, now)
	if omits(faults, "refresh_token") {
		return reply, faults, nil
	}
	if old != nil && old.used.IsZero() {
		old.used = now
	}
	if req.grant == GrantCode || req.grant == GrantRefresh {
		token := &refreshToken{text: c.text("refresh", len(c.refreshes)+1, 18), issued: now}
		c.refreshes = append(c.refreshes, token)
		reply["refresh_token"] = token.text
	}
	return reply, faults, nil
}

// has reports whether the consumer has the scopes: developer.atlassian.com/cloud/bitbucket/oauth-2, "Scopes".
// To ask for fewer changes nothing, to ask for others fails.
func (c Consumer) has(asked []string) bool {
	return !slices.ContainsFunc(asked, func(scope string) bool {
		return !slices.Contains(c.Scopes, scope) && !slices.Contains(c.Scopes, scope+":write")
	})
}

// redeem uses a code up, whatever comes of it. It needs s.mu.
func (s *Server) redeem(c *consumer, form url.Values, now time.Time) *oauthError {
	text := form.Get("code")
	grant, ok := s.codes[text]
	if !ok || grant.client != c {
		return &errCode
	}
	delete(s.codes, text)
	given := form.Get("redirect_uri")
	switch {
	case !now.Before(grant.issued.Add(codeLife)):
		return &errCode
	case grant.redirect != given && (grant.redirect != "" || given != c.Callback):
		return &errRedirect
	case !grant.proves(form.Get("code_verifier")):
		return &errVerifier
	}
	return nil
}

// use finds a refresh token that is alive. Who brings dead ones twice in a row is locked out for a while.
func (c *consumer) use(text string, now time.Time) (*refreshToken, *oauthError) {
	for _, token := range c.refreshes {
		if token.text == text && c.alive(token, now) {
			c.dead = 0
			return token, nil
		}
	}
	if c.dead++; c.dead > 1 {
		c.dead = 0
		c.lockedUntil = now.Add(c.Lock)
	}
	return nil, &errClient
}

// issue makes an access token and the reply that holds it. It needs s.mu.
func (s *Server) issue(c *consumer, grant string, scopes []string, now time.Time) map[string]any {
	token := s.newAccess(c, scopes, now)
	if grant == GrantClientCredentials || grant == GrantJWT {
		// It acts for nobody but the app: community.developer.atlassian.com/t/99003.
		token.Username, token.appUser = c.Name, true
	}
	reply := map[string]any{"access_token": token.Text, "token_type": "bearer", "expires_in": int(c.Expires / time.Second)}
	joined := strings.Join(scopes, " ")
	if c.Spelling != SpellScope {
		// The state is the grant type's name: terrakube-io/terrakube#47.
		reply["scopes"], reply["state"] = joined, grant
	}
	if c.Spelling != SpellScopes {
		reply["scope"] = joined
	}
	return reply
}

// newAccess makes an access token known. It needs s.mu.
func (s *Server) newAccess(c *consumer, scopes []string, now time.Time) *Token {
	c.issued++
	token := &Token{
		Name: c.tokenName(c.issued), Text: c.text("access", c.issued, 84), Kind: KindOAuth,
		Username: c.Owner, Scopes: scopes, Expires: now.Add(c.Expires), consumer: c.Name,
	}
	s.tokens = append(s.tokens, token)
	return token
}

// omits reports whether a fault keeps the field from the reply. A refresh token that is not sent is not made either,
// and the old one stays: RFC 6749, section 6.
func omits(faults []*activeFault, field string) bool {
	return slices.ContainsFunc(faults, func(f *activeFault) bool { return f.Kind == "missing" && f.Field == field })
}
