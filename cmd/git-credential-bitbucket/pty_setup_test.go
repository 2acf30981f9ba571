//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

const identity = "[user]\n\tname = A\n\temail = a@example.invalid\n"

// newNovice is a person with git-lfs, who may have programs of their own in ~/.local/bin.
func newNovice(t *testing.T, gitConfig string, env ...string) *person {
	t.Helper()
	p := newPerson(t, gitConfig, env...)
	tools := filepath.Join(p.home, "tools")
	if err := os.Mkdir(tools, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools, "git-lfs"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.env = append(p.env, "PATH="+strings.Join([]string{filepath.Join(p.home, ".local", "bin"), os.Getenv("PATH"), tools}, ":"))
	return p
}

// read is a file of the home.
func (p *person) read(elements ...string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{p.home}, elements...)...))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

func (p *person) has(elements ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{p.home}, elements...)...))
	return err == nil
}

const (
	copyQuestion = "/.local/bin/git-credential-bitbucket? [Y/n] "
	lfsQuestion  = "git-lfs (large files) is installed. Let it log in to Bitbucket at once (lfs.https://bitbucket.org.access = basic)? [Y/n] "
)

func TestSetupNamesLogin(t *testing.T) {
	t.Parallel()
	if help := newNovice(t, identity).gets("", "setup", "--help"); !strings.Contains(help, "Where your organisation forbids API tokens, log in with OAuth instead:\n  git-credential-bitbucket install\n  git-credential-bitbucket login\n") {
		t.Error(help)
	}
}

func TestSetupOnATerminal(t *testing.T) {
	t.Parallel()
	p := newNovice(t, identity)
	token := bitbuckettest.APIToken("first")
	s := p.runs("setup")
	s.answers(copyQuestion, "")
	s.sees("Where API tokens are forbidden, press Ctrl-C and log in with OAuth: git-credential-bitbucket login\n")
	s.answers(tokenPrompt, token)
	s.answers(emailPrompt, "")
	s.answers(expiryPrompt, "")
	s.answers(lfsQuestion, "what?")
	s.answers(lfsQuestion, "y")
	s.sees("bitbucket: copied the program to " + p.home + "/.local/bin/git-credential-bitbucket\n")
	s.sees("+ credential.https://bitbucket.org.helper = ")
	s.sees("+ lfs.https://bitbucket.org.access = basic\n")
	s.sees("bitbucket: stored the API token …" + token[len(token)-4:])
	s.sees("bitbucket: checked with git credential fill: git gets the token …" + token[len(token)-4:] + " with the username x-bitbucket-api-token-auth\n")
	s.sees("bitbucket: all is set; try: git clone https://bitbucket.org/WORKSPACE/REPOSITORY.git\n")
	s.ends(exitDone)
	s.hides(token)
	if p.stored() != token {
		t.Error("git gets another token than the one that was typed")
	}

	// A second time the token stays, if the person likes it so.
	replace := "Account default holds the token …" + token[len(token)-4:] + ". Replace it? [y/N] "
	config := p.read(".gitconfig")
	second := bitbuckettest.APIToken("second")
	s = p.runs("setup")
	s.answers(copyQuestion, "")
	s.answers(replace, "")
	s.sees("nothing to change\n")
	s.sees("bitbucket: checked with git credential fill")
	s.ends(exitDone)
	if p.stored() != token || p.read(".gitconfig") != config {
		t.Error("something was changed")
	}
	s = p.runs("setup")
	s.answers(copyQuestion, "")
	s.answers(replace, "y")
	s.answers(tokenPrompt, second)
	s.answers(emailPrompt, "")
	s.answers(expiryPrompt, "")
	s.sees("bitbucket: all is set")
	s.ends(exitDone)
	if p.stored() != second {
		t.Error("the token was not replaced")
	}
	if strings.Count(s.text(), "git-lfs") > 0 {
		t.Error("the question is asked though git-lfs logs in at once already")
	}

	// What flags say of the token that is there needs no other one.
	p.env = append(p.env, "BITBUCKET_CREDENTIAL_PASSPHRASE=open sesame")
	s = p.runs("setup", "--backend", "file")
	s.answers(copyQuestion, "")
	s.answers("Enter keeps the present one): ", "")
	s.sees(" of account default in the encrypted file, locked with your passphrase; ")
	s.sees("bitbucket: all is set")
	s.ends(exitDone)
	if p.stored() != second {
		t.Error("the token was not kept")
	}
}

