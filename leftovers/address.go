package leftovers

import (
	"net/url"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// An Address is a URL of the site, or of one of its host's other names, with http or
// https, as it stands in a config.
type Address struct {
	Scheme, User, Host, Path string // the path without what follows a "?" or "#"
	HasUser                  bool
	Secret                   secret.Secret // zero: none

	user, userEnd int // the bytes of the text from the username on, to behind the "@"
	at, end       int // those of the secret
}

var hosts = []string{bitbucket.Host, "www." + bitbucket.Host, bitbucket.RESTHost}

// ParseAddress reads an address leniently: what git cannot use may hold a secret all the
// same. ok is false for other sites' and other protocols'.
func ParseAddress(text string) (a Address, ok bool) {
	scheme, rest, found := strings.Cut(text, "://")
	a.Scheme = strings.ToLower(scheme)
	if !found || a.Scheme != "https" && a.Scheme != "http" {
		return a, false
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, a.Path = rest[:i], rest[i:]
		a.Path = a.Path[:strings.IndexAny(a.Path+"?", "?#")]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		a.readUser(authority[:i], len(scheme)+len("://"))
		authority = authority[i+1:]
	}
	for _, port := range []string{":443", ":80"} {
		authority = strings.TrimSuffix(authority, port)
	}
	for _, host := range hosts {
		if bitbucket.EqualASCII(authority, host) {
			a.Host = host
			return a, true
		}
	}
	return a, false
}

// readUser reads what stands before the "@"; from is where that begins.
func (a *Address) readUser(text string, from int) {
	user, password, _ := strings.Cut(text, ":")
	a.User, a.HasUser = unescaped(user), true
	a.Secret = secret.New(unescaped(password))
	a.user, a.userEnd = from, from+len(text)+1
	a.at, a.end = a.userEnd-1-len(password), a.userEnd-1
	if a.Secret.IsZero() && bitbucket.KindOf(secret.New(a.User)) != bitbucket.UnknownKind {
		a.User, a.Secret = "", secret.New(a.User)
		a.at, a.end = from, from+len(user)
	}
}

// shift moves the places to those of a text that has the address by bytes further on.
func (a *Address) shift(by int) {
	for _, place := range []*int{&a.user, &a.userEnd, &a.at, &a.end} {
		*place += by
	}
}

// Clean is the address as it should be.
func (a Address) Clean() string { return "https://" + bitbucket.Host + a.Path }

// workspace is the path's first part, "" where a repository on the site has none.
func (a Address) workspace() string {
	if a.Host == bitbucket.RESTHost {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(a.Path, "/"), "/")
	return unescaped(name)
}

func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}
