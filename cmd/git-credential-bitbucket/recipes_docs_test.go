package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// The page for CI names each recipe that there is.
func TestCIPageNamesTheRecipes(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = fs.WalkDir(os.DirFS(recipePath("")), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		folder := path.Dir(name) + "/"
		if !strings.Contains(string(page), "`"+name+"`") && !strings.Contains(string(page), "`"+folder+"`") && !strings.Contains(string(page), "`install/ci/"+name+"`") {
			t.Errorf("docs/ci.md does not name %s", name)
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}
