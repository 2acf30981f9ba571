package bitbucket

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"git-credential-bitbucket/store/secret"
)

// MaxToken is the longest text, in bytes, that is taken for a token.
const MaxToken = 64 << 10

// What Clean refuses. None of the errors holds any of the text.
var (
	ErrEmptyToken   = errors.New("the token is empty")
	ErrLongToken    = errors.New("the token is longer than 64 KiB")
	ErrBrokenToken  = errors.New("the token has a blank, a colon, a line break or another character that no token has in it")
	ErrForeignToken = errors.New("the address is not one of https://" + Host)
	ErrMissingToken = errors.New("the address has no token in it")
	ErrUnreplaced   = errors.New("the token is a variable's name, in whose place nothing has put the value")
)

// A Fix is something that Clean took off what was pasted around a token.
type Fix string

const (
	FixBlanks  Fix = "blanks around it"
	FixQuotes  Fix = "quotes"
	FixURL     Fix = "the address around it"
	FixUser    Fix = "the username before it"
	FixEscapes Fix = `an escaped "="`
)

// A Cleaned is a token as Clean found it.
type Cleaned struct {
	Token secret.Secret
	User  string // what stood before it in user:token or in an address, else ""
	Fixes []Fix  // what was taken off, each once, in the order it was
}

// Clean finds the token in what a person pasted or a CI system keeps in a variable:
// with blanks, a line end or quotes around it, as user:token, inside an address
// https://user:token@bitbucket.org/…, or with its "=" written as "\=" or "%3D". A
// single line end at the end is no Fix. What it found it leaves as it is another time.
func Clean(pasted secret.Secret) (Cleaned, error) {
	text := pasted.Reveal()
	if len(text) > MaxToken {
		return Cleaned{}, ErrLongToken
	}
	var found Cleaned
	text = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(text, mark), "\n"), "\r")
	text = found.peel(text)
	switch {
	case unreplaced(text):
		return Cleaned{}, ErrUnreplaced
	case strings.Contains(text, "://"):
		var err error
		if found.User, text, err = fromAddress(text); err != nil {
			return Cleaned{}, err
		}
		found.fixed(FixURL)
	case strings.Contains(text, ":"):
		found.User, text, _ = strings.Cut(text, ":")
		found.fixed(FixUser)
	}
	text = found.peel(text)
	if KindOf(secret.New(text)) != UnknownKind {
		text = found.unescape(text)
	}
	switch {
	case text == "":
		return Cleaned{}, ErrEmptyToken
	case unreplaced(text):
		return Cleaned{}, ErrUnreplaced
	case strings.Contains(text, ":"):
		return Cleaned{}, ErrBrokenToken
	}
	found.Token = secret.New(text)
	if err := Printable(found.Token); err != nil {
		return Cleaned{}, err
	}
	return found, nil
}

// unreplaced reports whether text is a variable as a CI system or a shell writes it:
// $(NAME), ${NAME}, ${{ NAME }}, $NAME or %NAME%. No token begins so. Azure Pipelines
// leaves $(NAME) as it stands where it has no such variable, and a fork's build has no
// secret ones (learn.microsoft.com/azure/devops/pipelines/process/variables).
func unreplaced(text string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
	if name, ok := strings.CutPrefix(text, "$"); ok {
		return name != "" && strings.Contains(letters+"({", name[:1])
	}
	name := strings.Trim(text, "%")
	return name != "" && text == "%"+name+"%" && strings.Trim(name, letters+"0123456789") == ""
}

// mark is the byte order mark that some editors put before a text.
const mark = "\ufeff"

// peel takes off what stands around text: blanks, byte order marks, pairs of quotes.
func (c *Cleaned) peel(text string) string {
	for {
		before := text
		if text = strings.Trim(strings.TrimSpace(text), mark); text != before {
			c.fixed(FixBlanks)
		}
		if quote := text[:min(1, len(text))]; len(text) >= 2 && strings.Contains("\"'`", quote) && strings.HasSuffix(text, quote) {
			text = text[1 : len(text)-1]
			c.fixed(FixQuotes)
		}
		if text == before {
			return text
		}
	}
}

// unescape writes each "=" plainly.
func (c *Cleaned) unescape(text string) string {
	escapes := strings.NewReplacer(`\=`, "=", "%3D", "=", "%3d", "=")
	for {
		plain := escapes.Replace(text)
		if plain == text {
			return text
		}
		text = plain
		c.fixed(FixEscapes)
	}
}

func (c *Cleaned) fixed(fix Fix) {
	if !slices.Contains(c.Fixes, fix) {
		c.Fixes = append(c.Fixes, fix)
	}
}

// Printable returns ErrBrokenToken for a token that cannot stand in a line of git's
// protocol or in an HTTP header, or that no site makes: one with a blank, a control
// character or one beyond ASCII.
func Printable(token secret.Secret) error {
	for _, c := range []byte(token.Reveal()) {
		if c <= ' ' || c >= 0x7f {
			return ErrBrokenToken
		}
	}
	return nil
}

func fromAddress(text string) (user, token string, err error) {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || !IsHost(address.Host) {
		return "", "", ErrForeignToken
	}
	token, ok := address.User.Password()
	if !ok {
		user, token = "", address.User.Username()
	} else {
		user = address.User.Username()
	}
	if token == "" {
		return "", "", ErrMissingToken
	}
	return user, token, nil
}

// IsHost reports whether host, with or without the port 443, is Host, ASCII letters'
// case aside. Nothing else is: no subdomain, no trailing dot, no look-alike that
// Unicode folds to the same letters.
func IsHost(host string) bool {
	return EqualASCII(strings.TrimSuffix(host, ":443"), Host)
}

// EqualASCII compares with the case of ASCII letters aside, and of no others:
// strings.EqualFold takes U+212A for a "k".
func EqualASCII(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
