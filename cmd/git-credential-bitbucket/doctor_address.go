package main

import (
	"net/url"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// An address is a URL of the site, or of its host's other name, with http or https, as it
// stands in a config.
type address struct {
	scheme, user, host, path string // the path without what follows a "?" or "#"
	hasUser                  bool
	secret                   secret.Secret // zero: none
}

// parseAddress reads an address leniently: what git cannot use may hold a secret all the
// same. ok is false for other sites' and other protocols'.
func parseAddress(text string) (a address, ok bool) {
	scheme, rest, found := strings.Cut(text, "://")
	a.scheme = strings.ToLower(scheme)
	if !found || a.scheme != "https" && a.scheme != "http" {
		return a, false
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, a.path = rest[:i], rest[i:]
		a.path = a.path[:strings.IndexAny(a.path+"?", "?#")]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, password, _ := strings.Cut(authority[:i], ":")
		a.user, a.hasUser, authority = unescaped(user), true, authority[i+1:]
		a.secret = secret.New(unescaped(password))
		if a.secret.IsZero() && bitbucket.KindOf(secret.New(a.user)) != bitbucket.UnknownKind {
			a.user, a.secret = "", secret.New(a.user)
		}
	}
	for _, port := range []string{":443", ":80"} {
		authority = strings.TrimSuffix(authority, port)
	}
	for _, host := range []string{bitbucket.Host, "www." + bitbucket.Host, bitbucket.RESTHost} {
		if bitbucket.EqualASCII(authority, host) {
			a.host = host
			return a, true
		}
	}
	return a, false
}

// clean is the address as it should be.
func (a address) clean() string { return "https://" + bitbucket.Host + a.path }

func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// kindWords says what a secret is, as far as it shows that.
func kindWords(s secret.Secret) string {
	kind := bitbucket.KindOf(s)
	switch kind {
	case bitbucket.UnknownKind:
		return "a password or token"
	case bitbucket.APIToken, bitbucket.AccessToken, bitbucket.OAuthToken, bitbucket.AppPassword:
		return "an " + kind.String()
	}
	return "a " + kind.String()
}
