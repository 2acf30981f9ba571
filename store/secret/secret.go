// Package secret holds a token in a form that no print, log or JSON call shows.
//
// A Secret is made where a token enters the process and revealed where it leaves:
// Reveal is called in few places, and a test in cmd lists them.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
)

const redacted = "[secret]"

// Secret is a token. Its zero value is no token at all.
//
// The pointer keeps the text out of reach of fmt and reflect-based printers even
// when the Secret is an unexported field of another struct.
type Secret struct{ text *string }

// New wraps text. New("") is the zero Secret.
func New(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the token itself: to hand it to git, to a backend, to nobody else.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no token.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal compares in time that depends on the lengths alone.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// Fingerprint names the token without telling it: the first 8 bytes of its SHA-256
// as 16 lower-case hex digits; "" for the zero Secret.
func (s Secret) Fingerprint() string {
	if s.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(*s.text))
	return hex.EncodeToString(sum[:8])
}

// Hint is what a person may see of the token: "…" and its last four characters,
// or "…" alone where four characters would be a large part of it.
func (s Secret) Hint() string {
	const shown, least = 4, 16
	text := s.Reveal()
	if len(text) < least {
		return "…"
	}
	tail := text[len(text)-shown:]
	for _, c := range []byte(tail) {
		if c <= ' ' || c > '~' {
			return "…"
		}
	}
	return "…" + tail
}

// Format prints "[secret]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText yields "[secret]", so that JSON and XML do too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue yields "[secret]" to log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
