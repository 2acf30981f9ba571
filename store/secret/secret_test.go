package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"testing"
	"text/template"
)

const text = "ATATT-made-for-tests-0123456789ABCDEF"

// wrapped has the Secret wherever a printer may find one.
type wrapped struct {
	Exported  Secret
	hidden    Secret
	pointer   *Secret
	list      []Secret
	array     [1]Secret
	byName    map[string]Secret
	byToken   map[Secret]int
	anything  any
	inner     struct{ deep Secret }
	structPtr *struct{ deep Secret }
	channel   chan Secret
}

func holder() wrapped {
	s := New(text)
	w := wrapped{
		Exported: s, hidden: s, pointer: &s, list: []Secret{s}, array: [1]Secret{s},
		byName: map[string]Secret{"a": s}, byToken: map[Secret]int{s: 1}, anything: s, channel: make(chan Secret, 1),
	}
	w.inner.deep = s
	w.structPtr = &struct{ deep Secret }{s}
	w.channel <- s
	return w
}

// shows reports whether printed has the token in any form that reads back as it.
func shows(printed string) bool {
	for _, form := range []string{
		text, strings.ToLower(text), fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text),
		strings.Trim(fmt.Sprint([]byte(text)), "[]"), text[:12], text[len(text)-8:],
	} {
		if strings.Contains(printed, form) {
			return true
		}
	}
	return false
}

func TestNoPrintShowsIt(t *testing.T) {
	for _, verb := range []string{"%s", "%q", "%x", "%X", "%d"} {
		if !shows(fmt.Sprintf(verb, []byte(text))) {
			t.Fatalf("%s is not seen", verb)
		}
	}
	s := New(text)
	w := holder()
	values := map[string]any{
		"itself": s, "a pointer": &s, "a struct": w, "a pointer to a struct": &w, "a list": []Secret{s}, "a list of any": []any{s, &s},
		"a map": map[string]Secret{"a": s}, "a key": map[Secret]bool{s: true}, "an error": fmt.Errorf("with %v: %w", s, &tokenError{s}),
		"joined errors": errors.Join(&tokenError{s}, errors.New("x")), "a struct of a struct": struct{ w wrapped }{w},
	}
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%p", "%T", "%w", "%10.3s", "%-40v", "%!"}
	for name, value := range values {
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, value); shows(got) {
				t.Errorf("%s of %s: %s", verb, name, got)
			}
		}
		for printer, got := range map[string]string{
			"Sprint": fmt.Sprint(value), "Sprintln": fmt.Sprintln(value), "json": asJSON(value),
			"slog as text": logged(value, func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) }),
			"slog as JSON": logged(value, func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) }),
			"log":          plainLog(value), "template": templated(value),
		} {
			if shows(got) {
				t.Errorf("%s of %s: %s", printer, name, got)
			}
		}
	}
}

type tokenError struct{ token Secret }

func (e *tokenError) Error() string { return fmt.Sprint("bad token ", e.token) }

func asJSON(v any) string {
	data, err := json.Marshal(v)
	return string(data) + fmt.Sprint(err)
}

func logged(v any, handler func(*bytes.Buffer) slog.Handler) string {
	var out bytes.Buffer
	logger := slog.New(handler(&out))
	logger.Info("m", "value", v)
	logger.With("value", v).WithGroup("g").Info("m", slog.Any("again", v))
	return out.String()
}

func plainLog(v any) string {
	var out bytes.Buffer
	log.New(&out, "", 0).Println(v)
	return out.String()
}

func templated(v any) string {
	var out bytes.Buffer
	err := template.Must(template.New("").Parse(`{{.}} {{printf "%q" .}} {{print .}}`)).Execute(&out, v)
	return out.String() + fmt.Sprint(err)
}

func TestPrintsAsRedacted(t *testing.T) {
	s := New(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, s); got != redacted {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got, err := json.Marshal(map[string]any{"token": s}); string(got) != `{"token":"[secret]"}` || err != nil {
		t.Errorf("json: %s, %v", got, err)
	}
	if got, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"a"`
		Token   Secret
	}{Token: s}); !strings.Contains(string(got), redacted) || err != nil {
		t.Errorf("xml: %s, %v", got, err)
	}
	if got := s.LogValue().String(); got != redacted {
		t.Errorf("slog: %s", got)
	}
	if got := fmt.Sprint(Secret{}); got != redacted {
		t.Errorf("no token shows that it is none: %s", got)
	}
}

// A panic with the Secret in its value prints no token either.
func TestPanicDoesNotShowIt(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); shows(got) {
			t.Error(got)
		}
	}()
	panic(holder())
}

func TestSecret(t *testing.T) {
	s, same, other := New(text), New(text), New(text+"x")
	if s.Reveal() != text || s.IsZero() || !s.Equal(same) || s.Equal(other) || s.Equal(Secret{}) {
		t.Error("a token is not itself")
	}
	for _, none := range []Secret{{}, New("")} {
		if none.Reveal() != "" || !none.IsZero() || none.Fingerprint() != "" || none != (Secret{}) || !none.Equal(Secret{}) {
			t.Errorf("no token is %q", none.Reveal())
		}
	}
}

// The first 8 bytes of SHA-256: printf abc | sha256sum.
func TestFingerprint(t *testing.T) {
	if got := New("abc").Fingerprint(); got != "ba7816bf8f01cfea" {
		t.Error(got)
	}
}

func TestHint(t *testing.T) {
	for token, want := range map[string]string{
		"":                      "…",
		"short":                 "…",
		"123456789012345":       "…",
		"1234567890123456":      "…3456",
		text:                    "…CDEF",
		"1234567890123 56":      "…",
		"123456789012345\n":     "…",
		"12345678901234\x1b[":   "…",
		"123456789012345\u00e9": "…",
		"12345678901234567\x7f": "…",
		"~~~~~~~~~~~~~~~~!~~!":  "…!~~!",
	} {
		if got := New(token).Hint(); got != want {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
}
