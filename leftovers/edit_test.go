package leftovers

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store/secret"
)

var stamp = time.Date(2026, 7, 30, 10, 11, 12, 0, time.UTC)

var dead, alive = bitbuckettest.AppPassword("dead"), bitbuckettest.APIToken("alive")

// wrote puts the text into a new file, in a folder of its own.
func wrote(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// finding is about the first place of the token in the file, to be taken out with the
// text around it.
func finding(t testing.TB, path string, place Place, token, cut, with string) Finding {
	t.Helper()
	text := read(t, path)
	from := strings.Index(text, cut)
	at := strings.Index(text, token)
	if from < 0 || at < 0 {
		t.Fatal("the text is not in the file")
	}
	return Finding{
		Place: place, Path: path, Secret: secret.New(token), At: at, End: at + len(token),
		Edit: &Edit{From: from, To: from + len(cut), With: with, Was: secret.New(cut)},
	}
}

func applied(t testing.TB, findings ...Finding) Result {
	t.Helper()
	r, err := Apply(findings[0].Path, findings, filepath.Join(t.TempDir(), "state", "migrated"), stamp)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// untold fails where any of the texts has one of the secrets in it.
func untold(t testing.TB, text string, secrets ...string) {
	t.Helper()
	for i, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("secret %d is told", i)
		}
	}
}

func TestApply(t *testing.T) {
	tag := func(s string) string {
		return "<bitbucket:" + secret.New(s).Fingerprint() + " …" + s[len(s)-4:] + ">"
	}
	for name, c := range map[string]struct {
		place            Place
		file, text       string
		cuts             [][3]string // the secret, what is cut out, what takes its place
		want, wantBackup string
	}{
		"a line": {
			place: CredentialFile, file: ".git-credentials", text: "https://a:b@example.org\nhttps://ann:" + dead + "@bitbucket.org\n",
			cuts: [][3]string{{dead, "https://ann:" + dead + "@bitbucket.org\n", ""}},
			want: "https://a:b@example.org\n", wantBackup: "https://a:<hidden>@example.org\nhttps://ann:" + tag(dead) + "@bitbucket.org\n",
		},
		"the only line": {
			place: CredentialFile, file: ".git-credentials", text: "https://ann:" + dead + "@bitbucket.org",
			cuts: [][3]string{{dead, "https://ann:" + dead + "@bitbucket.org", ""}},
			want: "", wantBackup: "https://ann:" + tag(dead) + "@bitbucket.org",
		},
		"two of one file, given from behind": {
			place: Remote, file: "config", text: "; a\r\n\turl = https://x:" + dead + "@bitbucket.org/a/b\r\n\tpushurl = https://" + alive + "@bitbucket.org/a/b",
			cuts: [][3]string{{alive, alive + "@", ""}, {dead, "x:" + dead + "@", ""}},
			want: "; a\r\n\turl = https://bitbucket.org/a/b\r\n\tpushurl = https://bitbucket.org/a/b",
		},
		"a password as a password": {
			place: Netrc, file: ".netrc", text: "machine bitbucket.org login a password hunter22\nmachine b login c password \"d e\"\n",
			cuts: [][3]string{{"hunter22", "machine bitbucket.org login a password hunter22\n", ""}},
			want: "machine b login c password \"d e\"\n", wantBackup: "machine bitbucket.org login a password <hidden>\nmachine b login c password <hidden>\n",
		},
		"a token that stays": {
			place: File, file: "notes", text: "one " + dead + "\ntwo " + alive + " and again " + dead + "\n",
			cuts: [][3]string{{dead, "one " + dead + "\n", "one\n"}},
			want: "one\ntwo " + alive + " and again " + dead + "\n", wantBackup: "one " + tag(dead) + "\ntwo " + tag(alive) + " and again " + tag(dead) + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := wrote(t, c.file, c.text)
			var fs []Finding
			for _, cut := range c.cuts {
				fs = append(fs, finding(t, path, c.place, cut[0], cut[1], cut[2]))
			}
			r := applied(t, append(fs, fs[0])...)
			if got := read(t, path); got != c.want {
				t.Errorf("the file is %q", got)
			}
			backup := read(t, r.Backup)
			if c.wantBackup != "" && backup != c.wantBackup {
				t.Errorf("the backup is %q", backup)
			}
			untold(t, backup, dead, alive, "hunter22", "d e")
			if want := "20260730T101112Z-" + c.file + "-1"; filepath.Base(r.Backup) != want {
				t.Errorf("the backup is called %s, want %s", filepath.Base(r.Backup), want)
			}
			if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
				t.Errorf("beside it: %v, %v", left, err)
			}
		})
	}
}

