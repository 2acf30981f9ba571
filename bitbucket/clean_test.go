package bitbucket

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"git-credential-bitbucket/store/secret"
)

var (
	token = made("ATATT", "a-b_c") + "="
	long  = strings.Repeat("x", MaxToken)
)

func TestClean(t *testing.T) {
	escaped := func(equals string) string { return strings.TrimSuffix(token, "=") + equals }
	fixes := func(list ...Fix) []Fix { return list }
	jwt := "eyJh.eyJz.c2ln"
	for _, c := range []struct {
		name, pasted, want, user string
		fixes                    []Fix
	}{
		{"alone", token, token, "", nil},
		{"a line end", token + "\n", token, "", nil},
		{"a line end of Windows", token + "\r\n", token, "", nil},
		{"a byte order mark", "\ufeff" + token + "\n", token, "", nil},
		{"two line ends", token + "\n\n", token, "", fixes(FixBlanks)},
		{"blanks", "  \t" + token + " ", token, "", fixes(FixBlanks)},
		{"a blank that is none of ASCII", "\u00a0" + token + "\u00a0", token, "", fixes(FixBlanks)},
		{"double quotes", `"` + token + `"`, token, "", fixes(FixQuotes)},
		{"single quotes", "'" + token + "'\n", token, "", fixes(FixQuotes)},
		{"backquotes", "`" + token + "`", token, "", fixes(FixQuotes)},
		{"quotes in quotes", `"'` + token + `'"`, token, "", fixes(FixQuotes)},
		{"blanks outside and inside of quotes", ` " ` + token + ` " `, token, "", fixes(FixBlanks, FixQuotes)},
		{"a byte order mark in quotes", "'\ufeff" + token + "'", token, "", fixes(FixQuotes, FixBlanks)},
		{"a user", "x-token-auth:" + token, token, "x-token-auth", fixes(FixUser)},
		{"an e-mail", "alice@example.com:" + token, token, "alice@example.com", fixes(FixUser)},
		{"a user and a blank", "alice: " + token, token, "alice", fixes(FixUser, FixBlanks)},
		{"a user, and quotes around the token", `alice:"` + token + `"`, token, "alice", fixes(FixUser, FixQuotes)},
		{"quotes around both", `"alice:` + token + `"`, token, "alice", fixes(FixQuotes, FixUser)},
		{"an empty user", ":" + token, token, "", fixes(FixUser)},
		{"an address", "https://x-token-auth:" + token + "@bitbucket.org/acme/app.git", token, "x-token-auth", fixes(FixURL)},
		{"an address with the port", "https://a:" + token + "@BitBucket.org:443/", token, "a", fixes(FixURL)},
		{"an address with the token as user", "https://" + token + "@bitbucket.org/acme/app", token, "", fixes(FixURL)},
		{"an address with an e-mail", "https://alice@example.com:" + token + "@bitbucket.org/", token, "alice@example.com", fixes(FixURL)},
		{"an address with an escaped token", "https://a:" + escaped("%3D") + "@bitbucket.org/", token, "a", fixes(FixURL)},
		{"an address escaped twice", "https://a:" + escaped("%253D") + "@bitbucket.org/", token, "a", fixes(FixURL, FixEscapes)},
		{"an address in quotes", "'https://a:" + token + "@bitbucket.org/'", token, "a", fixes(FixQuotes, FixURL)},
		{"escaped by a shell", escaped(`\=`), token, "", fixes(FixEscapes)},
		{"escaped for an address", escaped("%3D"), token, "", fixes(FixEscapes)},
		{"escaped in lower case", escaped("%3d"), token, "", fixes(FixEscapes)},
		{"escaped twice over", escaped(`\%3D`), token, "", fixes(FixEscapes)},
		{"all at once", "\ufeff \"alice:" + escaped("%3D") + "\"\r\n", token, "alice", fixes(FixBlanks, FixQuotes, FixUser, FixEscapes)},
		{"a JWT", jwt + "%3D", jwt + "=", "", fixes(FixEscapes)},
		{"an app password", "ATBBabc", "ATBBabc", "", nil},
		{"an unknown kind keeps its escapes", "opaque%3D", "opaque%3D", "", nil},
		{"one quote is no pair", `"` + token, `"` + token, "", nil},
		{"quotes that do not match", `"` + token + "'", `"` + token + "'", "", nil},
		{"the longest", long, long, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Clean(secret.New(c.pasted))
			if err != nil || got.Token.Reveal() != c.want || got.User != c.user || !slices.Equal(got.Fixes, c.fixes) {
				t.Errorf("%q, user %q, %q, %v; want %q, user %q, %q", got.Token.Reveal(), got.User, got.Fixes, err, c.want, c.user, c.fixes)
			}
		})
	}
}

