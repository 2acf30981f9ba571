//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

const (
	tokenPrompt  = "Bitbucket API token (it is not shown): "
	emailPrompt  = "E-mail of your Atlassian account (optional, only for REST): "
	expiryPrompt = "Expires on [2027-11-23]: "
)

func TestStoreOnATerminal(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	token := bitbuckettest.APIToken("first")
	s := p.runs("store")
	s.sees("Make an API token with scopes at https://id.atlassian.com/")
	s.answers(tokenPrompt, token)
	s.sees("  recognised: API token, …" + token[len(token)-4:] + ", checksum good\n")
	s.answers(emailPrompt, "alice")
	s.sees("  that is no e-mail address\n")
	s.answers(emailPrompt, "alice@example.com")
	s.answers(expiryPrompt, "soon")
	s.sees(`  "soon" is no date: write 2027-01-31, 90d or 12w`)
	s.answers(expiryPrompt, "2027-12-31")
	s.sees("  2027-12-31 is more than a year ahead, ")
	s.answers(expiryPrompt, "2026-11-22")
	s.sees("  2026-11-22 has passed: ")
	s.answers(expiryPrompt, "90d")
	s.sees("bitbucket: stored the API token …" + token[len(token)-4:] + " as account default in the encrypted file (the best that there is here); expires on 2027-02-21\n")
	s.ends(exitDone)
	s.hides(token)
	s.echoes()
	if p.stored() != token {
		t.Error("git gets another token than the one that was typed")
	}
	status := p.gets("", "status")
	for _, want := range []string{"e-mail alice@example.com\n", "expires on 2027-02-21 (claimed, 90 days)\n"} {
		if !strings.Contains(status, want) {
			t.Errorf("status lacks %q:\n%s", want, status)
		}
	}

	// What flags say is not asked.
	s = p.runs("store", "--account", "other", "--expires", "12w")
	s.answers(tokenPrompt, `"`+token+`"`)
	s.answers(emailPrompt, "")
	s.sees("bitbucket: note: took quotes off the token\n")
	s.sees("expires on 2027-02-15\n")
	s.ends(exitDone)
	s.hides(token)

	// An access token has no owner's e-mail, and no expiry that could be guessed.
	access := bitbuckettest.AccessToken("second")
	s = p.runs("store", "--account", "shared")
	s.answers(tokenPrompt, access)
	s.sees("  recognised: access token, …" + access[len(access)-4:] + ", checksum good\n")
	s.answers("Expires on [unknown]: ", "")
	s.sees("bitbucket: stored the access token ")
	s.ends(exitDone)
	if strings.Contains(s.text(), emailPrompt) {
		t.Error("an access token's e-mail is asked for")
	}

}

// What may be no token is kept only if that is meant.
func TestStoreDoubtfulToken(t *testing.T) {
	t.Parallel()
	const sure = "Keep it all the same? [y/N; N asks for the token again] "
	p := newPerson(t, "")
	token := bitbuckettest.APIToken("first")
	cut := token[:len(token)-1]
	const odd = "0123456789abcdef-is-no-token"
	s := p.runs("store")
	s.answers(tokenPrompt, odd)
	s.sees("  not recognised: …oken has no beginning that tells its kind; it would be taken for an API token\n")
	s.answers(sure, token) // pasted in the wrong place, it is not shown
	s.answers(tokenPrompt, cut)
	s.sees(": it looks cut off or mistyped, its checksum does not fit\n")
	s.answers(sure, "n")
	s.answers(tokenPrompt, cut)
	s.answers(sure, "y")
	s.answers(emailPrompt, "")
	s.answers(expiryPrompt, "")
	s.sees("bitbucket: stored the API token ")
	s.ends(exitDone)
	s.hides(token)
	s.hides(odd)
	if strings.Contains(s.text(), "warning: the token looks cut off") {
		t.Error("it is said again")
	}
	if p.stored() != cut {
		t.Error("git gets another token than the one that was meant")
	}

	s = p.runs("store")
	s.answers(tokenPrompt, odd)
	s.sees(sure)
	s.types(ctrlC)
	s.ends(exitInterrupted)
}

func TestStoreAsksAgain(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	token := bitbuckettest.APIToken("first")
	s := p.runs("store")
	s.answers(tokenPrompt, "")
	s.sees("  the token is empty; copy the token again from https://")
	s.answers(tokenPrompt, "two words")
	s.sees("  the token has a blank, ")
	s.answers(tokenPrompt, token)
	s.sees("  recognised: API token")
	s.answers(emailPrompt, "")
	s.answers(expiryPrompt, "")
	s.ends(exitDone)
	s.hides("two words")
	if p.stored() != token {
		t.Error("git gets another token than the one that was typed")
	}
}

// A backend that cannot be used is said before anybody makes a token for it.
func TestStoreOnATerminalLooksFirst(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	p.env = append(p.env, "BITBUCKET_CREDENTIAL_PASSPHRASE=open sesame")
	p.gets(bitbuckettest.APIToken("first"), "store", "--token-stdin")
	open := p.env
	locked := open[:len(open)-1]
	wrong := append(locked[:len(locked):len(locked)], "BITBUCKET_CREDENTIAL_PASSPHRASE=open barley")
	for _, c := range []struct {
		env  []string
		args []string
		says string
	}{
		{open, []string{"--backend", "keyring"}, "bitbucket: error: the system's keyring is not to be had here ("},
		{open, []string{"--backend", "pass", "--account", "other"}, "bitbucket: error: pass is not to be had here ("},
		{append(open[:len(open):len(open)], "BITBUCKET_CREDENTIAL_BACKEND=pass"), []string{"--account", "other"}, "bitbucket: error: pass is not to be had here ("},
		{locked, nil, "bitbucket: error: the encrypted file needs its passphrase; "},
		{locked, []string{"--backend", "file", "--account", "other"}, "bitbucket: error: the encrypted file needs its passphrase; "},
		{wrong, []string{"--backend", "file", "--account", "other"}, "bitbucket: error: the encrypted file's passphrase is wrong; "},
	} {
		p.env = c.env
		s := p.runs(append([]string{"store"}, c.args...)...)
		s.sees(c.says)
		s.ends(exitUnusable)
		if strings.Contains(s.text(), tokenPrompt) {
			t.Errorf("%v: the token is asked for", c.args)
		}
	}
}

