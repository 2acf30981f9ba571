package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/leftovers"
)

// A leftoverReport is one finding in the shape of migrate's JSON. It holds no secret.
type leftoverReport struct {
	Place       leftovers.Place `json:"place"`
	Path        string          `json:"path"` // absolute; "" for a helper or a variable
	Line        int             `json:"line"` // from 1; 0: none
	Commit      string          `json:"commit,omitempty"`
	What        string          `json:"what"`
	Name        string          `json:"name,omitempty"` // of a variable or key
	Kind        bitbucket.Kind  `json:"kind"`           // "": no secret
	Hint        string          `json:"hint"`
	Fingerprint string          `json:"fingerprint"`
	User        string          `json:"user,omitempty"`
	State       string          `json:"state"`             // "live", "dead", "unknown", "app-password", "name-only"
	Todo        string          `json:"todo"`              // for people
	Edit        bool            `json:"edit"`              // it can be taken out by this command
	Account     string          `json:"account,omitempty"` // that the token was stored as
	Done        bool            `json:"done"`
}

func (m *migration) printJSON() error {
	reports := []leftoverReport{}
	for _, i := range m.shown {
		r := leftoverReport{
			Place: i.Place, Path: veiled(i.Path), Line: i.Line, Commit: oneLine(i.Commit), What: m.shownText(i.What), Name: m.shownText(i.Name),
			Hint: hintOf(i), Fingerprint: i.Secret.Fingerprint(), User: veiled(oneLine(i.User)),
			State: i.state(), Todo: m.todo(i), Edit: i.canGo(), Done: i.done,
		}
		if i.token != nil {
			r.Kind, r.Account = i.token.kind, i.heldBy()
		}
		reports = append(reports, r)
	}
	out := json.NewEncoder(m.stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(reports)
}

func hintOf(i *item) string {
	if i.Secret.IsZero() {
		return ""
	}
	return i.Secret.Hint()
}

// printTable writes a line for each item: where, what, its state, what to do.
func (m *migration) printTable(items []*item) error {
	if len(items) == 0 {
		return nil
	}
	columns := tabwriter.NewWriter(m.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "WHERE\tWHAT\tSTATE\tWHAT TO DO")
	for _, i := range items {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", m.where(i), m.what(i), i.state(), m.todo(i))
	}
	return columns.Flush()
}

// where is the place, for people.
func (m *migration) where(i *item) string {
	switch {
	case i.helper != "":
		return "git credential-" + i.helper
	case i.Path == "" && i.Place == leftovers.Environment:
		return "the environment"
	}
	path := i.Path
	if i.Commit != "" {
		path = filepath.Join(i.Repository, filepath.FromSlash(i.Path))
	}
	where := m.shownPath(path)
	if i.Line > 0 {
		where += ":" + strconv.Itoa(i.Line)
	}
	if i.Commit != "" {
		where += " in commit " + oneLine(i.Commit)
	}
	return where
}

// what is the finding's words with the secret's kind and hint, or the username.
func (m *migration) what(i *item) string {
	text := m.shownText(i.What)
	switch {
	case i.token != nil && i.token.kind == bitbucket.UnknownKind:
		return text + ": password or token " + i.Secret.Hint()
	case i.token != nil:
		return text + ": " + i.token.kind.String() + " " + i.Secret.Hint()
	case i.User != "":
		return text + ": " + veiled(oneLine(i.User))
	}
	return text
}

// canGo reports whether the command knows how to take it out.
func (i *item) canGo() bool { return i.Edit != nil || i.helper != "" }

// todo says what is to be done, in the order of what would happen.
func (m *migration) todo(i *item) string {
	out := "take it out"
	if i.helper != "" {
		out = "have the helper erase it"
	}
	switch {
	case i.done:
		return "done"
	case i.left != "":
		return oneLine(i.left)
	case !i.canGo():
		return byHand(i)
	case i.state() == stateNameOnly && i.User != "" && i.Name == "":
		return "take the username out"
	case i.unsure():
		return "stays unless you say so: " + oneLine(i.token.doubt)
	case i.token != nil && i.token.keeps() && i.heldBy() != "":
		return out + "; it is stored as account " + i.heldBy()
	case i.state() == stateLive:
		return "store it, then " + out
	}
	return out
}

// heldBy is the account that has the item's token.
func (i *item) heldBy() string { return cmp.Or(i.token.account, i.token.holder) }

// byHand says what a person does about what this command cannot take out.
func byHand(i *item) string {
	text := ""
	switch state := i.state(); {
	case i.token != nil && i.token.keeps() && i.token.holder != "":
		text = "rotate account " + i.token.holder + ", and "
	case state == stateLive:
		text = "revoke it, and "
	case state == stateUnknown:
		text = "if it is alive revoke it, and "
	}
	switch {
	case i.Place == leftovers.Commit:
		if text == "" {
			return "nothing: it is dead, and stays in the history unless that is rewritten"
		}
		return strings.TrimSuffix(text, ", and ") + ": it stays in the history unless that is rewritten"
	case i.Place == leftovers.Environment && i.Path == "":
		return text + "unset it where it is set"
	case i.Place == leftovers.CI:
		return text + "by hand: give the job BITBUCKET_API_TOKEN as a secret of the CI system"
	case i.state() == stateNameOnly:
		return "by hand: app passwords ended on " + bitbucket.AppPasswordsEnded + "; use BITBUCKET_API_TOKEN"
	}
	return text + "take it out by hand"
}

// shownText is text of a finding, fit for a terminal and without a token.
func (m *migration) shownText(text string) string { return veiled(oneLine(text)) }

// veiled is the text without what looks like a token or a password in an address.
func veiled(text string) string {
	text = tokens().ReplaceAllString(text, "…")
	return urlUsers().ReplaceAllString(text, "://…@")
}

// shownPath is a path for people: with "~" for the home folder, and quoted where it holds what
// a terminal would obey.
func (p *process) shownPath(path string) string {
	text := veiled(path)
	if home := strings.TrimRight(p.home(), `/\`); home != "" {
		text = withoutHome(text, home)
	}
	if clean := oneLine(text); clean != text || strings.ContainsAny(text, "\t") {
		return strconv.Quote(text)
	}
	return text
}

func (m *migration) sayCounts(c leftovers.Counts) {
	text := "looked at " + countOf(c.Files, "file", "files")
	var passed []string
	for _, kind := range []struct {
		n    int
		what string
	}{{c.Binary, "binary"}, {c.Huge, "huge"}, {c.Unreadable, "unreadable"}} {
		if kind.n > 0 {
			passed = append(passed, grouped(kind.n)+" "+kind.what)
		}
	}
	if n := len(passed); n > 0 {
		last := passed[n-1]
		if n > 1 {
			last = strings.Join(passed[:n-1], ", ") + " and " + last
		}
		text += "; passed over " + last
	}
	m.say("", "%s", text)
}

// grouped writes a number with commas: 12,345.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
