package store

import (
	"fmt"
	"slices"
	"strings"
)

// Book is every account and route, to be changed in Accounts.Update.
type Book struct {
	Accounts []Account
	Routes   []Route
}

// Account returns the account of that name, to read or to change in place, or nil.
func (b *Book) Account(name string) *Account {
	for i := range b.Accounts {
		if b.Accounts[i].Name == name {
			return &b.Accounts[i]
		}
	}
	return nil
}

// Names returns the accounts' names, sorted.
func (b *Book) Names() []string {
	var names []string
	for _, a := range b.Accounts {
		names = append(names, a.Name)
	}
	slices.Sort(names)
	return names
}

// Put adds a, or replaces the account of its name. Which account is the default does
// not change by it, whatever a.Default says, except that the first account of all
// becomes it. An account that is not set aside is not dead either.
func (b *Book) Put(a Account) {
	a.Created, a.Expires, a.SetAside, a.Replaced = a.Created.UTC(), a.Expires.UTC(), a.SetAside.UTC(), a.Replaced.UTC()
	a.Dead = a.Dead && !a.SetAside.IsZero()
	if old := b.Account(a.Name); old != nil {
		a.Default = old.Default
		*old = a
		return
	}
	a.Default = len(b.Accounts) == 0
	b.Accounts = append(b.Accounts, a)
}

// Remove drops the account and its routes, and reports whether there was one. If it
// was the default, there is none afterwards.
func (b *Book) Remove(name string) bool {
	if b.Account(name) == nil {
		return false
	}
	b.Accounts = slices.DeleteFunc(b.Accounts, func(a Account) bool { return a.Name == name })
	b.Routes = slices.DeleteFunc(b.Routes, func(r Route) bool { return r.Account == name })
	return true
}

// SetDefault makes the account of that name the default, the only one. Without such
// an account it is an *UnknownAccountError.
func (b *Book) SetDefault(name string) error {
	if b.Account(name) == nil {
		return &UnknownAccountError{name, b.Names()}
	}
	for i := range b.Accounts {
		b.Accounts[i].Default = b.Accounts[i].Name == name
	}
	return nil
}

// Route sends the workspace's repositories to the account of that name, and to no
// other. Without such an account it is an *UnknownAccountError.
func (b *Book) Route(workspace, name string) error {
	if err := validWorkspace(workspace); err != nil {
		return err
	}
	if b.Account(name) == nil {
		return &UnknownAccountError{name, b.Names()}
	}
	b.Unroute(workspace)
	b.Routes = append(b.Routes, Route{lowerASCII(workspace), name})
	return nil
}

// Unroute drops the workspace's route and reports whether there was one.
func (b *Book) Unroute(workspace string) bool {
	before := len(b.Routes)
	b.Routes = slices.DeleteFunc(b.Routes, func(r Route) bool { return equalFoldASCII(r.Workspace, workspace) })
	return len(b.Routes) < before
}

// ValidName returns nil for an account's name: [a-z0-9][a-z0-9._-]{0,63}. The error
// does not repeat the name: people put tokens in its place by mistake.
func ValidName(name string) error {
	const most = 64
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	if name == "" || len(name) > most || strings.Trim(name, first+"._-") != "" || !strings.Contains(first, name[:1]) {
		return fmt.Errorf("that is no account name: one has lower-case letters, digits, '.', '_' and '-', begins with a letter or digit, and is at most %d long", most)
	}
	return nil
}

// Routed returns the workspaces that are routed to the account of that name, sorted.
func (b *Book) Routed(name string) []string {
	var workspaces []string
	for _, r := range b.Routes {
		if r.Account == name {
			workspaces = append(workspaces, r.Workspace)
		}
	}
	slices.Sort(workspaces)
	return workspaces
}

// validWorkspace refuses what cannot be one segment of a path: it is laxer than
// Bitbucket, which also takes a workspace's UUID in braces there.
func validWorkspace(workspace string) error {
	const most = 128
	bad := func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`/\"`, c) }
	if workspace == "" || len(workspace) > most || strings.ContainsFunc(workspace, bad) {
		return fmt.Errorf("%.80q is no workspace", workspace)
	}
	return nil
}

// lowerASCII and equalFoldASCII leave other letters alone: to strings.EqualFold "K"
// equals the Kelvin sign.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func equalFoldASCII[A, B ~string | ~[]byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		c, d := a[i], b[i]
		if c == d {
			continue
		}
		if c|0x20 != d|0x20 || c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}
