package leftovers

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A mask is a part of a text that is not to be seen.
type mask struct {
	from, to int
	with     string
}

// disguises are what a secret that is no finding looks like: the group's bytes are hidden.
// Too much is better hidden than too little.
var disguises = sync.OnceValue(func() []*regexp.Regexp {
	var all []*regexp.Regexp
	for _, text := range []string{
		// the site's tokens, cut off ones too
		`\b((?:AT[A-Z]{2}|BBDC-)[0-9A-Za-z_=+/-]{16,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)`,
		// user:secret@ in an address
		`://[^/\s"'@:]*:([^/\s"']+)@`,
		// HTTP's header
		`(?i)authorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)\s+([^\s"']+)`,
		// NAME_TOKEN=value, "password": "value", _authToken=value
		`(?i)(?:secret|token|passw|pwd|passphrase|api_?key|access_?key|private_?key|credential|_auth)[\w.-]*["']?[ \t]*[=:][ \t]*["']?([^\s"',;]+)`,
	} {
		all = append(all, regexp.MustCompile(text))
	}
	return all
})

// netrcSecret is a password of .netrc, quoted or not.
var netrcSecret = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:password|passwd|account)\s+("(?:\\.|[^"\\])*"?|\S+)`)
})

// random is a text that is likely a key: long, with digits and letters of both cases.
var random = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([0-9A-Za-z_+=-]{40,})`) })

// hidden is the text with the findings' secrets and what else looks like one replaced by
// what show makes of it.
func hidden(text []byte, findings []Finding, show func(secret.Secret) string) []byte {
	var masks []mask
	add := func(from, to int, s secret.Secret) {
		at, _ := slices.BinarySearchFunc(masks, from, func(m mask, from int) int { return m.to - from - 1 })
		if from < to && (at == len(masks) || masks[at].from >= to) {
			masks = slices.Insert(masks, at, mask{from, to, show(s)})
		}
	}
	for _, f := range findings {
		if f.End <= len(text) {
			add(f.At, f.End, f.Secret)
		}
	}
	known := map[string]bool{}
	for _, f := range findings {
		if print := f.Secret.Fingerprint(); !known[print] {
			known[print] = true
			addEach(string(text), f.Secret, add)
		}
	}
	rules := disguises()
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Place == Netrc }) {
		rules = append(rules[:len(rules):len(rules)], netrcSecret())
	}
	for _, rule := range append(rules[:len(rules):len(rules)], random()) {
		for _, at := range rule.FindAllSubmatchIndex(text, -1) {
			found := string(text[at[2]:at[3]])
			if rule != random() || isRandom(found) {
				add(at[2], at[3], secret.New(found))
			}
		}
	}
	var out []byte
	at := 0
	for _, m := range masks {
		out = append(append(out, text[at:m.from]...), m.with...)
		at = m.to
	}
	return append(out, text[at:]...)
}

// addEach adds every place in which the secret stands as it is. A short one may be a
// word like any other.
func addEach(text string, s secret.Secret, add func(from, to int, s secret.Secret)) {
	const least = 8
	literal := s.Reveal()
	if len(literal) < least {
		return
	}
	for at := 0; ; {
		i := strings.Index(text[at:], literal)
		if i < 0 {
			return
		}
		add(at+i, at+i+len(literal), s)
		at += i + len(literal)
	}
}

func isRandom(text string) bool {
	return strings.ContainsAny(text, "0123456789") && strings.ToLower(text) != text && strings.ToUpper(text) != text
}

// hint is how a diff shows a secret.
func hint(s secret.Secret) string {
	if bitbucket.KindOf(s) == bitbucket.UnknownKind {
		return "…"
	}
	return s.Hint()
}

// tag is how a backup names a secret. A token is found by its fingerprint in the
// history; that of a password could be guessed from it.
func tag(s secret.Secret) string {
	if bitbucket.KindOf(s) == bitbucket.UnknownKind {
		return "<hidden>"
	}
	return "<bitbucket:" + s.Fingerprint() + " " + s.Hint() + ">"
}
