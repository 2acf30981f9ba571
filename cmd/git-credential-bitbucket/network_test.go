package main

import (
	"net/url"
	"strings"
	"testing"

	"git-credential-bitbucket/install"
)

func TestRoute(t *testing.T) {
	config := func(value string) *install.Line {
		return &install.Line{Key: "http.proxy", Origin: "file:/etc/gitconfig", Value: value}
	}
	for name, c := range map[string]struct {
		config *install.Line
		env    string // NAME=VALUE by blanks
		want   string // the proxy, "" for none
		from   string
	}{
		"nothing":                    {nil, "", "", ""},
		"config":                     {config("http://p:1"), "", "http://p:1", "http.proxy in /etc/gitconfig"},
		"config, not environment":    {config("p:1"), "https_proxy=http://q:1", "http://p:1", "http.proxy in /etc/gitconfig"},
		"config says none":           {config(""), "https_proxy=http://q:1", "", "http.proxy in /etc/gitconfig"},
		"environment":                {nil, "HTTPS_PROXY=q:1", "http://q:1", "HTTPS_PROXY"},
		"lower case first":           {nil, "HTTPS_PROXY=q:1 https_proxy=r:1", "http://r:1", "https_proxy"},
		"lower case says none":       {nil, "HTTPS_PROXY=q:1 https_proxy=", "", "https_proxy"},
		"all":                        {nil, "ALL_PROXY=socks5h://s:1", "socks5h://s:1", "ALL_PROXY"},
		"https before all":           {nil, "all_proxy=s:1 HTTPS_PROXY=q:1", "http://q:1", "HTTPS_PROXY"},
		"http's is for http":         {nil, "http_proxy=q:1", "", ""},
		"NO_PROXY":                   {nil, "https_proxy=q:1 NO_PROXY=bitbucket.org", "", "NO_PROXY"},
		"NO_PROXY against config":    {config("p:1"), "NO_PROXY=bitbucket.org", "", "NO_PROXY"},
		"no_proxy before NO_PROXY":   {nil, "https_proxy=q:1 NO_PROXY=* no_proxy=example.org", "http://q:1", "https_proxy"},
		"empty no_proxy":             {nil, "https_proxy=q:1 NO_PROXY=* no_proxy=", "http://q:1", "https_proxy"},
		"with a password":            {nil, "https_proxy=http://ann:pw@q:1", "http://ann:pw@q:1", "https_proxy"},
		"a scheme in capitals":       {config("HTTP://p:1"), "", "http://p:1", "http.proxy in /etc/gitconfig"},
		"NO_PROXY without any proxy": {nil, "NO_PROXY=*", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := &process{lookup: func(name string) (string, bool) {
				for _, word := range strings.Fields(c.env) {
					if value, ok := strings.CutPrefix(word, name+"="); ok {
						return value, true
					}
				}
				return "", false
			}}
			r := p.routeTo("api.bitbucket.org", c.config)
			got := ""
			if r.proxy != nil {
				got = r.proxy.String()
			}
			if got != c.want || r.setting.from != c.from || r.err != nil {
				t.Errorf("%q from %q, %v", got, r.setting.from, r.err)
			}
		})
	}
}

func TestProxyUnusable(t *testing.T) {
	for value, want := range map[string]string{
		"socks4://ann:pw@p:1": `x names a proxy of kind "socks4", and only http, https, socks5 and socks5h can be used here`,
		"http://ann:pw@":      "x names a proxy whose address cannot be read",
		"http://ann:pw%zz@p":  "x names a proxy whose address cannot be read",
		"://pw":               "x names a proxy whose address cannot be read",
	} {
		proxy, err := parseProxy(setting{value, "x"})
		if proxy != nil || err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v", value, proxy, err)
		}
	}
}

func TestExempts(t *testing.T) {
	for list, want := range map[string]string{ // of the hosts, which the list names
		"":                          "",
		"*":                         "bitbucket.org api.bitbucket.org",
		"*,example.org":             "",
		"bitbucket.org":             "bitbucket.org api.bitbucket.org",
		".bitbucket.org":            "bitbucket.org api.bitbucket.org",
		"BitBucket.ORG.":            "bitbucket.org api.bitbucket.org",
		"api.bitbucket.org":         "api.bitbucket.org",
		"example.org bitbucket.org": "bitbucket.org api.bitbucket.org",
		"localhost, .org":           "bitbucket.org api.bitbucket.org",
		"bucket.org,,.":             "",
		"*.bitbucket.org":           "",
		"bitbucket.org:443":         "",
	} {
		var got []string
		for _, host := range []string{"bitbucket.org", "api.bitbucket.org"} {
			if exempts(list, host) {
				got = append(got, host)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", list, got, want)
		}
	}
}

func TestNetworkByHost(t *testing.T) {
	one, two := &url.URL{Scheme: "http", Host: "one"}, &url.URL{Scheme: "http", Host: "two"}
	n := &network{routes: map[string]route{"bitbucket.org": {proxy: one}, "api.bitbucket.org": {proxy: two}}}
	for host, want := range map[string]*url.URL{"bitbucket.org": one, "bitbucket.org:443": one, "api.bitbucket.org": two, "example.org": nil} {
		if got, err := n.proxy(&url.URL{Host: host}); got != want || err != nil {
			t.Errorf("%s: %v, %v", host, got, err)
		}
	}
	n.routes["api.bitbucket.org"] = route{err: &proxyError{"x", "y"}}
	if err := n.usable(); err == nil || err.Error() != "x y" {
		t.Error(err)
	}
}
