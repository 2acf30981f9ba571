package store

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// plainAccount decodes an account's line as document.encode writes it: package json
// takes 0.1 ms of every get to learn the struct. Of a line in any other form, with an
// escape, a blank or a field of a later version, it decodes nothing, and json is to.
func plainAccount(line []byte) (a Account, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("{"))
	for ok {
		var key, text []byte
		if key, rest, ok = plainString(rest); !ok {
			break
		}
		if rest, ok = bytes.CutPrefix(rest, []byte(":")); !ok {
			break
		}
		if after, is := bytes.CutPrefix(rest, []byte("true")); is {
			rest, ok = after, a.setFlag(string(key))
		} else if text, rest, ok = plainString(rest); ok {
			ok = a.setText(string(key), text)
		}
		if string(rest) == "}" {
			return a, ok
		}
		if ok {
			rest, ok = bytes.CutPrefix(rest, []byte(","))
		}
	}
	return Account{}, false
}

// plainString takes a string without escapes off the beginning of text.
func plainString(text []byte) (value, rest []byte, ok bool) {
	text, ok = bytes.CutPrefix(text, []byte(`"`))
	end := bytes.IndexByte(text, '"')
	if !ok || end < 0 {
		return nil, nil, false
	}
	for _, c := range text[:end] {
		if c < ' ' || c == '\\' {
			return nil, nil, false
		}
	}
	return text[:end], text[end+1:], utf8.Valid(text[:end])
}

func (a *Account) setText(key string, value []byte) bool {
	var into *string
	var when *time.Time
	switch key {
	case "account":
		into = &a.Name
	case "kind":
		into = &a.Kind
	case "email":
		into = &a.Email
	case "username":
		into = &a.Username
	case "backend":
		into = &a.Backend
	case "also":
		into = &a.Also
	case "fingerprint":
		into = &a.Fingerprint
	case "hint":
		into = &a.Hint
	case "scopes":
		into = &a.Scopes
	case "grant":
		into = &a.Grant
	case "asked":
		into = &a.Asked
	case "created":
		when = &a.Created
	case "expires":
		when = &a.Expires
	case "issued":
		when = &a.Issued
	case "set_aside":
		when = &a.SetAside
	case "replaced":
		when = &a.Replaced
	default:
		return false
	}
	if when != nil {
		return when.UnmarshalText(value) == nil
	}
	*into = string(value)
	return true
}

func (a *Account) setFlag(key string) bool {
	switch key {
	case "certain":
		a.Certain = true
	case "guessed":
		a.Guessed = true
	case "dead":
		a.Dead = true
	case "default":
		a.Default = true
	default:
		return false
	}
	return true
}
