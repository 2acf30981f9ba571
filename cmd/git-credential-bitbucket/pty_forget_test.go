//go:build !windows

package main

import (
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

func TestForgetOnATerminal(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "", "BITBUCKET_CREDENTIAL_BACKEND=file")
	for _, name := range []string{"red", "blue", "green"} {
		p.gets(bitbuckettest.APIToken(name), "store", "--token-stdin", "--no-verify", "--account", name)
	}
	p.gets("", "route", "acme", "red")
	p.gets("", "route", "beta", "red")
	question := "The workspaces acme, beta are routed to account red. To which account now? [blue, green; Enter drops the routes] "

	// Whoever stops has changed nothing.
	for _, key := range []string{ctrlC, ctrlD} {
		s := p.runs("forget", "red")
		s.sees(question)
		s.types(key)
		s.sees("interrupted; nothing was changed")
		s.ends(exitInterrupted)
	}
	if list := p.gets("", "route", "--list"); list != "acme red\nbeta red\n" {
		t.Errorf("%q", list)
	}

	s := p.runs("forget", "red")
	s.answers(question, "rod")
	s.sees("  there is no such account: there are blue, green\n")
	s.answers(question, "blue")
	s.sees("bitbucket: workspaces acme, beta are routed to account blue now\n")
	s.ends(exitDone)
	if list := p.gets("", "route", "--list"); list != "acme blue\nbeta blue\n" {
		t.Errorf("%q", list)
	}

	p.gets("", "route", "--remove", "beta")
	s = p.runs("forget", "blue")
	s.answers("The workspace acme is routed to account blue. To which account now? [green; Enter drops the route] ", "")
	s.sees("workspace acme is routed nowhere now; to send it to another account, type: git-credential-bitbucket route acme green\n")
	s.ends(exitDone)

	// Nobody is asked where there is nothing to ask.
	s = p.runs("forget", "green")
	s.ends(exitDone)
	if strings.Contains(s.text(), "?") {
		t.Errorf("asked: %s", s.text())
	}
}
