//go:build !windows

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

// Several migrates at once give each token an account of its own: two that chose the same
// free name would store one over the other, and take both out of their files.
func TestMigratesAtOnce(t *testing.T) {
	t.Parallel()
	server, err := bitbuckettest.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	const several = 4
	var texts []string
	for i := range several {
		text := bitbuckettest.AccessToken(fmt.Sprintf("one of %d", i))
		if err := server.AddToken(bitbuckettest.Token{Name: fmt.Sprint(i), Kind: bitbuckettest.KindWorkspace, Text: text, Scopes: []string{"read", "write"}}); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	for round := range 3 {
		m := newMachine(t, "BITBUCKET_CREDENTIAL_BACKEND=file")
		m.env = append(m.without("HTTPS_PROXY"), server.Env()...)
		if err := os.WriteFile(filepath.Join(m.home, ".gitconfig"), []byte(server.GitConfig()), 0o600); err != nil {
			t.Fatal(err)
		}
		var runs []*exec.Cmd
		for i, text := range texts {
			folder := filepath.Join(m.home, fmt.Sprint("folder", i))
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, ".env"), []byte("TOKEN="+text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := m.command("", "migrate", "--yes", folder)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			runs = append(runs, cmd)
		}
		for _, cmd := range runs {
			_ = cmd.Wait()
		}
		for i, text := range texts {
			if m.stands(text) == 0 && !m.keeps(text) {
				t.Errorf("round %d: token %d is lost", round, i)
			}
		}
	}
}

// What a killed run left behind is ended by the next one: a token that is in the store needs
// no e-mail beside it.
func TestMigrateKnowsWhatIsStored(t *testing.T) {
	t.Parallel()
	server, err := bitbuckettest.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	m := leftHome(t, server)
	if err := server.AddToken(bitbuckettest.Token{Name: "a", Kind: bitbuckettest.KindAPI, Text: leftTokens[0], Username: "ann", Email: "ann@example.com", Scopes: []string{"read", "write", "user"}}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(m.home, ".profile")
	for _, name := range []string{".git-credentials", file} {
		text := "https://ann%40example.com:" + leftTokens[0] + "@bitbucket.org\n"
		if name == file {
			name, text = ".profile", "export TOKEN="+leftTokens[0]+"\n"
			if err := os.Remove(filepath.Join(m.home, ".git-credentials")); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(m.home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := m.run("", "migrate", "--yes"); r.status != 0 {
			t.Errorf("%s: %d: %s%s", name, r.status, r.stdout, r.stderr)
		}
	}
}
