package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store"
)

// Wherever forget is killed, no route is lost and none leads to an account that is gone;
// typed again, it comes to its end.
func TestKilledForget(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	p := newPerson(t, "", "BITBUCKET_CREDENTIAL_BACKEND=file")
	for _, name := range []string{"red", "blue"} {
		p.gets(bitbuckettest.APIToken(name), "store", "--token-stdin", "--no-verify", "--account", name)
	}
	p.gets("", "route", "acme", "red")
	p.gets("", "route", "beta", "red")
	kept := t.TempDir()
	if err := os.CopyFS(kept, os.DirFS(filepath.Join(p.home, "config"))); err != nil {
		t.Fatal(err)
	}
	forget := func() *exec.Cmd {
		cmd := exec.Command(program, "forget", "red", "--routes-to", "blue")
		cmd.Dir, cmd.Env = p.home, p.env
		return cmd
	}
	moved := 0
	for number := 1; ; number++ {
		config := filepath.Join(p.home, "config")
		if err := os.RemoveAll(config); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(config, os.DirFS(kept)); err != nil {
			t.Fatal(err)
		}
		killer := killer{number: number, counts: func(string) bool { return true }}
		at, status, err := killer.kill(forget())
		if err != nil || at == "" && status != 0 {
			t.Fatalf("unharmed it ends with %d, %v", status, err)
		}
		snapshot, err := store.OpenAccounts(filepath.Join(config, store.Service)).Read()
		if err != nil {
			t.Fatalf("killed at %s: %v", at, err)
		}
		book, err := snapshot.Book()
		if err != nil {
			t.Fatalf("killed at %s: %v", at, err)
		}
		served := "red"
		if book.Account("red") == nil {
			served = "blue"
			moved++
		}
		if got := strings.Join(book.Routed(served), " "); got != "acme beta" || len(book.Routes) != 2 {
			t.Errorf("killed at %s: %+v", at, book.Routes)
		}
		if served == "red" {
			if out, err := forget().CombinedOutput(); err != nil || !strings.Contains(p.gets("", "route", "--list"), "acme blue\nbeta blue") {
				t.Errorf("killed at %s, and again: %v, %s", at, err, out)
			}
		}
		if at == "" {
			if number < 5 || moved < 1 {
				t.Errorf("killed at %d places, of which %d after the move", number-1, moved)
			}
			return
		}
	}
}
