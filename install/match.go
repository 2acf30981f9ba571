package install

import (
	"net"
	"strings"
)

// A reach is what a credential key's URL covers, seen from the one host that is ours.
type reach int

const (
	elsewhere reach = iota // another host, or another protocol than https
	general                // every host, or a pattern that covers others too
	partly                 // our host, for one user or under one path
	wholly                 // our host and nothing else
)

// reachOf says what a key of section credential covers.
func reachOf(key string) reach {
	section, sub, _, whole := split(key)
	if section != "credential" {
		return elsewhere
	}
	if whole {
		return general
	}
	want, _ := parseURL(site)
	p, ok := parseURL(sub)
	if !ok {
		return partialReach(parsePartial(sub))
	}
	if p.scheme != want.scheme || p.port != want.port || !matchHost(want.host, p.host) {
		return elsewhere
	}
	if p.host != want.host {
		return general
	}
	if p.hasUser || p.path != "/" {
		return partly
	}
	return wholly
}

func partialReach(p partial) reach {
	if p.protocol != "" && p.protocol != "https" {
		return elsewhere
	}
	if p.host == "" {
		return general
	}
	if p.host != "bitbucket.org" {
		return elsewhere
	}
	if p.user != "" || p.path != "" {
		return partly
	}
	return wholly
}

// matches reports whether git applies a key to a URL (git's urlmatch.c; for keys that
// are no whole URL, credential.c's match_partial_url).
func matches(key, rawURL string) bool {
	_, sub, _, whole := split(key)
	if whole {
		return true
	}
	have, ok := parseURL(rawURL)
	if !ok {
		return false
	}
	p, ok := parseURL(sub)
	if !ok {
		q := parsePartial(sub)
		h := parsePartial(rawURL)
		return (q.protocol == "" || q.protocol == h.protocol) && (q.host == "" || q.host == h.host) &&
			(q.path == "" || q.path == h.path) && (q.user == "" || q.user == h.user)
	}
	return p.scheme == have.scheme && p.port == have.port && matchHost(have.host, p.host) &&
		(!p.hasUser || have.hasUser && p.user == have.user) && under(have.path, p.path)
}

// matchHost compares label by label; "*" stands for one label (git 2.26).
func matchHost(host, pattern string) bool {
	hs, ps := strings.Split(host, "."), strings.Split(pattern, ".")
	if len(hs) != len(ps) {
		return false
	}
	for i := range ps {
		if ps[i] != "*" && ps[i] != hs[i] {
			return false
		}
	}
	return true
}

// under reports whether path is prefix or lies below it.
func under(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// A webURL is a URL as git normalises it before comparing.
type webURL struct {
	scheme, user, host, port, path string
	hasUser                        bool
}

var defaultPorts = map[string]string{"http": "80", "https": "443"}

func parseURL(s string) (u webURL, ok bool) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || scheme == "" {
		return u, false
	}
	u.scheme = lower(scheme)
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.user, _, _ = strings.Cut(authority[:i], ":")
		u.user, u.hasUser = unescape(u.user), true
		authority = authority[i+1:]
	}
	u.host = lower(authority)
	if host, port, err := net.SplitHostPort(authority); err == nil {
		u.host, u.port = lower(host), strings.TrimLeft(port, "0")
	}
	if u.port == "" {
		u.port = defaultPorts[u.scheme]
	}
	u.path = cleanPath(unescape(path))
	return u, u.host != ""
}

// cleanPath resolves "." and ".." and makes the empty path "/".
func cleanPath(path string) string {
	var out []string
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, p := range parts {
		switch {
		case p == ".." && len(out) > 0:
			out = out[:len(out)-1]
		case p != "." && p != "..":
			out = append(out, p)
			continue
		}
		if i == len(parts)-1 {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}

// A partial is a key that is no whole URL: "bitbucket.org", "https://", "/ws".
type partial struct{ protocol, user, host, path string }

func parsePartial(s string) (p partial) {
	rest := s
	if protocol, after, found := strings.Cut(s, "://"); found {
		p.protocol, rest = protocol, after
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if user, after, found := strings.Cut(host, "@"); found {
		user, _, _ = strings.Cut(user, ":")
		p.user, host = unescape(user), after
	}
	p.host, p.path = unescape(host), unescape(strings.Trim(path, "/"))
	return p
}

// unescape decodes %XX.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte(hexDigits, lower(s[i+1 : i+2])[0]), strings.IndexByte(hexDigits, lower(s[i+2 : i+3])[0])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

const hexDigits = "0123456789abcdef"

// lower folds ASCII only: strings.ToLower makes a "k" of the Kelvin sign.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
