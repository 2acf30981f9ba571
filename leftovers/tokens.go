package leftovers

import (
	"bytes"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A written is a secret where a text has it.
type written struct {
	secret  secret.Secret
	at, end int
}

// tokensIn finds what is shaped like a token: "ATBB", 24 letters and digits and 8 hex
// digits; "ATAT" or "ATCT" and more than 40 characters of base64url, with the checksum
// that may follow a "=". What is too uniform to be one is an example.
func tokensIn(text []byte) (found []written) {
	for _, prefix := range [][]byte{[]byte("ATBB"), []byte("ATAT"), []byte("ATCT")} {
		for from := 0; ; {
			i := bytes.Index(text[from:], prefix)
			if i < 0 || len(found) >= 2*mostInFile {
				break
			}
			i += from
			w, ok := tokenAt(text, i)
			if ok {
				found = append(found, w)
			}
			// Where a long word is none, no part of it that reaches as far is one.
			from = max(w.end, i+len(prefix))
		}
	}
	return found
}

// bodyLeast is how much follows "ATATT" in the shortest text that is taken for a token.
const bodyLeast = 40

// tokenAt reads the token that begins at a byte; w.end is how far it looked where there is
// none.
func tokenAt(text []byte, at int) (w written, ok bool) {
	if !beginsWord(text[:at]) {
		return w, false
	}
	end := at
	sum := ""
	if bytes.HasPrefix(text[at:], []byte("ATBB")) {
		const body, digits = 4 + 24, 8
		for end < len(text) && end < at+body+digits && isAlnum(text[end]) {
			end++
		}
		if end != at+body+digits || !isHex(text[at+body:end]) {
			return w, false
		}
	} else {
		for end < len(text) && end-at <= bitbucket.MaxToken && (isAlnum(text[end]) || text[end] == '_' || text[end] == '-') {
			end++
		}
		// One with letters of one case alone is a sequence of DNA.
		if w.end = end; end-at < len("ATATT")+bodyLeast || !isRandom(string(text[at:end])) {
			return w, false
		}
		sum = checksumAt(text[end:])
	}
	body := string(text[at:end])
	end += len(sum)
	if end < len(text) && (isAlnum(text[end]) || text[end] == '_') || isUniform(body[len("ATBB"):]) {
		return w, false
	}
	if sum != "" {
		body += "=" + sum[len(sum)-8:]
	}
	return written{secret.New(body), at, end}, true
}

// checksumAt is the "=" and the eight digits at the beginning of text, with the ways in
// which a "=" is escaped; "" where there is none.
func checksumAt(text []byte) string {
	for _, equals := range []string{"=", `\=`, "%3D", "%3d", `\u003d`, `\u003D`} {
		end := len(equals) + 8
		if bytes.HasPrefix(text, []byte(equals)) && len(text) >= end && isHex(text[len(equals):end]) {
			return string(text[:end])
		}
	}
	return ""
}

// beginsWord reports whether a token may begin behind before: not inside a longer word,
// but for an escape's end.
func beginsWord(before []byte) bool {
	n := len(before)
	if n == 0 || !isAlnum(before[n-1]) && before[n-1] != '_' {
		return true
	}
	if n >= 2 && before[n-2] == '\\' && strings.IndexByte("nrt", before[n-1]) >= 0 {
		return true
	}
	return n >= 3 && before[n-3] == '%' && isHex(before[n-2:])
}

// isUniform reports whether text has too few different characters to be random: of the 32
// that are the least, 16 are all but certain.
func isUniform(text string) bool {
	const least = 10
	var seen [256]bool
	n := 0
	for _, c := range []byte(text) {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n < least
}

// isExample reports whether a password in an address, or a variable's value, is a word for
// one, or where a program is to put one.
func isExample(text string) bool {
	if strings.ContainsAny(text, "${}<>()*[] \t\"'`\\") || strings.Contains(text, "...") || strings.Contains(text, "…") {
		return true
	}
	if strings.HasPrefix(text, "%") && strings.HasSuffix(text, "%") {
		return true
	}
	word := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(text))
	if strings.Trim(word, "x") == "" || strings.Trim(word, "0") == "" {
		return true
	}
	for _, before := range []string{"", "my", "your", "the", "bitbucket", "some", "git", "user", "a", "repository", "workspace", "project"} {
		word = strings.TrimPrefix(word, before)
		switch word {
		case "", "password", "passwd", "pass", "pwd", "pw", "token", "secret", "apptoken", "apppassword", "apitoken", "accesstoken", "apikey", "key", "credential", "changeme", "example", "redacted", "placeholder":
			return true
		}
	}
	return false
}

func isAlnum(c byte) bool { return isLetter(c) || isDigit(c) }

func isHex(text []byte) bool {
	for _, c := range text {
		if !isDigit(c) && (c|0x20 < 'a' || 'f' < c|0x20) {
			return false
		}
	}
	return true
}

// located is an address in a text: from is where its scheme begins, and the places that
// Address holds are the text's.
type located struct {
	Address
	from int
}

// addressesIn finds the addresses of the site with something before an "@".
func addressesIn(text []byte) (found []located) {
	least := 0 // behind the host that was found last
	for from := 0; ; {
		i := bytes.IndexByte(text[from:], '@')
		if i < 0 || len(found) >= 2*mostInFile {
			return found
		}
		i += from
		from = i + 1
		if !namesHost(text[from:]) {
			continue
		}
		start := wordStart(text, i, least)
		least = i
		before := string(text[start:i])
		sep, width := strings.LastIndex(before, "://"), len("://")
		if escaped := strings.LastIndex(before, `:\/\/`); escaped > sep {
			sep, width = escaped, len(`:\/\/`)
		}
		if sep < 0 || strings.ContainsAny(before[sep+width:], "/?#") {
			continue
		}
		scheme := strings.ToLower(before[max(0, sep-len("https")):sep])
		if scheme != "https" {
			if !strings.HasSuffix(scheme, "http") {
				continue
			}
			scheme = "http"
		}
		const prefix = "https://"
		rest := start + sep + width
		address, ok := ParseAddress(prefix + string(text[rest:wordEnd(text, i)]))
		if ok && address.HasUser {
			address.shift(rest - len(prefix))
			found = append(found, located{address, start + sep - len(scheme)})
		}
	}
}

// namesHost reports whether text begins with one of the hosts.
func namesHost(text []byte) bool {
	for _, host := range hosts {
		if len(text) >= len(host) && bitbucket.EqualASCII(string(text[:len(host)]), host) {
			return true
		}
	}
	return false
}

// wordStart and wordEnd are the bounds of what may be an address around the byte at.
func wordStart(text []byte, at, least int) int {
	least = max(least, at-bitbucket.MaxToken)
	for at > least && !endsAddress(text[at-1]) {
		at--
	}
	return at
}

func wordEnd(text []byte, at int) int {
	const longest = 2 << 10
	for most := min(len(text), at+longest); at < most && !endsAddress(text[at]) && strings.IndexByte("()[]{},;|\\", text[at]) < 0; {
		at++
	}
	return at
}

func endsAddress(c byte) bool { return c <= ' ' || strings.IndexByte("\"'`<>", c) >= 0 }
