package bitbuckettest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

// person is somebody at a machine of their own: a home, a folder to work in, a way to the server.
type person struct {
	t      *testing.T
	dir    string
	env    []string
	helper string
}

func newPerson(t *testing.T, s *bitbuckettest.Server) *person {
	t.Helper()
	dir := t.TempDir()
	config := "[user]\n\tname = Test\n\temail = test@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n" + s.GitConfig()
	if err := os.WriteFile(filepath.Join(dir, ".gitconfig"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "XDG_CONFIG_HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
	}
	return &person{t: t, dir: dir, env: env}
}

// with is the same person with a credential helper that always says this.
func (p person) with(username, token string) *person {
	p.helper = fmt.Sprintf("!f() { test \"$1\" = get && printf 'username=%%s\\npassword=%%s\\n' '%s' '%s'; }; f", username, token)
	return &p
}

// git runs git, below dir, and returns what it said on either stream.
func (p *person) git(dir string, args ...string) (string, error) {
	p.t.Helper()
	if p.helper != "" {
		args = append([]string{"-c", "credential.helper=" + p.helper}, args...)
	}
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = filepath.Join(p.dir, dir), p.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *person) must(dir string, args ...string) string {
	p.t.Helper()
	out, err := p.git(dir, args...)
	if err != nil {
		p.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *person) write(path, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, path), []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// commands runs the lines of a script.
func commands(t *testing.T, s *bitbuckettest.Server, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if err := s.Command(strings.Fields(line)...); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func query(t *testing.T, s *bitbuckettest.Server, line string) string {
	t.Helper()
	out, err := s.Query(strings.Fields(line)...)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSpace(out)
}

func remote(repo string) string { return "https://bitbucket.org/" + repo }

func TestCloneFetchPush(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app file=hello.txt:hello", "token alice owner=alice")
	p := newPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text alice"))

	p.must(".", "clone", remote("acme/app.git"), "app")
	p.must(".", "clone", remote("Acme/app"), "without-suffix")
	commands(t, s, "expect 2 status=401 user= method=GET", "expect 0 rejected", "reset")

	// More than http.postBuffer, so that git sends it in chunks after a probe.
	p.write("app/big.bin", strings.Repeat("0123456789abcdef", 20_000))
	p.must("app", "add", ".")
	p.must("app", "commit", "-qm", "big")
	p.must("app", "-c", "http.postBuffer=1", "-c", "core.compression=0", "push", "origin", "main")
	if got, want := query(t, s, "head acme/app"), strings.TrimSpace(p.must("app", "rev-parse", "HEAD")); got != want {
		t.Errorf("head is %s, want %s", got, want)
	}
	commands(t, s, "expect 1+ path=/acme/app.git/git-receive-pack status=200 token=alice user="+bitbuckettest.UsernameAPI)

	commands(t, s, "commit acme/app later.txt later")
	p.must("app", "pull", "-q")
	if out, err := os.ReadFile(filepath.Join(p.dir, "app/later.txt")); err != nil || string(out) != "later\n" {
		t.Errorf("later.txt: %q, %v", out, err)
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/open public")
	p := newPerson(t, s)
	p.must(".", "clone", remote("acme/open.git"))
	commands(t, s, "expect 0 status=401")
	p.must("open", "commit", "-q", "--allow-empty", "-m", "x")
	if out, err := p.git("open", "push", "origin", "main"); err == nil {
		t.Errorf("pushed without a token:\n%s", out)
	}
	commands(t, s, "expect 1 status=401 path=*service=git-receive-pack")
}

func TestSubmodules(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/a", "repo acme/b", "repo acme/super submodules=acme/a,acme/b", "token ci kind=workspace")
	p := newPerson(t, s).with(bitbuckettest.UsernameAccess, query(t, s, "text ci"))
	p.must(".", "clone", "--recurse-submodules", "--jobs", "4", remote("acme/super.git"))
	for _, path := range []string{"super/a/README.md", "super/b/README.md"} {
		if _, err := os.Stat(filepath.Join(p.dir, path)); err != nil {
			t.Error(err)
		}
	}
}

// A token that is revoked between the first request of a clone or push and the next.
func TestRevokedInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"clone", "push"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			s := bitbuckettest.New(t)
			commands(t, s, "repo acme/app", "token alice")
			p := newPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text alice"))
			args := []string{"clone", remote("acme/app.git"), "again"}
			if verb == "push" {
				p.must(".", "clone", remote("acme/app.git"), ".work")
				p.must(".work", "commit", "-q", "--allow-empty", "-m", "x")
				args = []string{"-C", ".work", "push", "origin", "main"}
			}
			commands(t, s, "reset", "fault revoke repo=acme/app after=1")
			out, err := p.git(".", args...)
			if err == nil || !strings.Contains(out, "401") {
				t.Errorf("want a 401 in the middle, got %v:\n%s", err, out)
			}
			commands(t, s,
				"expect 1 method=GET status=200 token=alice",
				"expect 1 method=POST status=401 token=alice",
			)
			if token, _ := s.Token("alice"); !token.Revoked {
				t.Error("the token is not revoked")
			}
		})
	}
}

