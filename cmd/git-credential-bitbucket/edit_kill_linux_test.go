//go:build linux && (amd64 || arm64)

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/internal/require"
)

// Wherever an edit of a file is killed, the file is the old one or the new one, and with
// the new one there is a whole backup.
func TestEditKilled(t *testing.T) {
	t.Parallel()
	require.Tool(t, "go")
	editor := filepath.Join(t.TempDir(), "editor")
	if out, err := exec.Command("go", "build", "-o", editor, "../../leftovers/testdata/editor").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	token := bitbuckettest.AppPassword("killed")
	before := strings.Repeat("https://a:b@example.org\n", 2000) + token + "\n" + strings.Repeat("# after\n", 2000)
	from := strings.Index(before, token)
	after := before[:from] + before[from+len(token):]
	for place, name := range map[string]string{"git-credentials": ".git-credentials", "netrc": ".netrc"} {
		t.Run(place, func(t *testing.T) {
			t.Parallel()
			old, changed := 0, 0
			var whole int64
			for number := 1; ; number++ {
				home := newHome(t)
				file, backups := filepath.Join(home, name), filepath.Join(home, "state", "migrated")
				if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
					t.Fatal(err)
				}
				killer := killer{number: number, counts: func(string) bool { return true }}
				cmd := &exec.Cmd{Path: editor, Args: []string{editor, file, place, strconv.Itoa(from), strconv.Itoa(from + len(token)), backups}, Dir: home, Env: []string{"HOME=" + home}}
				at, status, err := killer.kill(cmd)
				if err != nil || at == "" && status != 0 {
					t.Fatalf("%v, exit status %d", err, status)
				}
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				kept, err := filepath.Glob(filepath.Join(backups, "*"))
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range kept {
					if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), token) {
						t.Errorf("killed at %s: the backup holds the token, or %v", at, err)
					}
				}
				switch string(data) {
				case before:
					old++
				case after:
					changed++
					if len(kept) != 1 {
						t.Fatalf("killed at %s: backups %v", at, kept)
					}
					info, err := os.Stat(kept[0])
					if err != nil || whole != 0 && info.Size() != whole {
						t.Fatalf("killed at %s: a part of a backup, or %v", at, err)
					}
					whole = info.Size()
				default:
					t.Errorf("killed at %s: a part of %d bytes", at, len(data))
				}
				if at == "" {
					break
				}
			}
			if old < 5 || changed < 1 {
				t.Errorf("old after %d kills, new after %d", old, changed)
			}
			t.Logf("old after %d kills, new after %d", old, changed)
		})
	}
}
