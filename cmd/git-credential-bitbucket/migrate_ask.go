package main

import (
	"fmt"
	"strings"

	"git-credential-bitbucket/leftovers"
)

// agree returns those items that may go: with --yes all that are certain, else those to
// which a person says yes.
func (m *migration) agree(items []*item) ([]*item, error) {
	var agreed []*item
	var t *terminal
	if !m.flags.yes {
		var err error
		if t, err = openTerminal(); err != nil {
			return nil, fail(exitUsage, "%s", err)
		}
		defer t.Close()
	}
	for _, i := range items {
		if !i.canGo() || i.left != "" || m.chooses(i) || i.token != nil && i.token.failed {
			continue
		}
		yes := !i.unsure()
		if !m.flags.yes && !(m.all && yes) {
			if m.quit || m.asked[i.key()] {
				continue
			}
			var err error
			if yes, err = m.ask(t, i); err != nil {
				return nil, err
			}
		}
		if yes {
			agreed = append(agreed, i)
		}
	}
	return wholeSpans(items, agreed), nil
}

// chooses notes that an address's username chooses among several accounts where no
// workspace's route could, so that it stays.
func (m *migration) chooses(i *item) bool {
	if i.token != nil || i.User == "" || i.Workspace != "" {
		return false
	}
	book, err := m.book()
	if err != nil || len(book.Accounts) < 2 || accountOf(book, i.User) == "" {
		return false
	}
	i.left = "stays: it chooses account " + accountOf(book, i.User)
	return true
}

// ask asks a person about one item.
func (m *migration) ask(t *terminal, i *item) (yes bool, err error) {
	key := i.key()
	question := m.todo(i)
	choices := "[y,n,d,a,q,?]"
	if i.unsure() {
		question = "it is not known whether it is alive: " + oneLine(i.token.doubt) + "; store it unchecked, then take it out"
		choices = "[y,n,r,d,a,q,?]"
	}
	t.print("%s\n  %s\n", m.where(i), m.what(i))
	for {
		answer, err := t.ask(fmt.Sprintf("  %s? %s ", question, choices))
		if err != nil {
			return false, stopped(err)
		}
		switch strings.ToLower(answer) {
		case "y", "yes":
			m.asked[key] = true
			return true, nil
		case "n", "no":
			m.asked[key] = true
			return false, nil
		case "a", "all":
			m.all = true
			return !i.unsure(), nil
		case "q", "quit":
			m.quit = true
			return false, nil
		case "r", "remove":
			if i.unsure() {
				m.asked[key], i.token.drop = true, true
				return true, nil
			}
		case "d", "diff":
			t.print("%s", m.diff([]*item{i}))
			continue
		}
		t.print("  y does it, n leaves it, d shows the change, a does it and all others that are certain, q leaves it and all others")
		if i.unsure() {
			t.print(", r takes the token out and stores it nowhere: it is gone then")
		}
		t.print("\n")
	}
}

// diff shows what would change in the items' file, all of the same one.
func (m *migration) diff(items []*item) string {
	if items[0].Edit == nil {
		return "no file is changed\n"
	}
	text, err := leftovers.Diff(items[0].Path, findingsOf(items))
	if err != nil {
		return m.public(err.Error()) + "\n"
	}
	return text
}

func findingsOf(items []*item) (fs []leftovers.Finding) {
	for _, i := range items {
		fs = append(fs, i.Finding)
	}
	return fs
}

// wholeSpans leaves out of the agreed items those that share their bytes with one that
// stays.
func wholeSpans(all, agreed []*item) []*item {
	type span struct {
		path     string
		from, to int
	}
	wanted := map[span]int{}
	for _, i := range all {
		if i.Edit != nil {
			wanted[span{i.Path, i.Edit.From, i.Edit.To}]++
		}
	}
	for _, i := range agreed {
		if i.Edit != nil {
			wanted[span{i.Path, i.Edit.From, i.Edit.To}]--
		}
	}
	var whole []*item
	for _, i := range agreed {
		if i.Edit != nil && wanted[span{i.Path, i.Edit.From, i.Edit.To}] > 0 {
			i.left = "stays: what stands beside it stays"
			continue
		}
		whole = append(whole, i)
	}
	return whole
}
