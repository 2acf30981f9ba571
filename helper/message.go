// Package helper speaks git's credential-helper protocol: it decodes a request,
// decides what to answer, acts on the decision, and encodes the answer.
//
// It reads no environment, opens no file and calls no network by itself: whatever it
// needs is in Helper's fields.
package helper

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Bounds of a message. curl drops a response header of more than about 100 KB, and
// git passes one on as a single wwwauth[] line, so that a line may be longer than
// the 65,535 bytes of git's documentation.
const (
	MaxLine    = 256 << 10 // bytes of a line, its end included
	MaxMessage = 1 << 20   // bytes of a message
)

// What Decode refuses. A refused message gets no answer at all.
var (
	ErrMalformed = errors.New("a line of the request is not key=value")
	ErrTooLong   = errors.New("the request is too long")
)

// A Field is one line of the protocol.
type Field struct{ Key, Value string }

// A Message is the lines of a request or an answer, in their order.
type Message []Field

// Last returns the value of the last line with that key: for a scalar the last wins.
func (m Message) Last(key string) (value string, ok bool) {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].Key == key {
			return m[i].Value, true
		}
	}
	return "", false
}

// Decode reads lines until a blank one or the end of r, whichever comes first, and
// nothing of what follows in r has any influence. A line ends in LF, or CR LF; its
// key is what stands before the first '='. A line without key or '=', or with a NUL
// or a CR within it, is ErrMalformed: git itself sends none since it mends
// CVE-2024-52006, and an older git must not smuggle one in. The lines that are
// accepted are encoded again to the same bytes, each CR LF as LF.
func Decode(r io.Reader) (Message, error) {
	in := bufio.NewReader(r)
	var message Message
	total := 0
	for {
		line, err := readLine(in)
		if err != nil && err != io.EOF {
			return nil, err
		}
		atEnd := err == io.EOF
		if total += len(line); total > MaxMessage {
			return nil, ErrTooLong
		}
		line = bytes.TrimSuffix(line, []byte("\n"))
		if !atEnd {
			line = bytes.TrimSuffix(line, []byte("\r"))
		}
		if len(line) == 0 {
			return message, nil
		}
		key, value, ok := bytes.Cut(line, []byte("="))
		if !ok || len(key) == 0 || bytes.ContainsAny(line, "\x00\r") {
			return nil, ErrMalformed
		}
		message = append(message, Field{string(key), string(value)})
		if atEnd {
			return message, nil
		}
	}
}

// readLine returns the next line with its LF, or what is left together with io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		piece, err := in.ReadSlice('\n')
		if err == nil && long == nil {
			return piece, nil
		}
		if long = append(long, piece...); len(long) > MaxLine {
			return nil, ErrTooLong
		}
		if err != bufio.ErrBufferFull {
			return long, err
		}
	}
}

// Encode writes the message in one write, or nothing: a field that would not be read
// back as it is makes it return ErrMalformed.
func Encode(w io.Writer, message Message) error {
	if len(message) == 0 {
		return nil
	}
	var out bytes.Buffer
	for _, field := range message {
		if field.Key == "" || bytes.ContainsAny([]byte(field.Key), "=\n\r\x00") || bytes.ContainsAny([]byte(field.Value), "\n\r\x00") {
			return ErrMalformed
		}
		out.WriteString(field.Key + "=" + field.Value + "\n")
	}
	_, err := w.Write(out.Bytes())
	return err
}
