package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Query is what is known of the request for which an account is looked for.
type Query struct {
	Named     string // by --account or the environment; "" by neither
	Workspace string // of the repository; "" if git does not tell
	Username  string // of the request; "" for none
}

// Reason says why an account was chosen.
type Reason string

const (
	ReasonNamed    Reason = "named"
	ReasonRoute    Reason = "route"
	ReasonUsername Reason = "username"
	ReasonOnly     Reason = "only"
	ReasonDefault  Reason = "default"
)

// UnknownAccountError: the account named does not exist. Where there are none at all
// it is ErrNoAccounts too, as errors.Is tells.
type UnknownAccountError struct {
	Name  string
	Names []string // that exist, sorted
}

func (e *UnknownAccountError) Error() string { return fmt.Sprintf("no account named %.80q", e.Name) }
func (e *UnknownAccountError) Is(target error) bool {
	return target == ErrNoAccounts && len(e.Names) == 0
}

// AmbiguousError: several accounts would do, and nothing chooses between them.
type AmbiguousError struct {
	Names []string // sorted
}

func (e *AmbiguousError) Error() string {
	return "several accounts would do: " + strings.Join(e.Names, ", ")
}

// Which chooses the account for a request:
//
//  1. the one named, or else an *UnknownAccountError;
//  2. the one to which the workspace is routed; a route to an account that does not
//     exist is no route;
//  3. the one whose name is the request's username, or else the one whose Bitbucket
//     username or e-mail it is. If several share it, the default if it is among them,
//     or else an *AmbiguousError of these: another person's token would be the wrong
//     answer, and which of one person's tokens is meant only a route can say;
//  4. the only one, whatever the username;
//  5. the default, or else an *AmbiguousError of all.
//
// Workspaces, usernames and e-mails are compared without ASCII case. Without any
// account it is ErrNoAccounts; a broken line is a *RecordError.
func (s Snapshot) Which(q Query) (Account, Reason, error) {
	if q.Named != "" {
		a, ok, err := s.Account(q.Named)
		if err == nil && !ok {
			err = &UnknownAccountError{q.Named, s.names()}
		}
		return a, ReasonNamed, err
	}
	c := s.candidates(q)
	if c.accounts == 0 {
		return Account{}, "", ErrNoAccounts
	}
	if c.route != "" {
		if a, ok, err := s.Account(c.route); ok || err != nil {
			return a, ReasonRoute, err
		}
	}
	if user, err := s.username(c); user.line != nil || err != nil {
		return s.choose(user, ReasonUsername, err)
	}
	if c.accounts == 1 {
		return s.choose(c.last, ReasonOnly, nil)
	}
	if preset := s.preset(); preset.line != nil {
		return s.choose(preset, ReasonDefault, nil)
	}
	return Account{}, "", &AmbiguousError{s.names()}
}

func (s Snapshot) choose(c candidate, why Reason, err error) (Account, Reason, error) {
	if err != nil {
		return Account{}, "", err
	}
	a, err := s.decode(c.number, c.line)
	return a, why, err
}

type candidate struct {
	number int
	line   []byte
}

// candidates is what one pass over the lines finds for a Query.
type candidates struct {
	accounts int
	last     candidate // the last account, which is the only one if there is one
	named    candidate // whose name is the username
	sharing  []candidate
	route    string
}

func (s Snapshot) candidates(q Query) (c candidates) {
	for number, line := range s.lines() {
		if !isAccount(line) {
			if q.Workspace != "" && c.route == "" && equalFoldASCII(value(line, routePrefix), q.Workspace) {
				c.route = string(value(line, `"account":"`))
			}
			continue
		}
		this := candidate{number, line}
		c.accounts++
		c.last = this
		if q.Username == "" {
			continue
		}
		switch name, email, username := names(line); {
		case equalFoldASCII(name, q.Username):
			c.named = this
		case equalFoldASCII(email, q.Username), equalFoldASCII(username, q.Username):
			c.sharing = append(c.sharing, this)
		}
	}
	return c
}

// names returns the names by which a request's username can mean the account. It walks
// the fields as Update orders them, which takes a tenth of searching for each, and
// searches where a person ordered them otherwise.
func names(line []byte) (name, email, username []byte) {
	name, rest := leading(line, accountPrefix)
	_, rest = leading(rest, `,"kind":"`)
	email, rest = leading(rest, `,"email":"`)
	username, rest = leading(rest, `,"username":"`)
	if !bytes.HasPrefix(rest, []byte(`,"backend":"`)) || bytes.IndexByte(line[:len(line)-len(rest)], '\\') >= 0 {
		email, username = value(line, `"email":"`), value(line, `"username":"`)
	}
	return name, email, username
}

// leading cuts prefix, a string and its closing quote off the line's beginning, if it
// begins so. A string with an escape is cut wrongly.
func leading(line []byte, prefix string) (text, rest []byte) {
	if len(line) < len(prefix) || string(line[:len(prefix)]) != prefix {
		return nil, line
	}
	text = line[len(prefix):]
	end := bytes.IndexByte(text, '"')
	if end < 0 {
		return nil, line
	}
	return text[:end], text[end+1:]
}

// preset returns the default account, which Update puts first.
func (s Snapshot) preset() candidate {
	for number, line := range s.lines() {
		if isAccount(line) && bytes.Contains(line, []byte(`"default":true`)) {
			return candidate{number, line}
		}
	}
	return candidate{}
}

func (s Snapshot) username(c candidates) (candidate, error) {
	switch {
	case c.named.line != nil:
		return c.named, nil
	case len(c.sharing) == 0:
		return candidate{}, nil
	case len(c.sharing) == 1:
		return c.sharing[0], nil
	}
	var names []string
	preset := s.preset()
	for _, one := range c.sharing {
		if one.number == preset.number {
			return one, nil
		}
		names = append(names, string(value(one.line, accountPrefix)))
	}
	slices.Sort(names)
	return candidate{}, &AmbiguousError{names}
}

// names returns the accounts' names, sorted.
func (s Snapshot) names() []string {
	var names []string
	for _, line := range s.lines() {
		if isAccount(line) {
			names = append(names, string(value(line, accountPrefix)))
		}
	}
	slices.Sort(names)
	return names
}
