package leftovers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store/secret"
)

// A checkout is a repository of a test's own, in which real git runs.
type checkout struct {
	testing.TB
	dir string
	git install.Git
	day int
}

func newCheckout(t testing.TB, args ...string) *checkout {
	t.Helper()
	require.Tool(t, "git")
	program, err := exec.LookPath("git")
	must(t, err)
	c := &checkout{TB: t, dir: filepath.Join(t.TempDir(), "repo"), git: install.Git{Path: program, Env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
	}}}
	must(t, os.Mkdir(c.dir, 0o700))
	c.run(append([]string{"init", "-q", "-b", "main"}, args...)...)
	return c
}

func (c *checkout) run(args ...string) string {
	c.Helper()
	return c.feed(nil, args...)
}

func (c *checkout) feed(input []byte, args ...string) string {
	c.Helper()
	c.day++
	date := fmt.Sprintf("2026-01-01T00:%02d:%02dZ", c.day/60, c.day%60)
	cmd := exec.Command(c.git.Path, args...)
	cmd.Dir = c.dir
	cmd.Stdin = bytes.NewReader(input)
	cmd.Env = append([]string{"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date}, c.git.Env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes the file, or removes it where there is no text, and returns the commit.
func (c *checkout) commit(path, text string) string {
	c.Helper()
	file := filepath.Join(c.dir, path)
	if text == "" {
		must(c, os.Remove(file))
	} else {
		must(c, os.MkdirAll(filepath.Dir(file), 0o700))
		must(c, os.WriteFile(file, []byte(text), 0o600))
	}
	c.run("add", "-A")
	c.run("commit", "-q", "-m", "m")
	return c.run("rev-parse", "HEAD")[:12]
}

func (c *checkout) history(repository string) map[string]Finding {
	c.Helper()
	found := map[string]Finding{}
	commits := 0
	bounded, err := History(c.Context(), c.git, repository, func(n int) { commits = n }, func(f Finding) {
		if _, twice := found[f.Secret.Reveal()]; twice {
			c.Error("a secret comes twice")
		}
		found[f.Secret.Reveal()] = f
	})
	if err != nil || bounded || commits == 0 {
		c.Errorf("%v, bounded %v, %d commits", err, bounded, commits)
	}
	return found
}

func TestHistory(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	token := map[string]string{}
	for _, name := range []string{"gone", "kept", "moved", "merged", "stashed", "side", "long", "wide"} {
		token[name] = bitbuckettest.APIToken(name)
	}
	want := map[string]Finding{}
	wants := func(s, commit, path, what string) {
		want[s] = Finding{Commit: commit, Path: path, What: "git's history, and " + what}
	}
	const gone = "no branch has it any more"
	wants(token["gone"], c.commit(".env", "A=1\nB="+token["gone"]+"\n"), ".env", gone)
	c.commit(".env", "A=1\n")
	c.commit(".env", "A=2 "+token["gone"]+"\n") // again: the oldest counts
	c.commit(".env", "A=1\n")
	wants(dead, c.commit("a b/\u00e9\t\"x", "url = https://ann%40x:"+dead+"@Bitbucket.org/acme/app.git\n"), "a b/\u00e9\t\"x", "the branch main still has it")
	wants("hunter2/3", c.commit("ci.yml", "git clone https://bob:hunter2%2F3@bitbucket.org/acme/app\r\ncurl https://x:$TOKEN@bitbucket.org/\ncurl https://x:other@bitbucket.org.example.com/"), "ci.yml", "the branch main still has it")
	wants(token["moved"], c.commit("old", "1\n"+token["moved"]+"\n3\n"), "old", "the branch main still has it")
	c.run("mv", "old", "new")
	c.run("commit", "-q", "-m", "m")
	c.commit("binary", "\x00"+bitbuckettest.APIToken("binary"))
	c.commit("huge", strings.Repeat("line\n", 300000)+bitbuckettest.APIToken("huge"))
	wants(token["wide"], c.commit("wide", strings.Repeat("x", 500000)+" "+token["wide"]), "wide", "the branch main still has it")
	c.run("checkout", "-q", "-b", "side", "HEAD~1")
	wants(token["side"], c.commit("s", token["side"]), "s", "the branch side still has it")
	c.commit("shared", "1\n")
	c.run("checkout", "-q", "main")
	c.commit("shared", "2\n")
	// What a merge alone brings is in neither parent.
	c.run("merge", "-q", "--no-commit", "-s", "ours", "side")
	wants(token["merged"], c.commit("shared", token["merged"]+"\n"), "shared", gone)
	c.commit("shared", "3\n")
	c.commit(".gitattributes", "* -diff\n*.env binary\n")
	c.run("tag", "t")
	must(t, os.WriteFile(filepath.Join(c.dir, "s2"), []byte(token["stashed"]), 0o600))
	c.run("add", "s2")
	c.run("stash", "-q")

	check := func(t *testing.T, got map[string]Finding, repository string) {
		t.Helper()
		for s, w := range want {
			g, ok := got[s]
			if !ok || g.Commit != w.Commit || g.Path != w.Path || g.What != w.What || g.Repository != repository || g.Place != Commit || g.Edit != nil {
				t.Errorf("want %+v, got %+v", w, g)
			}
		}
	}
	got := c.history(c.dir)
	if g := got[token["stashed"]]; g.Path != "s2" {
		t.Errorf("the stash: %+v", g)
	}
	delete(got, token["stashed"])
	check(t, got, c.dir)
	if len(got) != len(want) {
		t.Errorf("%d findings, want %d: %+v", len(got), len(want), got)
	}
	if g := got["hunter2/3"]; g.User != "bob" || g.Host != "bitbucket.org" || g.Workspace != "acme" {
		t.Errorf("%+v", g)
	}
	if g := got[dead]; g.User != "ann@x" || g.Host != "bitbucket.org" {
		t.Errorf("%+v", g)
	}

	t.Run("bare", func(t *testing.T) {
		bare := filepath.Join(t.TempDir(), "bare.git")
		c.run("clone", "-q", "--bare", c.dir, bare)
		check(t, c.history(bare), bare)
	})
	t.Run("linked work tree", func(t *testing.T) {
		tree := filepath.Join(t.TempDir(), "tree")
		c.run("worktree", "add", "-q", "--detach", tree)
		check(t, c.history(tree), tree)
	})
}

// Nothing that a repository's config or attributes can name is run.
func TestHistoryOfAHostileRepository(t *testing.T) {
	t.Parallel()
	require.Tool(t, "sh")
	c := newCheckout(t)
	c.commit("a", "1 "+dead+"\n")
	mark := filepath.Join(t.TempDir(), "ran")
	run := "sh -c 'touch " + mark + "; cat'"
	for _, line := range [][2]string{
		{"diff.evil.textconv", run}, {"diff.evil.command", run}, {"diff.external", run}, {"core.fsmonitor", run}, {"core.pager", run}, {"pager.diff-tree", run},
		{"log.showSignature", "true"}, {"gpg.program", run}, {"core.sshCommand", run}, {"color.ui", "always"}, {"diff.noprefix", "true"}, {"diff.renames", "copies"},
		{"core.attributesFile", filepath.Join(c.dir, "attributes")}, {"diff.submodule", "log"}, {"core.bigFileThreshold", "1"}, {"core.worktree", c.dir}, {"alias.rev-list", "!" + run},
	} {
		c.run("config", line[0], line[1])
	}
	for _, path := range []string{"attributes", ".gitattributes", ".git/info/attributes"} {
		must(t, os.WriteFile(filepath.Join(c.dir, path), []byte("* diff=evil\n"), 0o600))
	}
	c.git.Env = append(c.git.Env, "GIT_EXTERNAL_DIFF="+run, "GIT_DIR=/nowhere", "GIT_PAGER="+run, "GIT_DIFF_OPTS=-U9")
	if got := c.history(c.dir); got[dead].Path != "a" {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program of the repository's was run")
	}
}

func TestHistoryOfNone(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	none := func(f Finding) { t.Errorf("%+v", f) }
	if bounded, err := History(t.Context(), c.git, c.dir, nil, none); err != nil || bounded {
		t.Errorf("no commit: %v, %v", bounded, err)
	}
	inside := filepath.Join(c.dir, "folder")
	must(t, os.Mkdir(inside, 0o700))
	var failed *install.GitError
	if _, err := History(t.Context(), c.git, inside, nil, none); !errors.As(err, &failed) {
		t.Errorf("no repository of its own: %v", err)
	}
}

// imported is a repository with so many commits, every 100th with a token that the next
// one takes away.
func imported(t testing.TB, commits int) *checkout {
	c := newCheckout(t, "--bare")
	var in bytes.Buffer
	for i := range commits {
		text := fmt.Sprintf("line %d\n", i)
		if i%100 == 0 {
			text += bitbuckettest.AppPassword(fmt.Sprint(i)) + "\n"
		}
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter a <a@example.com> %d +0000\ndata 1\nm\nM 100644 inline f%d\ndata %d\n%s\n", 1700000000+i, i%50, len(text), text)
	}
	c.feed(in.Bytes(), "fast-import", "--quiet")
	return c
}

func TestHistoryOfManyCommits(t *testing.T) {
	t.Parallel()
	c := imported(t, 5000)
	begun := time.Now()
	got := c.history(c.dir)
	if took := time.Since(begun); len(got) != 50 || took > 5*time.Second {
		t.Errorf("%d findings in %v", len(got), took)
	} else {
		t.Logf("5,000 commits in %v", took)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	c := imported(t, mostCommits+101)
	found, last := map[string]bool{}, 0
	bounded, err := History(t.Context(), c.git, c.dir, func(n int) { last = n }, func(f Finding) { found[f.Secret.Fingerprint()] = true })
	if err != nil || !bounded || last != mostCommits {
		t.Errorf("%v, %v after %d commits", bounded, err, last)
	}
	// The oldest hundred are left out; what one of them added another takes away.
	if out := secret.New(bitbuckettest.AppPassword("0")).Fingerprint(); found[out] || len(found) != 201 {
		t.Errorf("%d findings", len(found))
	}

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if bounded, err := History(ctx, c.git, c.dir, nil, func(Finding) {}); err != nil || !bounded {
		t.Errorf("at the deadline: %v, %v", bounded, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	_, err = History(ctx, c.git, c.dir, func(int) { cancel() }, func(Finding) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
