package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// document is the accounts file decoded: the Book and what later versions added.
type document struct {
	book     Book
	head     fields            // beside the format
	accounts map[string]fields // unknown fields by account
	routes   map[string]fields // unknown fields by workspace
	other    [][]byte          // lines that are neither
}

type fields map[string]json.RawMessage

var errNoObject = errors.New("not an object")

type header struct {
	Format int `json:"format"`
}

// parse decodes the whole file. An error is a *RecordError.
func parse(path string, data []byte) (document, error) {
	doc := document{accounts: map[string]fields{}, routes: map[string]fields{}}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	begun := false
	number := 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		read := doc.line
		if !begun {
			read, begun = doc.first, true
		}
		if err := read(line); err != nil {
			return document{}, &RecordError{path, number, err}
		}
	}
	return doc, nil
}

func (d *document) first(line []byte) (err error) {
	var h header
	d.head, err = decode(line, &h)
	if err == nil && h.Format != 1 {
		err = ErrFormat
	}
	return err
}

func (d *document) line(line []byte) error {
	var all fields
	if err := json.Unmarshal(line, &all); err != nil {
		return err
	}
	if all == nil {
		return errNoObject
	}
	if all["route"] != nil {
		var r Route
		extra, err := decode(line, &r)
		if err != nil {
			return err
		}
		r.Workspace = lowerASCII(r.Workspace)
		if slices.ContainsFunc(d.book.Routes, func(o Route) bool { return o.Workspace == r.Workspace }) {
			return fmt.Errorf("a second route for %.80q", r.Workspace)
		}
		d.book.Routes = append(d.book.Routes, r)
		d.routes[r.Workspace] = extra
		return nil
	}
	if all["account"] != nil {
		var a Account
		extra, err := decode(line, &a)
		if err != nil {
			return err
		}
		if err := ValidName(a.Name); err != nil {
			return err
		}
		if d.accounts[a.Name] != nil {
			return fmt.Errorf("a second account %q", a.Name)
		}
		d.book.Accounts = append(d.book.Accounts, a)
		d.accounts[a.Name] = extra
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, line); err != nil {
		return err
	}
	d.other = append(d.other, compact.Bytes())
	return nil
}

// decode fills the struct that v points to and returns the fields that it lacks,
// never nil.
func decode(line []byte, v any) (fields, error) {
	if err := json.Unmarshal(line, v); err != nil {
		return nil, err
	}
	extra := fields{}
	if err := json.Unmarshal(line, &extra); err != nil {
		return nil, err
	}
	if extra == nil {
		return nil, errNoObject
	}
	for _, field := range reflect.VisibleFields(reflect.TypeOf(v).Elem()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		// Unmarshal matches names without case, so "Email" is known too.
		maps.DeleteFunc(extra, func(key string, _ json.RawMessage) bool { return strings.EqualFold(key, name) })
	}
	return extra, nil
}

// encode returns the file: head, accounts, routes, the rest. The default account comes
// first, where Snapshot finds it without a search. A Book that could not be
// read back is an error.
func (d *document) encode() ([]byte, error) {
	var file bytes.Buffer
	if err := encode(&file, header{1}, d.head); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, a := range slices.SortedStableFunc(slices.Values(d.book.Accounts), defaultFirst) {
		if err := ValidName(a.Name); err != nil {
			return nil, err
		}
		if seen[a.Name] {
			return nil, fmt.Errorf("a second account %q", a.Name)
		}
		seen[a.Name] = true
		if err := encode(&file, a, d.accounts[a.Name]); err != nil {
			return nil, err
		}
	}
	clear(seen)
	for _, r := range d.book.Routes {
		r.Workspace = lowerASCII(r.Workspace)
		if seen[r.Workspace] {
			return nil, fmt.Errorf("a second route for %.80q", r.Workspace)
		}
		seen[r.Workspace] = true
		if err := encode(&file, r, d.routes[r.Workspace]); err != nil {
			return nil, err
		}
	}
	for _, line := range d.other {
		file.Write(line)
		file.WriteByte('\n')
	}
	return file.Bytes(), nil
}

func defaultFirst(a, b Account) int {
	switch {
	case a.Default == b.Default:
		return 0
	case a.Default:
		return -1
	}
	return 1
}

// encode writes v's object and extra's fields, by name, as one line.
func encode(file *bytes.Buffer, v any, extra fields) error {
	enc := json.NewEncoder(file)
	enc.SetEscapeHTML(false) // an escape would send Snapshot the slow way
	if err := enc.Encode(v); err != nil {
		return err
	}
	if len(extra) == 0 {
		return nil
	}
	file.Truncate(file.Len() - len("}\n"))
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		name, err := json.Marshal(key)
		if err != nil {
			return err
		}
		file.WriteByte(',')
		file.Write(name)
		file.WriteByte(':')
		if err := json.Compact(file, extra[key]); err != nil {
			return err
		}
	}
	file.WriteString("}\n")
	return nil
}
