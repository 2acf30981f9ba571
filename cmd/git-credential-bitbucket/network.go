package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
)

// network is how the site is reached: over the proxy and with the authorities that git
// itself would use, read once for the two hosts.
type network struct {
	routes         map[string]route // by host
	caFile, caPath setting
	headers        []install.Header // that git adds to what it sends to bitbucket.Host
	notes          []networkNote
	now            func() time.Time
}

// A setting is a value and where it stands, for people: a variable's name, or a key of
// git's config and its file.
type setting struct{ value, from string }

// A route is the way to one host. Without a proxy the address is nil.
type route struct {
	proxy   *url.URL
	setting setting // that names the proxy, or says that there is none; zero: nothing says
	err     error   // a *proxyError
}

// A networkNote is something about git's network settings that a person should know.
type networkNote struct{ id, text, remedy string }

// A proxyError is a proxy that cannot be used. It does not show the proxy's address,
// which can hold a password.
type proxyError struct{ from, wrong string }

func (e *proxyError) Error() string { return e.from + " " + e.wrong }

// readNetwork reads git's settings, and the variables that git reads beside them. Where
// git cannot be asked, the variables are all there is.
func (p *process) readNetwork(ctx context.Context) *network {
	n := &network{routes: map[string]route{}, now: p.now}
	hosts := []string{bitbucket.Host, bitbucket.RESTHost}
	configured := make([]install.HTTP, len(hosts))
	if git, err := p.git(); err == nil {
		git.Timeout = askLimit
		var urls []string
		for _, host := range hosts {
			urls = append(urls, "https://"+host+"/")
		}
		read, err := install.Network(ctx, git, urls...)
		if err != nil {
			n.note("git-settings", "git's own proxy and certificates are not known here: "+oneLine(err.Error()), "type: git config --list")
		} else {
			configured = read
			for i := range configured {
				n.ownOnly(&configured[i])
			}
		}
	}
	for i, host := range hosts {
		n.routes[host] = p.routeTo(host, configured[i].Proxy)
	}
	site, rest := configured[0], configured[1]
	n.headers = site.Headers
	n.caFile, n.caPath = p.authority(site.CAFile, "GIT_SSL_CAINFO"), p.authority(site.CAPath, "GIT_SSL_CAPATH")
	if n.caFile.value != p.authority(rest.CAFile, "GIT_SSL_CAINFO").value || n.caPath.value != p.authority(rest.CAPath, "GIT_SSL_CAPATH").value {
		n.note("two-authorities", fmt.Sprintf("git's config has other certificates for %s than for %s, and here those for %[2]s serve both", bitbucket.RESTHost, bitbucket.Host),
			"set http.https://"+bitbucket.RESTHost+"/.sslCAInfo to the same file")
	}
	n.verification(site.Unverified)
	if rest.Unverified != nil && (site.Unverified == nil || rest.Unverified.Key != site.Unverified.Key) {
		n.verification(rest.Unverified)
	}
	if _, set := p.lookup("GIT_SSL_NO_VERIFY"); set {
		n.note("tls-unverified", "GIT_SSL_NO_VERIFY is set: git takes anybody for "+bitbucket.Host+" and gives them the token; this program checks all the same", "unset GIT_SSL_NO_VERIFY")
	}
	return n
}

// ownOnly leaves out what a repository's own config says of the proxy and the
// certificates: a folder that was unpacked somewhere is not to be shown the token.
func (n *network) ownOnly(h *install.HTTP) {
	for _, l := range []**install.Line{&h.Proxy, &h.CAFile, &h.CAPath} {
		if *l != nil && ((*l).Scope == install.ScopeLocal || (*l).Scope == install.ScopeWorktree) {
			n.note("repository-network", place(**l)+" is not used here: a repository's own config may not choose who is shown the token", "where it is meant so, set it with git config --global")
			*l = nil
		}
	}
}

func (n *network) note(id, text, remedy string) {
	n.notes = append(n.notes, networkNote{id, text, remedy})
}

// verification notes that git does not check who it talks to.
func (n *network) verification(l *install.Line) {
	if l == nil {
		return
	}
	remedy := "remove that line"
	if file := l.File(); file != "" {
		remedy = fmt.Sprintf("type: git config --file %s --unset-all %s", shellWord(file), shellWord(l.Key))
	}
	n.note("tls-unverified", fmt.Sprintf("%s is false: git takes anybody for %s and gives them the token; this program checks all the same", place(*l), bitbucket.Host), remedy)
}

// place is a line's key and where it stands.
func place(l install.Line) string {
	return oneLine(l.Key + " in " + strings.TrimPrefix(l.Origin, "file:"))
}

// authority is a file or folder of certificates: the variable beats git's config, and an
// empty one counts as not set (git's http.c, set_from_env).
func (p *process) authority(l *install.Line, variable string) setting {
	if value := p.env(variable); value != "" {
		return setting{value, variable}
	}
	if l != nil && l.Value != "" {
		return setting{l.Value, place(*l)}
	}
	return setting{}
}

// routeTo is the way to a host as git's http.c finds it (http_init, get_curl_handle): the
// config beats the environment, https_proxy beats all_proxy and lower case beats upper
// case, also where they are empty, which means no proxy.
func (p *process) routeTo(host string, configured *install.Line) route {
	var r route
	if configured != nil {
		r.setting = setting{configured.Value, place(*configured)}
	} else {
		for _, name := range []string{"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
			if value, set := p.lookup(name); set {
				r.setting = setting{value, name}
				break
			}
		}
	}
	if r.setting.value == "" {
		return r
	}
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		value, set := p.lookup(name)
		if set && exempts(value, host) {
			r.setting = setting{"", name}
		}
		if set {
			break
		}
	}
	if r.setting.value != "" {
		r.proxy, r.err = parseProxy(r.setting)
	}
	return r
}

// exempts reports whether a list like that of NO_PROXY names a host, as curl reads it
// (lib/noproxy.c): names by commas or blanks, each for itself and what is below it, with
// or without a dot in front; "*" alone is every host. It is no other list's: Go's own
// takes ".bitbucket.org" for what is below alone.
func exempts(list, host string) bool {
	if list == "*" {
		return true
	}
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "."), ".")
		if name == "" {
			continue
		}
		parent, below := len(host)-len(name), len(host) > len(name)
		if bitbucket.EqualASCII(host, name) || below && host[parent-1] == '.' && bitbucket.EqualASCII(host[parent:], name) {
			return true
		}
	}
	return false
}

// parseProxy reads a proxy's address; without a scheme it is http's.
func parseProxy(s setting) (*url.URL, error) {
	text := s.value
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, &proxyError{s.from, "names a proxy whose address cannot be read"}
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, &proxyError{s.from, fmt.Sprintf("names a proxy of kind %.20q, and only http, https, socks5 and socks5h can be used here", u.Scheme)}
}

// proxy is the proxy to an address, nil for none.
func (n *network) proxy(to *url.URL) (*url.URL, error) {
	r := n.routes[to.Hostname()]
	return r.proxy, r.err
}

// usable returns the error of the first proxy that cannot be used.
func (n *network) usable() error {
	for _, host := range []string{bitbucket.Host, bitbucket.RESTHost} {
		if err := n.routes[host].err; err != nil {
			return err
		}
	}
	return nil
}

// shellWord is text as one word of a command that a person types.
func shellWord(text string) string { return install.HelperValue(text, "") }
