package leftovers

import (
	"strings"
	"testing"

	"git-credential-bitbucket/store/secret"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]struct{ user, host, secret, clean string }{
		"https://bitbucket.org/acme/app.git":            {"", "bitbucket.org", "", "https://bitbucket.org/acme/app.git"},
		"https://alice@bitbucket.org/acme/app.git":      {"alice", "bitbucket.org", "", "https://bitbucket.org/acme/app.git"},
		"HTTPS://a%40b.org:p%3Dw@BitBucket.org:443/x?y": {"a@b.org", "bitbucket.org", "p=w", "https://bitbucket.org/x"},
		"http://bitbucket.org:80":                       {"", "bitbucket.org", "", "https://bitbucket.org"},
		"https://a:p@w@www.bitbucket.org/x#z":           {"a", "www.bitbucket.org", "p@w", "https://bitbucket.org/x"},
		"https://ATATTxyz@bitbucket.org/x":              {"", "bitbucket.org", "ATATTxyz", "https://bitbucket.org/x"},
		"https://a:%zz@bitbucket.org/x":                 {"a", "bitbucket.org", "%zz", "https://bitbucket.org/x"},
		"ssh://git@bitbucket.org/x":                     {},
		"git@bitbucket.org:x/y":                         {},
		"https://a:b@bitbucket.org.example.com/x":       {},
		"https://bitbucket.org:8443/x":                  {},
		"../lib":                                        {},
	} {
		a, ok := ParseAddress(text)
		if ok != (want.host != "") {
			t.Errorf("%q: %v", text, ok)
			continue
		}
		if ok && (a.User != want.user || a.Host != want.host || !a.Secret.Equal(secret.New(want.secret)) || a.Clean() != want.clean) {
			t.Errorf("%q: %+v, %q", text, a, a.Clean())
		}
	}
}

func TestParseNetrc(t *testing.T) {
	for text, want := range map[string]string{ // machine:line:password, by blanks
		"":                                   "",
		"machine a login b password c":       "a:1:c",
		"machine a\n\tlogin b\n\tpassword c": "a:1:c",
		"machine a password \"b c\\\"d\" login x\nmachine e password f": "a:1:b_c\"d e:2:f",
		"# machine a password b\nmachine c":                             "c:2:",
		"default login a password b":                                    ":1:b",
		"macdef x\nmachine a\npassword b\n\nmachine c password d":       "c:5:d",
		"machine password password machine\nmachine":                    "password:1:machine",
		"MACHINE a LOGIN b Password c":                                  "a:1:c",
		"password x machine a":                                          "a:1:",
		"machine a login machine password default":                      "a:1:default",
	} {
		var got []string
		for _, n := range ParseNetrc(text) {
			got = append(got, n.Machine+":"+string(rune('0'+n.Line))+":"+strings.ReplaceAll(n.Password.Reveal(), " ", "_"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
