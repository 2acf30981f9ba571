//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store"
)

const (
	newTokenPrompt = "New token (it is not shown): "
	usualScopes    = "read:repository:bitbucket, write:repository:bitbucket, read:user:bitbucket"
)

func TestRotateOnATerminal(t *testing.T) {
	t.Parallel()
	one, two, access := bitbuckettest.APIToken("one"), bitbuckettest.APIToken("two"), bitbuckettest.AccessToken("three")
	p := newPerson(t, "")
	p.gets(one, "store", "--no-verify", "--token-stdin", "--email", "alice@example.com")
	s := p.runs("rotate", "--no-verify")
	s.sees("Make an API token with scopes, for the app Bitbucket, at https://id.atlassian.com/manage-profile/security/api-tokens\n  and tick the scopes " + usualScopes + "\n")
	s.answers(newTokenPrompt, one)
	s.sees("  …" + one[len(one)-4:] + " is the token that account default has already; make a new one at https://id")
	s.answers(newTokenPrompt, "")
	s.sees("  the token is empty; ")
	s.answers(newTokenPrompt, two)
	s.sees("  recognised: API token, …" + two[len(two)-4:] + ", checksum good\n")
	s.answers(expiryPrompt, "90d")
	s.sees("bitbucket: rotated account default: …" + one[len(one)-4:] + " → …" + two[len(two)-4:] + " in the encrypted file; expires on 2027-02-21; the old one is kept until 2026-11-30: git-credential-bitbucket rotate --rollback; revoke it at https://id")
	s.ends(exitDone)
	s.hides(one)
	s.hides(two)
	if strings.Contains(s.text(), emailPrompt) {
		t.Error("an e-mail that is known is asked for")
	}
	if strings.Contains(s.text(), "browser") {
		t.Error("a browser is spoken of where there is no display")
	}
	if p.stored() != two {
		t.Error("git gets another token than the one that was typed")
	}

	// The scopes are those that the old token was seen to have.
	records := store.OpenAccounts(filepath.Join(p.home, "config", "git-credential-bitbucket"))
	err := records.Update(func(b *store.Book) error {
		b.Account("default").Scopes = "read:repository:bitbucket,read:me"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s = p.runs("rotate", "--no-verify")
	s.sees("  and tick the scopes read:repository:bitbucket, read:me, as the old token had them\n")
	s.answers(newTokenPrompt, bitbuckettest.AppPassword("old"))
	s.sees("bitbucket: error: this is an app password, and Bitbucket ended those on 2026-07-28; ")
	s.ends(exitNoCredential)

	// An access token is made elsewhere.
	p.gets(access, "store", "--no-verify", "--token-stdin", "--account", "pipeline")
	s = p.runs("rotate", "--no-verify", "--account", "pipeline")
	s.sees("Make an access token in the settings of the repository, project or workspace of the old one\n")
	s.answers(newTokenPrompt, bitbuckettest.AccessToken("four"))
	s.answers("Expires on [unknown]: ", "")
	s.sees("; revoke it in the settings of its repository, project or workspace once all works\n")
	s.ends(exitDone)
}

func TestRotateInterrupted(t *testing.T) {
	t.Parallel()
	one, two := bitbuckettest.APIToken("one"), bitbuckettest.APIToken("two")
	p := newPerson(t, "")
	p.gets(one, "store", "--no-verify", "--token-stdin")
	before := p.gets("", "status", "--json")
	for _, c := range []struct{ at, key string }{
		{newTokenPrompt, ctrlC}, {newTokenPrompt, ctrlBackslash}, {emailPrompt, ctrlC}, {expiryPrompt, ctrlC}, {expiryPrompt, ctrlD},
	} {
		s := p.runs("rotate", "--no-verify")
		for _, q := range []struct{ prompt, answer string }{{newTokenPrompt, two}, {emailPrompt, ""}, {expiryPrompt, ""}} {
			s.sees(q.prompt)
			if q.prompt == c.at {
				s.types(c.key)
				break
			}
			s.types(q.answer + enter)
		}
		s.sees("bitbucket: error: interrupted; nothing was changed\n")
		s.ends(exitInterrupted)
		s.echoes()
		s.hides(two)
	}
	if p.gets("", "status", "--json") != before || p.stored() != one {
		t.Error("something was changed")
	}
	if _, err := os.Stat(filepath.Join(p.home, "config", "git-credential-bitbucket", "previous")); err == nil {
		t.Error("a token was kept")
	}
}

// The check of an API token takes its owner's e-mail, which the first rotation asks for.
func TestRotateAsksForTheEmail(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	one := bitbuckettest.APIToken("one")
	p.gets(one, "store", "--no-verify", "--token-stdin")
	const prompt = "E-mail of your Atlassian account (Bitbucket checks the token with it): "
	s := p.runs("rotate")
	s.answers(newTokenPrompt, bitbuckettest.APIToken("two"))
	s.answers(prompt, "")
	s.sees("  that is no e-mail address\n")
	s.answers(prompt, "alice@example.com")
	s.answers(expiryPrompt, "")
	s.sees("bitbucket: error: ")
	s.ends(exitUnreachable)
	if p.stored() != one {
		t.Error("the tokens were swapped unchecked")
	}
}

// The browser gets the address and none of our secrets, and no terminal. Where nobody
// sits before this machine's screen none is started.
func TestRotateOpensABrowser(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.gets(bitbuckettest.APIToken("one"), "store", "--no-verify", "--token-stdin")
	told, seen := filepath.Join(p.home, "told"), filepath.Join(p.home, "seen")
	script := "#!/bin/sh\nexport SAID=\"$*\"\n{ env; (: </dev/tty) 2>/dev/null && echo has a terminal; } >" + told + ".new\nmv " + told + ".new " + told + "\n" +
		"for i in $(seq 300); do [ -e " + seen + " ] && exit; sleep .1; done\n"
	browser := filepath.Join(p.home, "browser")
	if err := os.WriteFile(browser, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	const opened = "  the page is being opened in your browser\n"
	usual := append(p.env[:len(p.env):len(p.env)], "DISPLAY=:7", "BROWSER=/nowhere/at-all:"+browser+" --new %s --tab",
		"BITBUCKET_CREDENTIAL_PASSPHRASE=sesame", "BITBUCKET_TOKEN_FILE="+told, "BITBUCKET_ACCOUNT=default")
	for _, c := range []struct {
		name  string
		env   []string
		args  []string
		opens bool
	}{
		{"a person", nil, nil, true},
		{"the flag", nil, []string{"--no-browser"}, false},
		{"CI", []string{"CI=true"}, nil, false},
		{"no prompts", []string{"GIT_TERMINAL_PROMPT=0"}, nil, false},
		{"a silent fetch", []string{"VSCODE_GIT_FETCH_SILENT=1"}, nil, false},
		{"SSH", []string{"SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22"}, nil, false},
		{"SSH by its terminal", []string{"SSH_TTY=/dev/pts/1"}, nil, false},
		{"no display", []string{"DISPLAY="}, nil, false},
	} {
		_, _ = os.Remove(told), os.Remove(seen)
		p.env = append(usual[:len(usual):len(usual)], c.env...)
		s := p.runs(append([]string{"rotate", "--no-verify"}, c.args...)...)
		s.sees(newTokenPrompt) // the browser, which stays until then, is not waited for
		p.write(seen, "")
		if strings.Contains(s.text(), opened) != c.opens {
			t.Errorf("%s: the screen:\n%s", c.name, s.text())
		}
		var text []byte
		for end := time.Now().Add(10 * time.Second); c.opens && len(text) == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			text, _ = os.ReadFile(told)
		}
		s.types(ctrlC)
		s.ends(exitInterrupted)
		if _, err := os.Stat(told); (err == nil) != c.opens {
			t.Errorf("%s: the browser was started: %v", c.name, err == nil)
		}
		said := string(text)
		if c.opens && !strings.Contains(said, "\nSAID=--new https://id.atlassian.com/manage-profile/security/api-tokens --tab\n") {
			t.Errorf("the browser got:\n%s", said)
		}
		for _, secret := range []string{"PASSPHRASE", "BITBUCKET_TOKEN", "has a terminal"} {
			if strings.Contains(said, secret) {
				t.Errorf("the browser has %s:\n%s", secret, said)
			}
		}
	}
}
