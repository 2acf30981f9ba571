package store

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"iter"
)

// How the lines begin in a file that Update wrote.
const (
	headLine      = `{"format":1}` + "\n"
	accountPrefix = `{"account":"`
	routePrefix   = `{"route":"`
)

// Snapshot is the accounts file as it was at one moment. It searches the bytes and
// decodes the lines that it needs, so that many accounts cost a lookup little. The
// zero Snapshot has none.
type Snapshot struct {
	path string
	data []byte // as document.encode writes it
}

func newSnapshot(path string, data []byte) (Snapshot, error) {
	if !searchable(data) {
		doc, err := parse(path, data)
		if err != nil {
			return Snapshot{}, err
		}
		if data, err = doc.encode(); err != nil {
			return Snapshot{}, &RecordError{path, 1, err}
		}
	}
	return Snapshot{path, data}, nil
}

// searchable tells a file as Update writes it from one that a person edited: there are
// no blanks outside of strings, no letters written as escapes, and each line begins
// with its name.
func searchable(data []byte) bool {
	if !bytes.HasPrefix(data, []byte(headLine)) || data[len(data)-1] != '\n' {
		return false
	}
	for _, c := range []byte(" \t\r\\") {
		if bytes.IndexByte(data, c) >= 0 {
			return false
		}
	}
	for _, line := range (Snapshot{data: data}).lines() {
		if !isAccount(line) && !bytes.HasPrefix(line, []byte(routePrefix)) || line[len(line)-1] != '}' {
			return false
		}
	}
	return true
}

// lines yields the lines after the head with their numbers in the file.
func (s Snapshot) lines() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if len(s.data) < len(headLine) {
			return
		}
		rest := s.data[bytes.IndexByte(s.data, '\n')+1:]
		for number := 2; len(rest) > 0; number++ {
			line := rest
			if end := bytes.IndexByte(rest, '\n'); end >= 0 {
				line, rest = rest[:end], rest[end+1:]
			} else {
				rest = nil
			}
			if !yield(number, line) {
				return
			}
		}
	}
}

func isAccount(line []byte) bool { return bytes.HasPrefix(line, []byte(accountPrefix)) }

// value returns what follows prefix in line up to the string's end, or nil. A string
// with an escape is decoded.
func value(line []byte, prefix string) []byte {
	// Quotes are everywhere, and the search stops at each: look for what follows one.
	start := bytes.Index(line, []byte(prefix[1:])) - 1
	if start < 0 {
		return nil
	}
	if line[start] != prefix[0] {
		if start = bytes.Index(line, []byte(prefix)); start < 0 {
			return nil
		}
	}
	text := line[start+len(prefix):]
	end := bytes.IndexByte(text, '"')
	if end < 0 {
		return nil
	}
	if bytes.IndexByte(text[:end], '\\') < 0 {
		return text[:end]
	}
	var decoded string
	// The decoder stops behind the string; what follows is not its business.
	if json.NewDecoder(bytes.NewReader(line[start+len(prefix)-1:])).Decode(&decoded) != nil {
		return nil
	}
	return []byte(decoded)
}

func (s Snapshot) decode(number int, line []byte) (Account, error) {
	if a, ok := plainAccount(line); ok {
		return a, nil
	}
	var a Account
	if err := json.Unmarshal(line, &a); err != nil {
		return Account{}, &RecordError{s.path, number, err}
	}
	return a, nil
}

// Len is the number of accounts.
func (s Snapshot) Len() int {
	n := 0
	for _, line := range s.lines() {
		if isAccount(line) {
			n++
		}
	}
	return n
}

// Account returns the account of that name and whether there is one. An error is a
// *RecordError.
func (s Snapshot) Account(name string) (Account, bool, error) {
	if ValidName(name) != nil {
		return Account{}, false, nil
	}
	wanted := []byte(accountPrefix + name + `"`)
	for number, line := range s.lines() {
		if bytes.HasPrefix(line, wanted) {
			a, err := s.decode(number, line)
			return a, err == nil, err
		}
	}
	return Account{}, false, nil
}

// ByFingerprint returns the account whose token has the fingerprint and whether there
// is one. It compares in constant time, with every account; "" is nobody's. An error
// is a *RecordError.
func (s Snapshot) ByFingerprint(fp string) (Account, bool, error) {
	if fp == "" {
		return Account{}, false, nil
	}
	found, at := []byte(nil), 0
	for number, line := range s.lines() {
		if isAccount(line) && subtle.ConstantTimeCompare(value(line, `"fingerprint":"`), []byte(fp)) == 1 {
			found, at = line, number
		}
	}
	if found == nil {
		return Account{}, false, nil
	}
	a, err := s.decode(at, found)
	return a, err == nil, err
}

// Book decodes everything. An error is a *RecordError.
func (s Snapshot) Book() (Book, error) {
	doc, err := parse(s.path, s.data)
	return doc.book, err
}
