//go:build !windows

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// leftTokens are alive, and each stands in two files.
var leftTokens = []string{bitbuckettest.APIToken("left one"), bitbuckettest.APIToken("left two"), bitbuckettest.AccessToken("left three")}

// A migrate that is killed at any moment loses no token: each is where it was, or in the
// store, and the next one ends the work.
func TestMigrateKilled(t *testing.T) {
	t.Parallel()
	server, err := bitbuckettest.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for i, text := range leftTokens {
		token := bitbuckettest.Token{Name: string(rune('a' + i)), Kind: bitbuckettest.KindAPI, Text: text, Username: "ann", Email: "ann@example.com", Scopes: []string{"read", "write", "user"}}
		if i == 2 {
			token.Kind = bitbuckettest.KindWorkspace
		}
		if err := server.AddToken(token); err != nil {
			t.Fatal(err)
		}
	}
	whole := leftHome(t, server)
	start := time.Now()
	if r := whole.run("", "migrate", "--yes"); r.status != 0 {
		t.Fatalf("%d: %s%s", r.status, r.stdout, r.stderr)
	}
	took := time.Since(start)
	const attempts = 8
	killed := 0
	for n := range attempts {
		m := leftHome(t, server)
		cmd := m.command("", "migrate", "--yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		delay := took/3 + time.Duration(rand.Int64N(int64(took)*2/3))
		time.Sleep(delay)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			killed++
		} else {
			took = min(took, delay)
		}
		for i, token := range leftTokens {
			if stands, stored := m.stands(token), m.keeps(token); stands == 0 && !stored {
				t.Errorf("attempt %d, killed after %s: token %d is lost", n, delay, i)
			}
		}
		if r := m.run("", "migrate", "--yes"); r.status != 0 {
			t.Errorf("attempt %d, killed after %s: the next one ends with %d: %s%s", n, delay, r.status, r.stdout, r.stderr)
		}
		for i, token := range leftTokens {
			if stands, stored := m.stands(token), m.keeps(token); stands > 0 || !stored {
				t.Errorf("attempt %d, killed after %s: in the end token %d stands %d times, stored: %v", n, delay, i, stands, stored)
			}
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("%d of %d were killed", killed, attempts)
	if killed == 0 {
		t.Error("none was killed")
	}
}

// leftHome is a home in which the tokens stand in git's credentials file and in .netrc.
func leftHome(t *testing.T, server *bitbuckettest.Server) *machine {
	t.Helper()
	m := newMachine(t, "BITBUCKET_CREDENTIAL_BACKEND=file")
	m.env = append(m.without("HTTPS_PROXY"), server.Env()...)
	var credentials, profile strings.Builder
	for i, token := range leftTokens {
		user := []string{"ann%40example.com", "ann%40example.com", "x-token-auth"}[i]
		credentials.WriteString("https://" + user + ":" + token + "@bitbucket.org\n")
		profile.WriteString("export TOKEN=" + token + "\n")
	}
	for name, text := range map[string]string{".git-credentials": credentials.String(), ".profile": profile.String(), ".gitconfig": server.GitConfig()} {
		if err := os.WriteFile(filepath.Join(m.home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// stands counts the files below the home that hold the token.
func (m *machine) stands(token string) (n int) {
	m.Helper()
	for _, text := range m.files() {
		if strings.Contains(text, token) {
			n++
		}
	}
	return n
}

// keeps reports whether an account has the token.
func (m *machine) keeps(token string) bool {
	m.Helper()
	snapshot, err := store.OpenAccounts(filepath.Join(m.home, ".config", "git-credential-bitbucket")).Read()
	if err != nil {
		m.Fatal(err)
	}
	book, err := snapshot.Book()
	if err != nil {
		m.Fatal(err)
	}
	for _, a := range book.Accounts {
		if a.Fingerprint == secret.New(token).Fingerprint() {
			cmd := m.command(onBitbucket, "--account", a.Name, "get")
			return strings.Contains(m.finish(cmd).stdout, "password="+token+"\n")
		}
	}
	return false
}
