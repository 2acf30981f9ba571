package bitbucket

import (
	"strings"
	"testing"
)

func TestParseRepository(t *testing.T) {
	for text, want := range map[string]string{
		"acme/app":                                         "acme/app",
		" acme/app.git\n":                                  "acme/app",
		"acme/app/":                                        "acme/app",
		"Acme_1/the.app-2":                                 "Acme_1/the.app-2",
		"https://bitbucket.org/acme/app":                   "acme/app",
		"https://bitbucket.org/acme/app.git":               "acme/app",
		"https://bitbucket.org:443/acme/app.git/":          "acme/app",
		"https://Bitbucket.org/acme/app/src/main/?x=y#z":   "acme/app",
		"https://alice@bitbucket.org/acme/app.git":         "acme/app",
		"https://alice:secret@bitbucket.org/acme/app":      "acme/app",
		"git@bitbucket.org:acme/app.git":                   "acme/app",
		"git@ssh.bitbucket.org:acme/app":                   "acme/app",
		"ssh://git@bitbucket.org/acme/app.git":             "acme/app",
		"ssh://git@altssh.bitbucket.org:443/acme/app.git":  "acme/app",
		"https://bitbucket.org/acme/app.git/info/lfs/a%2f": "acme/app",
	} {
		if got, err := ParseRepository(text); err != nil || got.String() != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "/", "acme", "acme/", "/app", "acme/.git", "acme/..", "./app", "acme/app/src", "acme//app", "acme/app?x", "acme/a b", "acme/app\r\nX: y",
		"acme/%2e%2e", "acm\u00e9/app", strings.Repeat("a", 129) + "/app", "acme/app#x", `acme\app`, "acme/app:443", "bitbucket.org:acme/app",
		"http://bitbucket.org/acme/app", "https://www.bitbucket.org/acme/app", "https://bitbucket.org.evil.example/acme/app",
		"https://bitbucket.org:444/acme/app", "https://bitbucket.org@evil.example/acme/app", "https://api.bitbucket.org/acme/app", "https://bitbucket.org/acme",
		"https://bitbucket.org/acme%2fapp/x", "https://bitbucket.org//acme/app", "https://bitbucket.org/", "https://alice:ATATT-secret%zz@bitbucket.org/acme/app",
		"git@evil.example:acme/app", "git@bitbucket.org:acme", "ssh://git@evil.example/acme/app", "file://bitbucket.org/acme/app", "git@bitbucket.org/acme:x",
	} {
		got, err := ParseRepository(text)
		if err != ErrRepository || got != (Repository{}) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
