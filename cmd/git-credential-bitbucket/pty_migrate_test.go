//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/storetest"
)

// A homeOfLeftovers has an app password, a token that nobody can be asked about, and
// another site's password in git's credential file, and a dead one in a profile.
func homeOfLeftovers(t *testing.T, env ...string) (p *person, token string) {
	t.Helper()
	p, token = newPerson(t, "", append([]string{"BITBUCKET_CREDENTIAL_BACKEND=file"}, env...)...), bitbuckettest.APIToken("loose")
	p.write(filepath.Join(p.home, ".git-credentials"), "https://a:b@example.org\nhttps://ann:"+bitbuckettest.AppPassword("one")+"@bitbucket.org\nhttps://ann%40example.com:"+token+"@bitbucket.org\n")
	p.write(filepath.Join(p.home, ".bashrc"), "umask 022\nexport BITBUCKET_APP_PASSWORD="+bitbuckettest.AppPassword("two")+"\n")
	return p, token
}

func (p *person) reads(name string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.home, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

func TestMigrateAsks(t *testing.T) {
	t.Parallel()
	p, token := homeOfLeftovers(t)
	s := p.runs("migrate")
	s.sees("~/.bashrc:2\n")
	s.answers("take it out? [y,n,d,a,q,?] ", "what")
	s.sees("y does it, n leaves it, d shows the change")
	s.answers("take it out? [y,n,d,a,q,?] ", "d")
	s.sees(" umask 022\n-export BITBUCKET_APP_PASSWORD=…")
	s.answers("take it out? [y,n,d,a,q,?] ", "n")
	s.sees("~/.git-credentials:2\n")
	s.answers("take it out? [y,n,d,a,q,?] ", "y")
	s.sees("~/.git-credentials:3\n")
	s.answers("store it unchecked, then take it out? [y,n,r,d,a,q,?] ", "y")
	s.sees("bitbucket: stored the API token …" + token[len(token)-4:] + " as account default in the encrypted file; ")
	s.sees("bitbucket: 2 mended, 1 left; ")
	s.ends(exitUnreachable)
	s.hides(token)
	s.hides(bitbuckettest.AppPassword("one"))
	if got := p.reads(".git-credentials"); got != "https://a:b@example.org\n" {
		t.Errorf("%q is left", got)
	}
	if p.stored() != token {
		t.Error("git gets another token")
	}

	s = p.runs("migrate")
	s.answers("take it out? [y,n,d,a,q,?] ", "a")
	s.sees("bitbucket: all 1 finding is mended; ")
	s.ends(exitDone)
	if got := p.reads(".bashrc"); got != "umask 022\n" {
		t.Errorf("%q is left", got)
	}
}

func TestMigrateInterrupted(t *testing.T) {
	t.Parallel()
	p, token := homeOfLeftovers(t)
	before := p.reads(".git-credentials") + p.reads(".bashrc")
	for _, key := range []string{ctrlC, ctrlD, "q" + enter} {
		s := p.runs("migrate", "--no-verify")
		s.answers("take it out? [y,n,d,a,q,?] ", "n")
		s.sees("take it out? [y,n,d,a,q,?] ")
		s.types(key)
		if strings.HasPrefix(key, "q") {
			s.ends(exitDue)
		} else {
			s.sees("bitbucket: error: interrupted; nothing was changed\n")
			s.ends(exitInterrupted)
		}
		s.hides(token)
	}
	if p.reads(".git-credentials")+p.reads(".bashrc") != before {
		t.Error("something was changed")
	}
}

// What a person wants gone though it may be alive is gone, and stored nowhere.
func TestMigrateRemoves(t *testing.T) {
	t.Parallel()
	p, _ := homeOfLeftovers(t)
	s := p.runs("migrate", "--no-verify")
	s.answers("[y,n,d,a,q,?] ", "a")
	s.answers("[y,n,r,d,a,q,?] ", "r")
	s.sees("bitbucket: all 3 findings are mended; ")
	s.ends(exitDone)
	if out := p.gets("", "status", "--json"); strings.Contains(out, `"name": "default"`) {
		t.Errorf("something was stored: %s", out)
	}
}

// A keyring that is locked between the question and the storing costs nothing.
func TestMigrateIntoALockedKeyring(t *testing.T) {
	t.Parallel()
	keyring := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	p, token := homeOfLeftovers(t, "BITBUCKET_CREDENTIAL_BACKEND=keyring", "CI=true", "DBUS_SESSION_BUS_ADDRESS="+keyring.Address)
	s := p.runs("migrate", "--no-verify")
	s.answers("[y,n,d,a,q,?] ", "a")
	s.sees("[y,n,r,d,a,q,?] ")
	if err := keyring.Lock(); err != nil {
		t.Fatal(err)
	}
	s.types("y" + enter)
	s.sees("bitbucket: error: the token …" + token[len(token)-4:] + " was not stored, and stays where it is: ")
	s.sees("bitbucket: 2 mended, 1 left; ")
	s.ends(exitUnusable)
	if got := p.reads(".git-credentials"); got != "https://a:b@example.org\nhttps://ann%40example.com:"+token+"@bitbucket.org\n" {
		t.Errorf("%q is left", got)
	}
}