func TestUserInURL(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice owner=alice")
	p := newPerson(t, s).with("alice", query(t, s, "text alice"))
	p.must(".", "clone", "https://alice@bitbucket.org/acme/app.git")
	// curl tries the name with an empty password first: a failed login for each command.
	commands(t, s, "expect 1 rejected", "expect 1 user=alice token= status=401")
}

func TestOtherHostsSeeNoToken(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice", "host bitbucket.org-login.example")
	helper := "credential.https://bitbucket.org.helper=" + newPerson(t, s).with("alice", query(t, s, "text alice")).helper
	p := newPerson(t, s)
	for _, address := range []string{
		"http://bitbucket.org/acme/app.git", "https://bitbucket.org:8443/acme/app.git", "https://bitbucket.org.evil.example/acme/app.git",
		"https://notbitbucket.org/acme/app.git", "https://evil.bitbucket.org/acme/app.git", "https://bitbucket.org-login.example/acme/app.git",
	} {
		s.ResetLog()
		if out, err := p.git(".", "-c", helper, "ls-remote", address); err == nil || !strings.Contains(out, "could not read Username") {
			t.Errorf("%s: want git to ask for a name, got %v:\n%s", address, err, out)
		}
		commands(t, s, "expect 1 status=401", "expect 0 scheme=*")
	}
	// git 2.39 takes "bitbucket.org." for bitbucket.org when it looks for a helper: this one is careless, and that shows.
	s.ResetLog()
	if out, err := p.git(".", "-c", helper, "ls-remote", "https://bitbucket.org./acme/app.git"); err == nil {
		t.Errorf("an impostor let git in:\n%s", out)
	}
	commands(t, s, "expect 1 host=bitbucket.org. token=alice status=401")
	s.ResetLog()
	for _, address := range []string{"https://example.com/acme/app.git", "http://example.com/acme/app.git"} {
		if _, err := p.git(".", "ls-remote", address); err == nil {
			t.Errorf("%s: the proxy let git out", address)
		}
	}
	commands(t, s, "expect 1 proto=connect host=example.com:443 status=403", "expect 1 proto=http host=example.com status=403")
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice")
	p := newPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text alice"))
	p.must(".", "ls-remote", "https://www.bitbucket.org/acme/app.git")
	commands(t, s, "expect 1+ host=www.bitbucket.org status=301", "expect 1+ host=bitbucket.org token=alice status=200", "reset",
		"fault redirect to=notbitbucket.org")
	if out, err := p.git(".", "ls-remote", remote("acme/app.git")); err == nil {
		t.Errorf("want a refusal, got:\n%s", out)
	}
	commands(t, s, "expect 1+ host=notbitbucket.org", "expect 0 host=bitbucket.org status=200")
}