func TestSetupWithoutLFS(t *testing.T) {
	t.Parallel()
	p := newNovice(t, identity)
	s := p.runs("setup")
	s.answers(copyQuestion, "")
	s.answers(tokenPrompt, bitbuckettest.APIToken("first"))
	s.answers(emailPrompt, "")
	s.answers(expiryPrompt, "")
	s.answers(lfsQuestion, "n")
	s.sees("bitbucket: all is set")
	s.ends(exitDone)
	if strings.Count(s.text(), "git-lfs") != 1 || strings.Contains(p.read(".gitconfig"), "lfs") {
		t.Errorf("a no is no answer:\n%s", s.text())
	}
}

func TestSetupGivenUp(t *testing.T) {
	t.Parallel()
	p := newNovice(t, identity)
	s := p.runs("setup")
	s.answers(copyQuestion, "n")
	s.sees("bitbucket: error: the program was not copied; set GOBIN to a folder for it, and type the command again\n")
	s.ends(exitFailed)
	for _, at := range []string{copyQuestion, tokenPrompt, emailPrompt, expiryPrompt, lfsQuestion} {
		s := p.runs("setup")
		for _, question := range []string{copyQuestion, tokenPrompt, emailPrompt, expiryPrompt, lfsQuestion} {
			s.sees(question)
			if question == at {
				s.types(ctrlC)
				break
			}
			if question == tokenPrompt {
				s.types(bitbuckettest.APIToken("first"))
			}
			s.types(enter)
		}
		s.sees("bitbucket: error: interrupted; nothing was changed\n")
		s.ends(exitInterrupted)
		s.echoes()
	}
	s = p.runs("setup")
	s.answers(copyQuestion, "")
	s.answers(tokenPrompt, bitbuckettest.AppPassword("old"))
	s.sees("bitbucket: error: this is an app password")
	s.ends(exitNoCredential)
	if p.read(".gitconfig") != identity || p.has(".local") || p.has("config") || p.has("state") {
		t.Error("something was changed")
	}
}

// What a person types at git's own prompt, because nothing is stored, is kept.
func TestCloneOnATerminal(t *testing.T) {
	t.Parallel()
	server := bitbuckettest.New(t)
	for _, command := range [][]string{{"repo", "acme/app"}, {"token", "work"}, {"token", "old", "kind=app"}} {
		if err := server.Command(command...); err != nil {
			t.Fatal(err)
		}
	}
	work, _ := server.Token("work")
	old, _ := server.Token("old")
	p := newPerson(t, server.GitConfig()+identity, append(server.Env(), "BITBUCKET_CREDENTIAL_BACKEND=file")...)
	p.gets("", "install", "--by-name")
	const prompt = "Password for 'https://x-bitbucket-api-token-auth@bitbucket.org/acme/app.git': "
	clone := func() *screen {
		return onTerminal(t, p.home, p.env, "git", "clone", "https://bitbucket.org/acme/app.git")
	}

	s := clone()
	s.sees("bitbucket: note: no token is stored for bitbucket.org; make an API token with scopes at https://")
	s.answers(prompt, old.Text)
	s.ends(128)
	s.hides(old.Text)
	if p.has("config", "git-credential-bitbucket", "accounts") {
		t.Error("an app password was kept")
	}

	s = clone()
	s.answers(prompt, work.Text)
	s.sees("bitbucket: note: kept the API token …" + work.Text[len(work.Text)-4:] + " as account default in the encrypted file; to undo: git-credential-bitbucket forget default\n")
	s.ends(exitDone)
	s.hides(work.Text)

	s = onTerminal(t, filepath.Join(p.home, "app"), p.env, "git", "fetch")
	s.ends(exitDone)
	if shown := s.text(); shown != theEnd {
		t.Errorf("the next command says:\n%s", shown)
	}
	if p.stored() != work.Text {
		t.Error("another token was kept than the one that was typed")
	}
}
