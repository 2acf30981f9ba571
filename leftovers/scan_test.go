package leftovers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/install"
	"git-credential-bitbucket/internal/require"
)

// A tree is a folder to scan, with git to make repositories in it.
type tree struct {
	t    testing.TB
	root string
	env  []string
}

func newTree(t testing.TB) tree {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(root, "home")
	env := []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, ".config"), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "PATH=" + os.Getenv("PATH"),
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.c", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.c",
	}
	tr := tree{t, root, env}
	tr.write("home/.gitconfig", "")
	return tr
}

func (tr tree) path(name string) string { return filepath.Join(tr.root, filepath.FromSlash(name)) }

func (tr tree) write(name, text string) string {
	tr.t.Helper()
	path := tr.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tr.t.Fatal(err)
	}
	return path
}

func (tr tree) git(folder string, args ...string) {
	tr.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = tr.path(folder), tr.env
	if out, err := cmd.CombinedOutput(); err != nil {
		tr.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// scan is Run's findings as "path: told", the paths from the root on.
func (tr tree) scan(s Scan) ([]string, Counts) {
	tr.t.Helper()
	fs, counts, err := s.Run(tr.t.(*testing.T).Context())
	if err != nil {
		tr.t.Fatal(err)
	}
	var got []string
	for _, f := range fs {
		path, _ := filepath.Rel(tr.root, f.Path)
		line := filepath.ToSlash(path) + ": " + told(f)
		if f.Repository != "" {
			repository, _ := filepath.Rel(tr.root, f.Repository)
			line += " in " + filepath.ToSlash(repository)
		}
		got = append(got, line)
	}
	return got, counts
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("found:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

var lineNumber = regexp.MustCompile(`(remote|submodule|extraheader):\d+ `)

func TestScanRepositories(t *testing.T) {
	require.Tool(t, "git")
	tr := newTree(t)
	remote := func(secret string) string { return "https://u:" + secret + "@bitbucket.org/acme/app.git" }
	for _, folder := range []string{"src/main", "elsewhere/far"} {
		tr.write(folder+"/a.txt", "a\n")
		tr.git(folder, "init", "-q", "-b", "main")
		tr.git(folder, "add", ".")
		tr.git(folder, "commit", "-qm", "a")
	}
	tr.git("src/main", "remote", "add", "origin", remote("m1"))
	tr.git("src/main", "worktree", "add", "-q", "../linked")
	tr.git("src/main", "config", "extensions.worktreeConfig", "true")
	tr.git("src/linked", "config", "--worktree", "remote.own.url", remote("w1"))
	tr.git("elsewhere/far", "remote", "add", "origin", remote("f1"))
	tr.git("elsewhere/far", "worktree", "add", "-q", "../../src/farlinked")
	tr.git("src", "init", "-q", "--bare", "bare.git")
	tr.git("src/bare.git", "remote", "add", "up", remote("b1"))
	tr.write("src/bare.git/hooks/x", apiToken)
	tr.git("src/main", "-c", "protocol.file.allow=always", "submodule", "add", "-q", tr.path("elsewhere/far"), "libs/far")
	tr.git("src/main/libs/far", "remote", "set-url", "origin", remote("s1"))
	tr.git("src/main", "config", "--file", ".gitmodules", "submodule.libs/far.url", "https://ann@bitbucket.org/acme/far")
	tr.git("src/main", "config", "include.path", "more")
	tr.write("src/main/.git/more", "[http \"https://bitbucket.org\"]\n\textraHeader = Authorization: Bearer h1\n")
	tr.write("src/main/.git/logs/x", apiToken)
	scan := Scan{Folders: []string{tr.path("src")}}
	// How many lines git writes before these differs.
	noLines := func(got []string) []string {
		for i := range got {
			got[i] = lineNumber.ReplaceAllString(got[i], "$1 ")
		}
		return got
	}
	got, counts := tr.scan(scan)
	want := []string{
		"elsewhere/far/.git/config: remote the address of remote origin||u|f1 ws=acme in elsewhere/far",
		"src/bare.git/config: remote the address of remote up||u|b1 ws=acme in src/bare.git",
		"src/main/.git/config: remote the address of remote origin||u|m1 ws=acme in src/main",
		"src/main/.git/modules/libs/far/config: remote the address of remote origin||u|s1 ws=acme in src/main/.git/modules/libs/far",
		"src/main/.git/more: extraheader the header that git sends|||h1",
		"src/main/.git/worktrees/linked/config.worktree: remote the address of remote own||u|w1 ws=acme in src/linked",
		"src/main/.gitmodules: submodule the username in the address of submodule libs/far in .gitmodules||ann|- ws=acme in src/main",
	}
	compare(t, noLines(got), want)
	if counts.Repositories != 4 {
		t.Errorf("%d repositories", counts.Repositories)
	}
	again, _ := tr.scan(Scan{Folders: []string{tr.path("src/main"), tr.path("src"), tr.path("src/main/libs")}})
	compare(t, noLines(again), want)
	alone, _ := tr.scan(Scan{Known: Known{Repositories: []string{tr.path("src/main")}}})
	compare(t, noLines(alone), []string{want[2], want[3], want[4], want[5], want[6]})
}

func TestScanKnownPlaces(t *testing.T) {
	require.Tool(t, "git")
	tr := newTree(t)
	line := "https://u:%s@bitbucket.org\n"
	tr.write("home/dotfiles/credentials", fmt.Sprintf(line, "c1"))
	if err := os.Symlink("dotfiles/credentials", tr.path("home/.git-credentials")); err != nil {
		t.Fatal(err)
	}
	tr.write("home/.gitconfig", "[include]\n\tpath = one.inc\n[includeIf \"gitdir:/nowhere/\"]\n\tpath = ~/two.inc\n")
	tr.write("home/.config/git/config", "[url \"https://u:x1@bitbucket.org/\"]\n\tinsteadOf = bb:\n")
	for _, name := range []string{"one", "two"} {
		tr.write("home/"+name+".inc", "[remote \"r\"]\n\turl = https://u:"+name+"@bitbucket.org/a\n")
	}
	tr.write("home/old/ann@bitbucket.org.json", `{"host":"bitbucket.org","secret":"o1"}`)
	tr.write("home/.profile", "export A="+apiToken+"\n")
	tr.write("home/pip/pip.conf", "extra-index-url = https://u:p1@bitbucket.org/\n")
	tr.write("home/.composer/auth.json", `{"bearer":{"bitbucket.org":"j1"}}`)
	tr.write("home/.netrc", "machine bitbucket.org password n1\n")
	tr.write("home/.ssh/config", apiToken)
	path, _ := exec.LookPath("git")
	scan := Scan{Home: tr.path("home"), Git: install.Git{Path: path, Env: tr.env, Dir: tr.path("home")}, Known: Known{
		CredentialFiles: []string{tr.path("home/.git-credentials"), tr.path("home/none")},
		Netrc:           []string{tr.path("home/.netrc")},
		OlderTool:       []string{tr.path("home/old"), tr.path("home/none")},
		Environment:     []string{tr.path("home/.profile")},
		Packages:        []string{tr.path("home/pip/pip.conf"), tr.path("home/.composer/auth.json")},
	}}
	want := []string{
		"home/.composer/auth.json: packages:1 composer's login for bitbucket.org|||j1",
		"home/.config/git/config: insteadof:1 the address that git puts in place of bb:||u|x1",
		"home/.git-credentials: git-credentials:1 a line for bitbucket.org||u|c1",
		"home/.netrc: netrc:1 the entry of bitbucket.org|||n1",
		"home/.profile: environment:1 the variable A|||API",
		"home/old/ann@bitbucket.org.json: older-tool:1 the member secret|||o1",
		"home/one.inc: remote:2 the address of remote r||u|one ws=a",
		"home/pip/pip.conf: packages:1 an address||u|p1",
		"home/two.inc: remote:2 the address of remote r||u|two ws=a",
	}
	got, _ := tr.scan(scan)
	compare(t, got, want)
	scan.Folders = []string{tr.path("home")}
	got, _ = tr.scan(scan)
	compare(t, got, want)
	// Nor does one that includes itself.
	tr.write("home/loop", "[include]\n\tpath = loop\n\tpath = two.inc\n")
	got, _ = tr.scan(Scan{Known: Known{Configs: []string{tr.path("home/loop")}}})
	compare(t, got, want[8:])
	// A broken config keeps git from answering, not us from reading.
	tr.write("home/.config/git/config", "[url \"https://u:x1@bitbucket.org/\"]\n\tinsteadOf = bb:\n[broken\n")
	scan.Folders, scan.Known = nil, Known{Configs: []string{tr.path("home/.config/git/config")}}
	got, _ = tr.scan(scan)
	compare(t, got, want[1:2])
}

func TestScanPassesOver(t *testing.T) {
	tr := newTree(t)
	tr.write("d/text", apiToken)
	tr.write("d/binary", strings.Repeat("x", 7999)+"\x00"+apiToken)
	tr.write("d/late", strings.Repeat("x", 8000)+"\x00 "+apiToken)
	tr.write("d/largest", strings.Repeat("x", 1<<20-len(apiToken)-1)+" "+apiToken)
	tr.write("d/huge", strings.Repeat("x", 1<<20-len(apiToken))+" "+apiToken)
	tr.write("d/.ssh/id", apiToken)
	tr.write("other/text", apiToken)
	for name, target := range map[string]string{"d/folder": "../other", "d/file": "../other/text", "d/.git": "../other"} {
		if err := os.Symlink(target, tr.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	got, counts := tr.scan(Scan{Folders: []string{tr.path("d")}})
	compare(t, got, []string{
		"d/largest: file:1 the text of an API token|||API by hand", "d/late: file:1 the text of an API token|||API by hand", "d/text: file:1 the text of an API token|||API by hand",
	})
	if want := (Counts{Files: 5, Folders: 1, Binary: 1, Huge: 1}); counts != want {
		t.Errorf("%+v, want %+v", counts, want)
	}
	if _, counts := tr.scan(Scan{Folders: []string{tr.path("none")}}); counts.Unreadable != 1 {
		t.Errorf("a folder that is not there: %+v", counts)
	}
}

func TestScanEnds(t *testing.T) {
	tr := newTree(t)
	for i := range 24 {
		for j := range 50 {
			tr.write(fmt.Sprintf("d/%d/%d.txt", i, j), apiToken)
		}
	}
	var told []int
	fs, counts, err := Scan{Folders: []string{tr.path("d")}, Progress: func(c Counts) { told = append(told, c.Files) }}.Run(t.Context())
	if err != nil || len(fs) != 1200 || counts.Files != 1200 || counts.Folders != 25 {
		t.Fatalf("%d findings, %+v, %v", len(fs), counts, err)
	}
	if !slices.IsSorted(told) || len(told) < 3 || told[len(told)-1] != 1200 {
		t.Errorf("progress: %v", told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, counts, err = Scan{Folders: []string{tr.path("d")}, Progress: func(Counts) { cancel() }}.Run(ctx)
	if !errors.Is(err, context.Canceled) || counts.Files < tellEvery || counts.Files > 1100 {
		t.Errorf("cancelled: %+v, %v", counts, err)
	}
	start := time.Now()
	if _, counts, err := (Scan{Folders: []string{tr.path("d")}}).Run(ctx); !errors.Is(err, context.Canceled) || counts.Files > 0 || time.Since(start) > time.Second {
		t.Errorf("begun too late: %+v, %v", counts, err)
	}
}

// BenchmarkScan walks 20,000 files in the sizes of a source tree: half below 2 KiB, a tenth
// above 16 KiB, some binary, with text in which the finders' marks are not rare.
func BenchmarkScan(b *testing.B) {
	tr := newTree(b)
	words := "func (w *walker) readFolder(DATA, STATUS string) error { return fmt.Errorf(\"%w\", err) } // see https://bitbucket.org/acme/app, mail ann@example.org\n"
	const files = 20000
	for i := range files {
		size := 200 + (i*7919)%1800
		switch {
		case i%10 == 0:
			size = 16<<10 + (i*104729)%(48<<10)
		case i%2 == 0:
			size = 2<<10 + (i*7919)%(8<<10)
		}
		text := strings.Repeat(words, size/len(words)+1)[:size]
		switch {
		case i%25 == 0:
			text = "\x7fELF\x00" + text
		case i%1000 == 1:
			text += " " + apiToken
		}
		tr.write(fmt.Sprintf("d/%d/%d/f%d.go", i%17, i/100, i), text)
	}
	b.ReportAllocs()
	for b.Loop() {
		fs, counts, err := Scan{Folders: []string{tr.path("d")}}.Run(b.Context())
		if err != nil || counts.Files != files || len(fs) != files/1000 {
			b.Fatalf("%d findings, %+v, %v", len(fs), counts, err)
		}
	}
	b.ReportMetric(files*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}
