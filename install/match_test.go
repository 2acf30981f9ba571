package install

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

var subsections = []struct {
	sub   string
	reach reach
}{
	{"https://bitbucket.org", wholly},
	{"https://bitbucket.org/", wholly},
	{"https://BitBucket.ORG", wholly},
	{"HTTPS://bitbucket.org", wholly},
	{"https://bitbucket.org:443", wholly},
	{"https://bitbucket.org/./", wholly},
	{"https://me@bitbucket.org", partly},
	{"https://@bitbucket.org", partly},
	{"https://you@bitbucket.org", partly},
	{"https://bitbucket.org/ws", partly},
	{"https://bitbucket.org/ws/", partly},
	{"https://bitbucket.org/ws/repo.git", partly},
	{"https://bitbucket.org/w%73", partly},
	{"https://bitbucket.org/w", partly},
	{"https://bitbucket.org/a/../ws", partly},
	{"https://*.org", general},
	{"https://*", elsewhere},
	{"https://*.bitbucket.org", elsewhere},
	{"https://bitbucket.org:8443", elsewhere},
	{"https://www.bitbucket.org", elsewhere},
	{"https://bitbucket.org.example.com", elsewhere},
	{"http://bitbucket.org", elsewhere},
	{"ssh://bitbucket.org", elsewhere},
	{"https://example.org", elsewhere},
	{"https://bitbuc\u212aet.org", elsewhere},
	{"bitbucket.org", wholly},
	{"https://", general},
	{"http://", elsewhere},
	{"/ws/repo.git", general},
	{"bitbucket.org/ws", partly},
	{"example.org", elsewhere},
	{"not a url", elsewhere},
}

func TestReach(t *testing.T) {
	for _, c := range subsections {
		if got := reachOf("credential." + c.sub + ".helper"); got != c.reach {
			t.Errorf("%s: %v, want %v", c.sub, got, c.reach)
		}
	}
	if reachOf("credential.helper") != general || reachOf("lfs.helper") != elsewhere {
		t.Error("a key without a URL")
	}
}

// TestMatchesAsGitDoes lets git decide which of the keys it applies to a URL.
func TestMatchesAsGitDoes(t *testing.T) {
	h := newHouse(t)
	var b strings.Builder
	for _, c := range subsections {
		b.WriteString("[credential \"" + c.sub + "\"]\n\thelper = \"!echo '" + c.sub + "' >>" + h.path("asked") + ";:\"\n")
	}
	h.write(".gitconfig", b.String()+"[credential]\n\thelper = \"!echo password=x; echo username=x;:\"\n")
	for _, url := range []string{
		"https://bitbucket.org", "https://bitbucket.org/ws/repo.git", "https://me@bitbucket.org/ws/repo.git", "https://bitbucket.org/wsx",
		"https://BITBUCKET.org:443/ws", "https://bitbucket.org:8443/", "https://example.org/ws/repo.git", "http://bitbucket.org/",
	} {
		h.fill(url)
		hs, err := Effective(t.Context(), h.Git, url)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, helper := range hs[:len(hs)-1] {
			_, sub, _, _ := split(helper.Line.Key)
			got = append(got, sub)
		}
		h.equal(url, got, strings.Split(strings.TrimSuffix(h.read("asked"), "\n"), "\n"))
		_ = os.Remove(h.path("asked"))
	}
}

// TestUsernameAsGitDoes lets git say which username it sends.
func TestUsernameAsGitDoes(t *testing.T) {
	h := newHouse(t)
	const url = "https://bitbucket.org/ws/repo.git"
	for _, order := range [][]string{
		{`credential`, `credential "https://bitbucket.org"`}, {`credential "https://bitbucket.org"`, `credential`},
		{`credential "https://bitbucket.org/ws"`, `credential "https://*.org"`}, {`credential "bitbucket.org"`, `credential "https://bitbucket.org/other"`},
		{`credential "https://example.org"`, `credential "https://me@bitbucket.org"`},
	} {
		text := "[credential]\n\thelper = \"!sed -n s/^username=//p >" + h.path("asked") + ";echo password=x;echo username=x;:\"\n"
		for n, section := range order {
			text += fmt.Sprintf("[%s]\n\tusername = u%d\n", section, n)
		}
		h.write(".gitconfig", text)
		h.fill(url)
		lines, err := Lines(t.Context(), h.Git, `^credential\.`)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := Username(lines, url), strings.TrimSuffix(h.read("asked"), "\n"); got != want {
			t.Errorf("%q: %q, git sends %q", order, got, want)
		}
	}
}