func TestApplyKeepsBackupsApart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "migrated")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"20260730T101112Z-_a-1", "20260730T101112Z-_a-2"} {
		path := wrote(t, "\x1ba", dead)
		r, err := Apply(path, []Finding{finding(t, path, File, dead, dead, "")}, dir, stamp)
		if err != nil || filepath.Base(r.Backup) != want {
			t.Errorf("%d: %+v, %v", i, r, err)
		}
		if info, err := os.Stat(r.Backup); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o600) {
			t.Errorf("%d: %v, %v", i, info.Mode(), err)
		}
	}
	if info, err := os.Stat(dir); runtime.GOOS != "windows" && (err != nil || info.Mode().Perm() != 0o700) {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
}

// What cannot be done whole is not begun: the file is as it was, nothing lies beside it,
// and there is no backup.
func TestApplyRefuses(t *testing.T) {
	const text = "a https://x:SECRET@bitbucket.org b\n"
	span := func(from, to int, with string) func(*Finding) {
		return func(f *Finding) { f.Edit = &Edit{From: from, To: to, With: with, Was: secret.New(text[from:to])} }
	}
	for name, c := range map[string]struct {
		change  func(t *testing.T, path string)
		place   Place
		others  []func(*Finding)
		want    error
		wantAny bool // the file is another one by then
	}{
		"changed before the span": {change: func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("x"+text), 0o600)) }, want: install.ErrChanged},
		"shorter":                 {change: func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("a"), 0o600)) }, want: install.ErrChanged},
		"another secret": {change: func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Replace(text, "SECRET", "OTHERS", 1)), 0o600))
		}, want: install.ErrChanged},
		"gone":       {change: func(t *testing.T, path string) { must(t, os.Remove(path)) }, want: os.ErrNotExist, wantAny: true},
		"a folder":   {change: func(t *testing.T, path string) { must(t, os.Remove(path)); must(t, os.Mkdir(path, 0o700)) }, want: install.ErrNotRegular, wantAny: true},
		"read-only":  {change: func(t *testing.T, path string) { must(t, os.Chmod(path, 0o444)) }, want: install.ErrReadOnly},
		"hard links": {change: func(t *testing.T, path string) { must(t, os.Link(path, filepath.Join(t.TempDir(), "other"))) }, want: ErrLinked},
		"git's lock": {place: Remote, change: func(t *testing.T, path string) {
			other := path + ".lock"
			must(t, os.WriteFile(other, nil, 0o600))
			t.Cleanup(func() { must(t, os.Remove(other)) }) // it is still there
		}, want: install.ErrLocked},
		"overlapping":   {others: []func(*Finding){span(8, 14, "")}, want: ErrSpans},
		"contradicting": {others: []func(*Finding){span(10, 19, "other")}, want: ErrSpans},
		"no edit":       {others: []func(*Finding){func(f *Finding) { f.Edit = nil }}, want: ErrSpans},
		"another file":  {others: []func(*Finding){func(f *Finding) { f.Path += "x" }}, want: ErrSpans},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "hard links" && runtime.GOOS == "windows" {
				require.Absent(t, "the number of a file's names is not told on Windows")
			}
			path := wrote(t, "file", text)
			f := finding(t, path, c.place, "SECRET", "x:SECRET@", "")
			fs := []Finding{f}
			for _, other := range c.others {
				fs = append(fs, f)
				other(&fs[len(fs)-1])
			}
			if c.change != nil {
				c.change(t, path)
			}
			before, _ := os.ReadFile(path)
			state := t.TempDir()
			if _, err := Apply(path, fs, filepath.Join(state, "migrated"), stamp); !errors.Is(err, c.want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("error %v", err)
			}
			if after, _ := os.ReadFile(path); !c.wantAny && string(after) != string(before) {
				t.Errorf("the file is %q", after)
			}
			if left, _ := os.ReadDir(filepath.Join(state, "migrated")); len(left) > 0 {
				t.Errorf("a backup: %v", left)
			}
			left, _ := os.ReadDir(filepath.Dir(path))
			if left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return e.Name() == "file" || e.Name() == "file.lock" && name == "git's lock" }); len(left) > 0 {
				t.Errorf("beside it: %v", left)
			}
			if _, err := Diff(path, fs); (errors.Is(c.want, install.ErrChanged) || errors.Is(c.want, ErrSpans)) && !errors.Is(err, c.want) {
				t.Errorf("Diff: %v", err)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestApplySweeps(t *testing.T) {
	path := wrote(t, "file", dead)
	const begin, word = "file.git-credential-bitbucket-", "ABCDEFGHIJKLMNOPQRSTUVWX"
	for name, age := range map[string]time.Duration{begin + word + "77": time.Hour, begin + word + "22": time.Minute, begin + "old": time.Hour, begin + word + "11": time.Hour, "file.old": time.Hour} {
		other := filepath.Join(filepath.Dir(path), name)
		must(t, os.WriteFile(other, nil, 0o600))
		must(t, os.Chtimes(other, time.Now().Add(-age), time.Now().Add(-age)))
	}
	applied(t, finding(t, path, File, dead, dead, ""))
	var names []string
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	for _, e := range left {
		names = append(names, e.Name())
	}
	want := strings.Join([]string{"file", begin + word + "11", begin + word + "22", begin + "old", "file.old"}, " ")
	if got := strings.Join(names, " "); got != want {
		t.Errorf("the folder holds %s", got)
	}
}

func TestDiff(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, c := range map[string]struct {
		place       Place
		text        string
		cut, with   string
		secret      string
		want, wants string // wants: a regular expression
	}{
		"context": {
			place: Environment, secret: dead, cut: "BITBUCKET=" + dead + "\n",
			text: "1\n2\nNPM_TOKEN=npm_abc\nA=https://u:pw@example.org\nB=" + alive + "\nBITBUCKET=" + dead + "\nAuthorization: Bearer zzz\n\x1b[31mred\n5\n6\n7\n",
			want: "@@ -3,7 +3,6 @@\n NPM_TOKEN=…\n A=https://u:…@example.org\n B=…" + alive[len(alive)-4:] + "\n-BITBUCKET=…" + dead[len(dead)-4:] +
				"\n Authorization: Bearer …\n ?[31mred\n 5\n",
		},
		"no newline at the end, CRLF": {
			place: Remote, secret: dead, cut: "u:" + dead + "@", text: "[a]\r\n\turl = https://u:" + dead + "@bitbucket.org/a/b",
			want: "@@ -1,2 +1,2 @@\n [a]\n-\turl = https://u:…" + dead[len(dead)-4:] + "@bitbucket.org/a/b\n\\ No newline at end of file\n+\turl = https://bitbucket.org/a/b\n\\ No newline at end of file\n",
		},
		"netrc": {
			place: Netrc, secret: "hunter22", cut: "machine bitbucket.org password hunter22\n", text: "machine a password b\nmachine bitbucket.org password hunter22\n",
			want: "@@ -1,2 +1,1 @@\n machine a password …\n-machine bitbucket.org password …\n",
		},
		"a long line": {
			place: Packages, secret: dead, cut: "u:" + dead + "@", text: long + "https://u:" + dead + "@bitbucket.org" + long,
			wants: `(?s)^@@ -1,1 \+1,1 @@\n-\[…\]x+https://u:….{4}@bitbucket\.orgx+\[…\]\n\\.*\n\+\[…\]x+https://bitbucket\.orgx+\[…\]\n\\.*$`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := wrote(t, "file", c.text)
			got, err := Diff(path, []Finding{finding(t, path, c.place, c.secret, c.cut, c.with)})
			if err != nil {
				t.Fatal(err)
			}
			head := "--- " + path + "\n+++ " + path + "\n"
			rest, ok := strings.CutPrefix(got, head)
			if !ok || c.want != "" && rest != c.want || !regexp.MustCompile(c.wants).MatchString(rest) {
				t.Errorf("%q", got)
			}
			untold(t, got, dead, alive, "npm_abc", "zzz", "hunter22")
		})
	}
}

func TestTokenInAName(t *testing.T) {
	path := wrote(t, ".env."+alive, "TOKEN="+dead+"\n")
	f := finding(t, path, Environment, dead, "TOKEN="+dead+"\n", "")
	text, err := Diff(path, []Finding{f})
	must(t, err)
	untold(t, text, alive, dead)
	untold(t, applied(t, f).Backup, alive)
}
