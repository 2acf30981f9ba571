package install

import (
	"context"
	"strings"
)

// An HTTP is how git's config tells git to fetch one URL. A line that is nil is not set.
type HTTP struct {
	Proxy      *Line    // http.proxy; an empty value: none, whatever the environment says
	CAFile     *Line    // http.sslCAInfo, the value as git expands it
	CAPath     *Line    // http.sslCAPath, likewise
	Unverified *Line    // http.sslVerify, where that is false
	Headers    []Header // http.extraHeader
}

// A Header is one that git adds to its requests. Its value may be a secret, and the
// Line comes without it.
type Header struct {
	Name string
	Line Line
}

// Network reads the settings for each of the URLs: of the keys http.VARIABLE and
// http.URL.VARIABLE the one that fits the URL best, and of equals the last (git-config's
// manual, http.<url>.*). The environment, which can override some, is left to the
// caller. Errors are *TooOldError and *GitError.
func Network(ctx context.Context, git Git, urls ...string) ([]HTTP, error) {
	lines, err := Lines(ctx, git, `^http\.`)
	if err != nil {
		return nil, err
	}
	settings := make([]HTTP, len(urls))
	for i, url := range urls {
		h := network(lines, url)
		for _, path := range []*Line{h.CAFile, h.CAPath} {
			if err := git.expand(ctx, path); err != nil {
				return nil, err
			}
		}
		settings[i] = h
	}
	return settings, nil
}

func network(lines []Line, url string) (h HTTP) {
	best := map[string]fit{}
	for _, l := range lines {
		_, _, variable, _ := split(l.Key)
		f, ok := fits(l.Key, url)
		if !ok || f.worse(best[variable]) {
			continue
		}
		best[variable] = f
		switch variable {
		case "proxy":
			h.Proxy = &l
		case "sslcainfo":
			h.CAFile = &l
		case "sslcapath":
			h.CAPath = &l
		case "sslverify":
			h.Unverified = nil
			if !isTrue(l) {
				h.Unverified = &l
			}
		case "extraheader":
			// A list, which an empty value clears (git's http.c, http_options).
			if l.Value == "" {
				h.Headers = nil
				continue
			}
			name, _, _ := strings.Cut(l.Value, ":")
			l.Value = ""
			h.Headers = append(h.Headers, Header{strings.TrimSpace(name), l})
		}
	}
	return h
}

// A fit says how well a key's URL fits another: git's urlmatch.c compares the lengths of
// the hosts, then of the paths, then whether the key names the user.
type fit struct {
	host, path int
	user       bool
}

func (f fit) worse(than fit) bool {
	if f.host != than.host {
		return f.host < than.host
	}
	if f.path != than.path {
		return f.path < than.path
	}
	return !f.user && than.user
}

// fits reports whether git applies a key of section http to a URL. Unlike in section
// credential, a key's URL is a whole one or applies to nothing.
func fits(key, rawURL string) (fit, bool) {
	_, sub, _, whole := split(key)
	if whole {
		return fit{}, true
	}
	p, ok := parseURL(sub)
	if !ok || !matches(key, rawURL) {
		return fit{}, false
	}
	return fit{len(p.host), len(strings.TrimSuffix(p.path, "/")) + 1, p.hasUser}, true
}

// expand replaces a path that begins with "~/" or the like by what git makes of it. A
// path that git cannot expand, as without a home folder, stays as it is.
func (g Git) expand(ctx context.Context, l *Line) error {
	if l == nil || l.Value == "" || strings.IndexByte("~%:", l.Value[0]) < 0 {
		return nil
	}
	out, err := g.run(ctx, "config", "--null", "--type=path", "--get", l.Key)
	if exitCode(err) > 0 {
		return nil
	}
	l.Value = strings.TrimSuffix(out, "\x00")
	return err
}
