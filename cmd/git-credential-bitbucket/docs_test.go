package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The files that docs/accounts.md shows are those that a script uses.
func TestAccountsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "accounts.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := txtar.ParseFile(filepath.Join("..", "..", "testdata", "script", "accounts-folders.txtar"))
	if err != nil || len(script.Files) != 2 {
		t.Fatalf("%d files, %v", len(script.Files), err)
	}
	for _, f := range script.Files {
		if shown := "```ini\n" + string(f.Data) + "```\n"; !strings.Contains(string(page), shown) {
			t.Errorf("the page does not show %s:\n%s", f.Name, f.Data)
		}
	}
}
