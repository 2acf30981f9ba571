package helper

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDecode(t *testing.T) {
	host := Message{{"protocol", "https"}, {"host", "bitbucket.org"}}
	for _, c := range []struct {
		name, in string
		want     Message
		err      error
	}{
		{"nothing", "", nil, nil},
		{"a blank line alone", "\n", nil, nil},
		{"end of file ends it", "protocol=https\nhost=bitbucket.org\n", host, nil},
		{"a last line without its end", "protocol=https\nhost=bitbucket.org", host, nil},
		{"a blank line ends it", "protocol=https\nhost=bitbucket.org\n\n", host, nil},
		{"text after the blank line", "protocol=https\nhost=bitbucket.org\n\nhost=example.com\nno line\x00", host, nil},
		{"CR LF", "protocol=https\r\nhost=bitbucket.org\r\n\r\nhost=example.com\r\n", host, nil},
		{"an empty value", "username=\n", Message{{"username", ""}}, nil},
		{"'=' in a value", "password=a=b==\n", Message{{"password", "a=b=="}}, nil},
		{"blanks count", " key =\t value \n", Message{{" key ", "\t value "}}, nil},
		{"an array", "wwwauth[]=Basic\nwwwauth[]=\n", Message{{"wwwauth[]", "Basic"}, {"wwwauth[]", ""}}, nil},
		{"bytes that are no UTF-8", "path=\xff\xfe\n", Message{{"path", "\xff\xfe"}}, nil},
		{"a line without '='", "protocol=https\nhost\n", nil, ErrMalformed},
		{"a line without key", "=value\n", nil, ErrMalformed},
		{"a last line without '='", "protocol=https\nhost", nil, ErrMalformed},
		{"NUL in a value", "host=bitbucket.org\x00.example.com\n", nil, ErrMalformed},
		{"NUL in a key", "ho\x00st=bitbucket.org\n", nil, ErrMalformed},
		{"CR in a value", "username=al\rice\n", nil, ErrMalformed},
		{"CR in a key", "user\rname=alice\n", nil, ErrMalformed},
		{"two CR before LF", "host=bitbucket.org\r\r\n", nil, ErrMalformed},
		{"CR at the end of file", "host=bitbucket.org\r", nil, ErrMalformed},
		{"a lone CR is no blank line", "host=bitbucket.org\n\r", nil, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode(strings.NewReader(c.in))
			if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("Decode(%q) = %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
			}
		})
	}
}

// Lines around the sizes at which a reader's buffer or C's fgets ends are whole lines:
// the tail of one is never read as a line of its own.
func TestDecodeLongLines(t *testing.T) {
	const tail = "host=example.com"
	for _, size := range []int{1023, 1024, 4095, 4096, 4097, 65534, 65535, 65536, 100_000, MaxLine - 1, MaxLine} {
		for _, end := range []string{"\n", "\r\n"} {
			line := "wwwauth[]=" + strings.Repeat("x", size-len("wwwauth[]=")-len(tail)-len(end)) + tail
			in := "protocol=https\nhost=bitbucket.org\n" + line + end
			got, err := Decode(strings.NewReader(in))
			if err != nil || len(got) != 3 || got[2].Key+"="+got[2].Value != line {
				t.Errorf("%d bytes: %d fields, %v", size, len(got), err)
			}
		}
	}
}

func TestDecodeBounds(t *testing.T) {
	line := func(size int) string { return "k=" + strings.Repeat("x", size-len("k=\n")) + "\n" }
	full := strings.Repeat(line(MaxLine), MaxMessage/MaxLine)
	for _, c := range []struct {
		name, in string
		err      error
	}{
		{"the longest line", line(MaxLine), nil},
		{"a line too long", line(MaxLine + 1), ErrTooLong},
		{"a line too long and without end", strings.Repeat("x", 2*MaxLine), ErrTooLong},
		{"the longest message", full, nil},
		{"the longest message and a blank line", full[:len(full)-MaxLine] + line(MaxLine-1) + "\n", nil},
		{"a message too long", full + "a=b\n", ErrTooLong},
		{"many short lines", strings.Repeat("a=b\n", MaxMessage/4+1), ErrTooLong},
	} {
		t.Run(c.name, func(t *testing.T) {
			message, err := Decode(strings.NewReader(c.in))
			if !errors.Is(err, c.err) {
				t.Errorf("%d fields, %v; want %v", len(message), err, c.err)
			}
		})
	}
}

// A line that never ends is given up at the bound, not at the end of memory.
func TestDecodeEndlessLine(t *testing.T) {
	var endless endlessLine
	if _, err := Decode(&endless); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if endless.read > 2*MaxLine {
		t.Errorf("%d bytes were read", endless.read)
	}
}

type endlessLine struct{ read int }

func (e *endlessLine) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.read += len(p)
	return len(p), nil
}

// Whoever holds standard input open after the blank line is answered all the same.
func TestDecodeWhileOpen(t *testing.T) {
	for _, in := range []string{"\n", "protocol=https\nhost=bitbucket.org\n\n", "protocol=https\r\n\r\n", "protocol=https\n\nmore"} {
		r, w := io.Pipe()
		go func() { _, _ = io.WriteString(w, in) }()
		done := make(chan error, 1)
		go func() {
			_, err := Decode(r)
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%q: %v", in, err)
			}
		case <-time.After(time.Second):
			t.Errorf("%q: no end within a second", in)
		}
		_ = r.Close() // ends the writer of what nobody reads
	}
}

func TestDecodeReadError(t *testing.T) {
	broken := errors.New("broken")
	in := io.MultiReader(strings.NewReader("protocol=https\nhost=bitbucket.org\n"), errorReader{broken})
	if got, err := Decode(in); got != nil || !errors.Is(err, broken) {
		t.Errorf("%q, %v", got, err)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestEncode(t *testing.T) {
	var out writes
	err := Encode(&out, Message{{"username", "alice"}, {"password", "a=b"}, {"username", ""}})
	if err != nil || !slices.Equal(out, writes{"username=alice\npassword=a=b\nusername=\n"}) {
		t.Errorf("%q, %v", out, err)
	}
	if err := Encode(&out, nil); err != nil || len(out) != 1 {
		t.Errorf("an empty message: %q, %v", out[1:], err)
	}
}

// writes records each write.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestEncodeRefuses(t *testing.T) {
	for _, bad := range []Field{
		{"", "v"}, {"a=b", "v"}, {"a\nb", "v"}, {"a\rb", "v"}, {"a\x00b", "v"},
		{"password", "two\nlines"}, {"password", "cr\r"}, {"password", "nul\x00"},
	} {
		var out bytes.Buffer
		err := Encode(&out, Message{{"username", "alice"}, bad})
		if !errors.Is(err, ErrMalformed) || out.Len() > 0 {
			t.Errorf("%q: %q, %v", bad, out.String(), err)
		}
	}
}

func TestEncodeWriteError(t *testing.T) {
	broken := errors.New("broken")
	if err := Encode(errorWriter{broken}, Message{{"a", "b"}}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

type errorWriter struct{ err error }

func (w errorWriter) Write([]byte) (int, error) { return 0, w.err }

func TestMessageLast(t *testing.T) {
	m := Message{{"host", "a"}, {"path", "p"}, {"host", ""}}
	if got, ok := m.Last("host"); got != "" || !ok {
		t.Errorf("%q, %v", got, ok)
	}
	if got, ok := m.Last("username"); got != "" || ok {
		t.Errorf("%q, %v", got, ok)
	}
}
