package install

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestNetworkAsGit: of what is set for the URL, for all, and for others, the setting that
// git itself says it would use.
func TestNetworkAsGit(t *testing.T) {
	const mine, rest = "https://bitbucket.org/acme/app.git", "https://api.bitbucket.org/2.0/user"
	for name, c := range map[string]struct{ config, mine, rest string }{
		"none":              {"", "", ""},
		"for all":           {"[http]\n proxy = a", "a", "a"},
		"one host":          {"[http]\n proxy = a\n[http \"https://bitbucket.org\"]\n proxy = b", "b", "a"},
		"one host first":    {"[http \"https://bitbucket.org\"]\n proxy = b\n[http]\n proxy = a", "b", "a"},
		"a pattern":         {"[http \"https://*.bitbucket.org\"]\n proxy = b\n[http]\n proxy = a", "a", "b"},
		"another scheme":    {"[http \"http://bitbucket.org\"]\n proxy = b", "", ""},
		"another port":      {"[http \"https://bitbucket.org:8443\"]\n proxy = b", "", ""},
		"its own port":      {"[http \"https://BITBUCKET.org:443/\"]\n proxy = b", "b", ""},
		"no whole URL":      {"[http \"bitbucket.org\"]\n proxy = b", "", ""},
		"a path":            {"[http \"https://bitbucket.org/acme\"]\n proxy = b\n[http \"https://bitbucket.org/\"]\n proxy = c", "b", ""},
		"half a path":       {"[http \"https://bitbucket.org/ac\"]\n proxy = b", "", ""},
		"a user":            {"[http \"https://ann@bitbucket.org\"]\n proxy = b", "", ""},
		"the last of equal": {"[http \"https://bitbucket.org\"]\n proxy = b\n[http \"https://bitbucket.org/\"]\n proxy = c", "c", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.write(".gitconfig", c.config)
			got, err := Network(t.Context(), h.Git, mine, rest)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{c.mine, c.rest} {
				url := []string{mine, rest}[i]
				value := ""
				if got[i].Proxy != nil {
					value = got[i].Proxy.Value
				}
				if git := h.urlmatch("http.proxy", url); value != want || git != want {
					t.Errorf("%s: %q, and git says %q; want %q", url, value, git, want)
				}
			}
		})
	}
}

// urlmatch is git's own answer, "" for none.
func (h *house) urlmatch(key, url string) string {
	out, err := h.run(context.Background(), "config", "--get-urlmatch", key, url)
	if err != nil && exitCode(err) != 1 {
		h.Fatal(err)
	}
	return strings.TrimSuffix(out, "\n")
}

func TestNetworkSettings(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", `[http]
	proxy =
	sslCAInfo = ~/ca.pem
	sslCAPath = /etc/certs
	sslVerify
	extraHeader = Old: one
	extraHeader =
	extraHeader = "Authorization: Basic c2VjcmV0"
[http "https://bitbucket.org"]
	sslVerify = 0
	extraHeader = "X-Trace : y: z"
`)
	got, err := Network(t.Context(), h.Git, site, "https://example.org")
	if err != nil {
		t.Fatal(err)
	}
	ours, other := got[0], got[1]
	if p := ours.Proxy; p == nil || p.Value != "" || p.File() != h.path(".gitconfig") || p.Scope != ScopeGlobal {
		t.Errorf("proxy %+v", p)
	}
	if ours.CAFile.Value != h.path("ca.pem") || ours.CAPath.Value != "/etc/certs" {
		t.Errorf("CA %+v, %+v", ours.CAFile, ours.CAPath)
	}
	if ours.Unverified == nil || other.Unverified != nil {
		t.Errorf("unverified: %+v, %+v", ours.Unverified, other.Unverified)
	}
	if len(ours.Headers) != 2 || ours.Headers[0].Name != "Authorization" || ours.Headers[1].Name != "X-Trace" || len(other.Headers) != 1 {
		t.Errorf("headers %+v, %+v", ours.Headers, other.Headers)
	}
	for _, header := range ours.Headers {
		if header.Line.Value != "" || header.Line.Key == "" {
			t.Errorf("%+v", header)
		}
	}
}

// TestNetworkNoHome: a path that cannot be expanded is no reason to know nothing.
func TestNetworkNoHome(t *testing.T) {
	h := newHouse(t, "HOME=")
	h.write("system", "[http]\n\tsslCAInfo = ~/ca.pem\n")
	got, err := Network(t.Context(), h.Git, site)
	if err != nil || got[0].CAFile == nil || filepath.Base(got[0].CAFile.Value) != "ca.pem" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNetworkOldGit(t *testing.T) {
	var old *TooOldError
	if _, err := Network(t.Context(), fakeGit(t, "echo git version 2.20.1"), site); !errors.As(err, &old) {
		t.Error(err)
	}
}
