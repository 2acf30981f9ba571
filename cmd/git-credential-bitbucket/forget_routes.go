package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"git-credential-bitbucket/store"
)

// heir is the account to which the routes of the one that is to be forgotten go, "" for
// none: the one that the flag names, or that a person chooses.
func (p *process) heir(book store.Book, name, named string) (string, error) {
	if book.Account(name) == nil {
		return "", p.unknownAccount(name, book.Names())
	}
	others := slices.DeleteFunc(book.Names(), func(other string) bool { return other == name })
	switch {
	case named == name:
		return "", fail(exitUsage, "the routes of account %s cannot go to itself; type: git-credential-bitbucket forget %[1]s --routes-to NAME", name)
	case named != "" && book.Account(named) == nil:
		return "", p.unknownAccount(named, others)
	case named != "":
		return named, nil
	}
	routed := book.Routed(name)
	if len(routed) == 0 || len(others) == 0 || p.inCI() || p.env("GIT_TERMINAL_PROMPT") == "0" {
		return "", nil
	}
	t, err := openTerminal()
	if err != nil {
		return "", nil
	}
	defer t.Close()
	for {
		heir, err := t.ask(oneLine(fmt.Sprintf("The %s to account %s. To which account now? [%s; Enter drops %s] ",
			areRouted(routed), name, listed(others), plural(len(routed), "the route", "the routes"))))
		switch {
		case err != nil:
			return "", stopped(err)
		case heir == "" || slices.Contains(others, heir):
			return heir, nil
		}
		t.print("  there is no such account: there are %s\n", listed(others))
	}
}

// removeAccount drops the account's record and moves its routes to heir, or drops them
// where that is "": in one step, so that no route leads to an account that is gone. It
// returns the workspaces and the accounts that are left.
func (p *process) removeAccount(name, heir string) (routed, others []string, err error) {
	err = p.accounts().Update(func(b *store.Book) error {
		routed = b.Routed(name)
		if heir != "" {
			for _, workspace := range routed {
				if err := b.Route(workspace, heir); err != nil {
					return err
				}
			}
		}
		b.Remove(name)
		others = b.Names()
		return nil
	})
	if err != nil {
		err = fail(exitFailed, "%s", recordTrouble(err))
	}
	return routed, others, err
}

// recordRoutes records what became of the routes to the account that is forgotten.
func (p *process) recordRoutes(name string, routed []string, heir string) {
	for _, workspace := range routed {
		if heir != "" {
			p.record(wasRouted, heir, "forget "+name, workspace)
			continue
		}
		p.record(wasUnrouted, name, "forget", workspace)
	}
}

// sayRoutes says it.
func (p *process) sayRoutes(routed []string, heir string, others []string) {
	switch {
	case len(routed) == 0 || len(others) == 0:
	case heir != "":
		p.say("", "%s to account %s now", areRouted(routed), heir)
	default:
		other := "NAME"
		if len(others) == 1 {
			other = others[0]
		}
		var commands []string
		for _, workspace := range routed[:min(len(routed), listedMost)] {
			commands = append(commands, routeCommand(workspace, other))
		}
		more := ""
		if left := len(routed) - len(commands); left > 0 {
			more = fmt.Sprintf("; and %d more", left)
		}
		p.say(asNote, "%s nowhere now; to send %s to another account, type: %s%s", areRouted(routed), plural(len(routed), "it", "them"), strings.Join(commands, "; "), more)
	}
}

func areRouted(workspaces []string) string {
	return plural(len(workspaces), "workspace ", "workspaces ") + listed(workspaces) + plural(len(workspaces), " is routed", " are routed")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// listedMost is how many of many names a line shows.
const listedMost = 8

// listed is the names for people, no more of them than a line has room for.
func listed(names []string) string {
	if len(names) <= listedMost+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:listedMost], ", "), len(names)-listedMost)
}

// routeCommand sends the workspace to the account.
func routeCommand(workspace, account string) string {
	return "git-credential-bitbucket route " + cmp.Or(workspace, "WORKSPACE") + " " + account
}
