package bitbucket

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"git-credential-bitbucket/store/secret"
)

// What keeps a login from being shown to the site. None of the errors holds any of it.
var (
	ErrNoEmail  = errors.New("an API token needs its owner's e-mail for REST")
	ErrKind     = errors.New("the site takes no token of this kind")
	ErrUsername = errors.New("the username or e-mail has a colon, a blank or a control character in it, or is empty")
)

// Login is a token as REST wants to be shown it.
type Login struct {
	Kind  Kind
	Email string // of an API token's owner; not looked at for other kinds
	Token secret.Secret
}

// Header is the value of REST's Authorization header: "Basic " and the base64 of
// email:token for an API token, "Bearer " and the token for an access or OAuth token
// (Atlassian: "Using API tokens" and "Using access tokens" in Bitbucket's support
// pages). It fails with ErrNoEmail, ErrUsername, ErrKind (app password, Data Center
// or unknown kind), ErrEmptyToken or ErrBrokenToken.
func (l Login) Header() (secret.Secret, error) {
	shown, err := l.show()
	return secret.New(shown.header()), err
}

func (l Login) show() (shown, error) {
	switch l.Kind {
	case APIToken:
		if l.Email == "" {
			return shown{}, ErrNoEmail
		}
		return show(l.Email, l.Token)
	case AccessToken, OAuthToken:
		return show("", l.Token)
	}
	return shown{}, ErrKind
}

// shown is a token on its way out; the zero one is none. It is a function so that no
// printer of a struct around it shows the token.
type shown struct {
	reveal func() (header string, forms []form) // forms are the ways in which a text may hold the token
}

// A form is one way to write the token. What stands before from is no secret: a username,
// or how every token of its kind begins.
type form struct {
	text string
	from int
}

func (s shown) header() string {
	if s.reveal == nil {
		return ""
	}
	header, _ := s.reveal()
	return header
}

// show makes the Authorization header of user and token, a bearer's without a user.
func show(user string, token secret.Secret) (shown, error) {
	switch {
	case token.IsZero():
		return shown{}, ErrEmptyToken
	case KindOf(token) == DataCenterToken:
		return shown{}, ErrKind
	}
	if err := Printable(token); err != nil {
		return shown{}, err
	}
	// A colon ends the username (RFC 7617, section 2): what follows would be read as
	// the beginning of the token.
	if strings.ContainsFunc(user, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' }) {
		return shown{}, ErrUsername
	}
	return shown{func() (string, []form) {
		text, forms := token.Reveal(), formsOf(token)
		if user == "" {
			return "Bearer " + text, forms
		}
		pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + text))
		return "Basic " + pair, append(forms, form{pair, (len(user) + 1 + forms[0].from) * 4 / 3})
	}}, nil
}

// formsOf are the ways to write the token by itself.
func formsOf(token secret.Secret) []form {
	text, from := token.Reveal(), 0
	if KindOf(token) == OAuthToken {
		from = strings.IndexByte(text, '.') // a JWT's header
	}
	return []form{{text, from}, {url.QueryEscape(text), from}}
}

// in reports whether text has the token in it, or so much of it in one piece that it
// is to be told from the beginning that all tokens of a kind share ("ATATT3xFfGF0").
func (s shown) in(text string) bool {
	const piece = 16
	if s.reveal == nil {
		return false
	}
	_, forms := s.reveal()
	for _, form := range forms {
		if strings.Contains(text, form.text) {
			return true
		}
		for i := form.from; i+piece <= len(form.text); i++ {
			if strings.Contains(text, form.text[i:i+piece]) {
				return true
			}
		}
	}
	return false
}