func TestCleanRefuses(t *testing.T) {
	for _, c := range []struct {
		pasted string
		err    error
	}{
		{"", ErrEmptyToken},
		{"\n", ErrEmptyToken},
		{" \t ", ErrEmptyToken},
		{"\ufeff", ErrEmptyToken},
		{`""`, ErrEmptyToken},
		{`" "`, ErrEmptyToken},
		{"alice:", ErrEmptyToken},
		{`alice:""`, ErrEmptyToken},
		{long + "x", ErrLongToken},
		{"ATAT two", ErrBrokenToken},
		{"ATAT\ttwo", ErrBrokenToken},
		{"ATAT\ntwo", ErrBrokenToken},
		{"ATAT\r\ntwo", ErrBrokenToken},
		{"ATAT\x00", ErrBrokenToken},
		{"ATAT\x1b[31m", ErrBrokenToken},
		{"ATAT\x7f", ErrBrokenToken},
		{"alice:bob:ATATx", ErrBrokenToken},
		{"https://a:b%3Ac@bitbucket.org/", ErrBrokenToken},
		{"https://a:b%0Ac@bitbucket.org/", ErrBrokenToken},
		{"https://bitbucket.org/acme/app.git", ErrMissingToken},
		{"https://alice:@bitbucket.org/acme/app.git", ErrMissingToken},
		{"https://a:ATATx@example.com/", ErrForeignToken},
		{"https://a:ATATx@bitbucket.org.example.com/", ErrForeignToken},
		{"https://a:ATATx@bitbucket.org:8443/", ErrForeignToken},
		{"http://a:ATATx@bitbucket.org/", ErrForeignToken},
		{"ssh://git@bitbucket.org/", ErrForeignToken},
		{"git clone https://a:ATATx@bitbucket.org/acme/app.git", ErrForeignToken},
		{"https://a:%zz@bitbucket.org/", ErrForeignToken},
		{"$(BITBUCKET_ACCESS_TOKEN)", ErrUnreplaced},
		{"${BITBUCKET_ACCESS_TOKEN:-ATATx}\n", ErrUnreplaced},
		{"${{ secrets.ATAT }}", ErrUnreplaced},
		{`"$ATAT_TOKEN"`, ErrUnreplaced},
		{"%BITBUCKET_TOKEN%", ErrUnreplaced},
		{"x-token-auth:$ATAT_TOKEN", ErrUnreplaced},
		{`alice: "%ATAT%"`, ErrUnreplaced},
		{"https://x-token-auth:%24(ATAT)@bitbucket.org/acme/app.git", ErrUnreplaced},
		{"https://x-token-auth:$ATAT_TOKEN@bitbucket.org/acme/app.git", ErrUnreplaced},
	} {
		got, err := Clean(secret.New(c.pasted))
		if !errors.Is(err, c.err) || !got.Token.IsZero() || got.User != "" {
			t.Errorf("%.60q: %q, %v; want %v", c.pasted, got.Token.Reveal(), err, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "ATAT") {
			t.Errorf("%.60q is in %q", c.pasted, err)
		}
	}
}

// Whatever is pasted, Clean gives a token that fits a line of git's protocol, or an
// error, and leaves alone what it gave.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		"", token, `"` + token + `"`, "a:" + token, "https://a:" + token + "@bitbucket.org/", `'"`, "a:'b'", "\ufeff'\ufeffx'",
		`ATAT\%3D`, "https://%22x%22@bitbucket.org", "https://a:%20b@bitbucket.org", "a:b:c", "eyJ.%3D.\\=", ":%0%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pasted string) {
		once, err := Clean(secret.New(pasted))
		if err != nil {
			if !once.Token.IsZero() {
				t.Fatalf("%q: a token with %v", pasted, err)
			}
			return
		}
		if once.Token.IsZero() || Printable(once.Token) != nil {
			t.Fatalf("%q gives %q", pasted, once.Token.Reveal())
		}
		twice, err := Clean(once.Token)
		if err != nil || !twice.Token.Equal(once.Token) || twice.Fixes != nil || twice.User != "" {
			t.Fatalf("%q gives %q, and that gives %q, %q, %v", pasted, once.Token.Reveal(), twice.Token.Reveal(), twice.Fixes, err)
		}
	})
}

func TestPrintable(t *testing.T) {
	for c := range 256 {
		want := c > ' ' && c < 0x7f
		if got := Printable(secret.New("a" + string([]byte{byte(c)}) + "b")); (got == nil) != want {
			t.Errorf("byte %d: %v", c, got)
		}
	}
}

func TestIsHost(t *testing.T) {
	for _, host := range []string{"bitbucket.org", "BitBucket.Org", "BITBUCKET.ORG:443", "bitbucket.org:443"} {
		if !IsHost(host) {
			t.Errorf("%q is not", host)
		}
	}
	for _, host := range []string{
		"", "bitbucket", "org", "www.bitbucket.org", "api.bitbucket.org", "x.bitbucket.org", ".bitbucket.org", "xbitbucket.org",
		"bitbucket.org.", "bitbucket.org.:443", "bitbucket.org.example.com", "bitbucket.orgx", "bitbucket.com", "bitbucket.org:", "bitbucket.org:80",
		"bitbucket.org:8443", "bitbucket.org:0443", "bitbucket.org:443:443", "bitbucket.org:4430", "alice@bitbucket.org", "bitbucket.org/x",
		"bitbucket.org@example.com", "bitbucket.org#x", "bitbucket.org?x", "https://bitbucket.org", "bitbucuet.org",
		"bitbuc\u212Aet.org", "bitbu\u0441ket.org", "bitbucket\u3002org", "b\u0131tbucket.org", "bitbucket%2eorg", "bitbucket%2Eorg", "%62itbucket.org",
		" bitbucket.org", "bitbucket.org ", "bitbucket.org\t", "bitbucket.org\n", "bitbucket.org\r", "bitbucket.org\x00", "bitbucket.org\x00.example.com",
		"bitbucket.or\xc7", "\x02itbucket.org", "bitbucket.org\u200b", "xn--bitbucket.org", "[bitbucket.org]",
	} {
		if IsHost(host) {
			t.Errorf("%q is taken for it", host)
		}
	}
}

func TestEqualASCII(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "A", true}, {"az", "AZ", true}, {"a-_0", "A-_0", true},
		{"a", "", false}, {"a", "b", false}, {"k", "\u212a", false}, {"s", "\u017f", false}, {"é", "É", false}, {"@", "`", false}, {"[", "{", false}, {"A", "\x01", false},
	} {
		if EqualASCII(c.a, c.b) != c.want || EqualASCII(c.b, c.a) != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, !c.want)
		}
	}
}
