package leftovers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/internal/require"
)

var configSeeds = []string{
	"",
	"[remote \"origin\"]\n\turl = https://bitbucket.org/a/b\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n",
	"\xef\xbb\xbf[core] bare = false ; c\n",
	"[a \"b \\\"c\\\\ d]\"]\r\n\tx = \"1 ; 2\" 3 # z\r\n\ty\r\n",
	"[a]\nx = one \\\n  two\\\n\n y = a\\tb\\nc \\\"d\\\"\n",
	"[a.B.c]\nX=1\n[A.b \"C\"]\nz\n",
	"[a]x=1\n  # c\n;d\n[b]\n",
	"[a]\nx = foo \"\"  \n y = \"\" \n z = a\tb  c\n",
	"[a]\nx = \"open\ny = 1\n",
	"[a]\nx = bad \\q\n",
	"[a]\nx = foo \\",
	"[a]\nx = foo \\\n",
	"[a]\n\r\nx = 1\r",
	"[a \t \"b\"]\nx",
	"x = 1\n",
	"[a]\nx ;y\n",
	"[a]\nx=y;z\n",
}

// gitReads is what git lists of the file, as "key LF value" and "key".
func gitReads(t *testing.T, text string) (fields []string, ok bool) {
	t.Helper()
	require.Tool(t, "git")
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "config", "--file", file, "--no-includes", "--list", "-z")
	cmd.Env = []string{"HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	for field := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		if len(out) > 0 {
			fields = append(fields, string(field))
		}
	}
	return fields, true
}

// same compares with git's own reading, tabs and carriage returns as blanks: before 2.45 git
// made a blank of each.
func sameAsGit(t *testing.T, text string) {
	t.Helper()
	want, ok := gitReads(t, text)
	if !ok {
		return
	}
	var got []string
	file := readConfig(text)
	for _, v := range file.variables {
		if v.noValue {
			got = append(got, v.key)
			continue
		}
		got = append(got, v.key+"\n"+v.value)
		if len(v.valueAt) != len(v.value)+1 {
			t.Fatalf("%q: %d places for %q", text, len(v.valueAt), v.value)
		}
	}
	plain := strings.NewReplacer("\t", " ", "\r", " ")
	if g, w := plain.Replace(strings.Join(got, "\x00")), plain.Replace(strings.Join(want, "\x00")); g != w {
		t.Errorf("%q:\n%q, git\n%q", text, g, w)
	}
}

func TestReadConfigAsGitDoes(t *testing.T) {
	for _, text := range configSeeds {
		sameAsGit(t, text)
	}
}

func FuzzReadConfig(f *testing.F) {
	for _, text := range configSeeds {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0) || len(text) > 4<<10 {
			return
		}
		sameAsGit(t, text)
	})
}