func TestStoreOnATerminalRefuses(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	for _, c := range []struct {
		typed, says string
		status      exitStatus
	}{
		{bitbuckettest.AppPassword("old"), "bitbucket: error: this is an app password, and Bitbucket ended those on 2026-07-28; ", exitNoCredential},
		{"BBDC-0123456789", "bitbucket: error: this token is of Bitbucket Data Center ", exitNoCredential},
		{"two words", "bitbucket: error: the token has a blank, ", exitUsage},
		{"https://bitbucket.org/", "bitbucket: error: the address has no token in it; ", exitUsage},
		{"", "bitbucket: error: the token is empty; ", exitUsage},
	} {
		s := p.runs("store")
		if s.answers(tokenPrompt, c.typed); c.status == exitUsage {
			s.answers(tokenPrompt, c.typed)
			s.answers(tokenPrompt, c.typed)
		}
		s.sees(c.says)
		s.ends(c.status)
		s.hides(c.typed)
	}
	if _, err := os.Stat(filepath.Join(p.home, "config")); err == nil {
		t.Error("something was kept")
	}
}

func TestStoreInterrupted(t *testing.T) {
	t.Parallel()
	token, replaced := bitbuckettest.APIToken("typed"), bitbuckettest.APIToken("replaced")
	p := newPerson(t, "")
	p.gets(replaced, "store", "--token-stdin")
	before := p.gets("", "status", "--json")
	for _, c := range []struct{ at, key string }{
		{tokenPrompt, ctrlC}, {emailPrompt, ctrlC}, {expiryPrompt, ctrlC},
		{emailPrompt, ctrlD}, {expiryPrompt, ctrlD},
		{tokenPrompt, ctrlBackslash}, {emailPrompt, ctrlBackslash},
	} {
		s := p.runs("store")
		for _, q := range []struct{ prompt, answer string }{{tokenPrompt, token}, {emailPrompt, "alice@example.com"}, {expiryPrompt, ""}} {
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
		s.hides(token)
	}
	if p.gets("", "status", "--json") != before || p.stored() != replaced {
		t.Error("something was changed")
	}
}

// Whoever stopped the program at the hidden prompt and went on would see the token.
func TestStoreIsNotStopped(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "")
	token := bitbuckettest.APIToken("typed")
	shell := onTerminal(t, p.home, p.env, "sh", "-mc", "git-credential-bitbucket store; echo ended with $?")
	shell.sees(tokenPrompt)
	shell.types(token[:20] + ctrlZ) // a terminal drops what was typed before it
	shell.types(token + enter)
	shell.sees("  recognised: API token, …" + token[len(token)-4:] + ", checksum good\n")
	shell.answers(emailPrompt, "")
	shell.answers(expiryPrompt, "")
	shell.sees("ended with 0\n")
	shell.ends(exitDone)
	shell.hides(token)
	if p.stored() != token {
		t.Error("git gets another token than the one that was typed")
	}
}

func TestAmendOnATerminal(t *testing.T) {
	t.Parallel()
	first, second := bitbuckettest.APIToken("first"), bitbuckettest.APIToken("second")
	const prompt = "Bitbucket API token (it is not shown; Enter keeps the present one): "
	p := newPerson(t, "")
	p.gets(first, "store", "--token-stdin")

	s := p.runs("store", "--email", "alice@example.com")
	s.answers(prompt, "")
	s.sees("bitbucket: amended account default: e-mail alice@example.com, expires on 2027-11-23, a guess\n")
	s.ends(exitDone)
	if p.stored() != first {
		t.Error("the token was not kept")
	}
	p.env = append(p.env, "BITBUCKET_CREDENTIAL_PASSPHRASE=open sesame")
	s = p.runs("store", "--backend", "file")
	s.answers(prompt, "")
	s.sees("bitbucket: kept the token …" + first[len(first)-4:] + " of account default in the encrypted file, locked with your passphrase; e-mail alice@example.com, ")
	s.ends(exitDone)
	if p.stored() != first {
		t.Error("the token was not kept")
	}

	// The same token typed again is known, date and all.
	p.gets("", "store", "--expires", "40d")
	s = p.runs("store")
	s.answers(tokenPrompt, first)
	s.answers(emailPrompt, "")
	s.answers("Expires on [2027-01-02]: ", "")
	s.sees("; expires on 2027-01-02\n")
	s.ends(exitDone)

	s = p.runs("store", "--expires", "30d")
	s.answers(prompt, second)
	s.answers(emailPrompt, "")
	s.sees("bitbucket: stored the API token ")
	s.ends(exitDone)
	if p.stored() != second {
		t.Error("the token was not replaced")
	}
	if status := p.gets("", "status"); !strings.Contains(status, "e-mail alice@example.com\n") {
		t.Errorf("the e-mail was lost:\n%s", status)
	}
}
