package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// The house's rules that no compiler knows, read off the source of every system: which
// package may import which, who touches the process, and where a token is revealed.

const module = "git-credential-bitbucket"

// A source is one file that is built into the program, or into a test's Bitbucket.
type source struct {
	name    string // from the module's root, with slashes
	folder  string
	tests   bool // a package that only tests use
	file    *ast.File
	imports []string
}

func sources(t *testing.T) []source {
	t.Helper()
	all, err := readSources()
	if err != nil || len(all) < 50 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

var readSources = sync.OnceValues(func() (all []source, err error) {
	root := filepath.Join("..", "..")
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := entry.Name(); entry.IsDir() && name != root && (base == "testdata" || strings.HasPrefix(base, ".") || base == "vendor") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		s := source{name: filepath.ToSlash(relative), folder: path.Dir(filepath.ToSlash(relative)), file: file}
		s.tests = s.folder == "internal/require" || strings.HasSuffix(s.folder, "test")
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			s.imports = append(s.imports, imported)
		}
		all = append(all, s)
		return err
	})
	return all, err
})

func TestArrows(t *testing.T) {
	arrows := map[string][]string{
		"store/secret":         {},
		"store/internal/nobus": {},
		"bitbucket":            {"store/secret"},
		"store":                {"store/secret", "store/internal/nobus"},
		"install":              {},
		"helper":               {"store", "bitbucket", "store/secret"},
		"leftovers":            {"bitbucket", "install", "store/secret"},
		"cmd/git-credential-bitbucket": {
			"helper", "store", "store/secret", "bitbucket", "install", "leftovers",
		},
	}
	// Whoever may not import a package of the standard library.
	without := map[string][]string{"helper": {"os", "os/exec", "net/http", "net"}}
	for _, s := range sources(t) {
		allowed, known := arrows[s.folder]
		if !known && !s.tests {
			t.Errorf("%s: no arrow is drawn for its package", s.name)
		}
		for _, imported := range s.imports {
			ours, isOurs := strings.CutPrefix(imported, module+"/")
			if isOurs && !s.tests && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s", s.name, ours)
			}
			if slices.Contains(without[s.folder], imported) {
				t.Errorf("%s imports %s", s.name, imported)
			}
			if imported == "net/http" && s.folder != "bitbucket" && !s.tests {
				t.Errorf("%s imports net/http, which only bitbucket may", s.name)
			}
			if isOurs && strings.HasSuffix(ours, "test") && !s.tests {
				t.Errorf("%s imports what is for tests: %s", s.name, ours)
			}
		}
	}
}

// selectors lists the selectors that the file uses, package.Name or receiver.Name, each
// with how often.
func (s source) selectors() map[string]int {
	used := map[string]int{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := selector.X.(*ast.Ident); ok {
				used[of.Name+"."+selector.Sel.Name]++
			}
			used["."+selector.Sel.Name]++
		}
		return true
	})
	return used
}

// Below cmd nobody ends the process, reads the environment or the clock, or touches the
// standard streams.
func TestBelowCmd(t *testing.T) {
	forbidden := []string{
		"os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Setenv", "os.Unsetenv", "os.Stdin", "os.Stdout", "os.Stderr", "os.Args",
		"time.Now", "time.Since", "log.Fatal", "log.Print", "log.Printf", "log.Println", "fmt.Print", "fmt.Printf", "fmt.Println", "syscall.Exit",
		"syscall.Getenv", "syscall.Environ", "os.UserHomeDir", "os.UserConfigDir", "os.UserCacheDir", "os.TempDir",
	}
	for _, s := range sources(t) {
		if s.tests || strings.HasPrefix(s.folder, "cmd/") || s.folder == "store/internal/nobus" {
			continue
		}
		used := s.selectors()
		for _, name := range forbidden {
			if used[name] > 0 {
				t.Errorf("%s uses %s", s.name, name)
			}
		}
	}
}

// Where a token is revealed, and how often: to git, to a backend, to be recognised. A
// new place is to be looked at before it is added here.
func TestReveals(t *testing.T) {
	want := map[string]int{
		"bitbucket/clean.go":                          2,
		"bitbucket/login.go":                          2, // the Authorization header, and to keep it out of the answer's words
		"bitbucket/oauth.go":                          5, // what a grant is asked for with: secrets, code, verifier, refresh token
		"bitbucket/oauth_ask.go":                      1, // to keep them out of the answer's words
		"bitbucket/oauth_redirect.go":                 1, // the redirect's query, to be parsed
		"bitbucket/token.go":                          2,
		"cmd/git-credential-bitbucket/cmd_header.go":  1, // for curl
		"cmd/git-credential-bitbucket/oauth_state.go": 5, // the document, as one secret
		"cmd/git-credential-bitbucket/process.go":     1, // a passphrase file's line end
		"helper/decide.go":                            1, // the answer to git
		"leftovers/edit_hide.go":                      1, // to hide it wherever it stands
		"leftovers/helpers.go":                        2, // to the helper that is to erase it
		"leftovers/history.go":                        1, // to tell it from an example
		"leftovers/history_tips.go":                   1, // to look whether a branch has it
		"leftovers/text.go":                           1, // whether it is a word for a secret, as an example has
		"store/file_key.go":                           1, // the passphrase
		"store/file_write.go":                         1,
		"store/keyctl_linux.go":                       2,
		"store/keyring_native.go":                     1,
		"store/memory.go":                             1,
		"store/keyring_secretservice.go":              1,
		"store/pass.go":                               1,
		"store/secret/secret.go":                      3, // to compare, and for its hint
		"store/vault.go":                              3,
	}
	got := map[string]int{}
	for _, s := range sources(t) {
		if n := s.selectors()[".Reveal"]; n > 0 && !s.tests {
			got[s.name] = n
		}
	}
	if !maps.Equal(got, want) {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			t.Logf("%q: %d,", name, got[name])
		}
		t.Error("the places are others than those listed")
	}
}

// main is one statement.
func TestMainIsOneStatement(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && s.file.Name.Name == "main" && f.Name.Name == "main" && f.Recv == nil && len(f.Body.List) != 1 {
				t.Errorf("%s: main has %d statements", s.name, len(f.Body.List))
			}
		}
	}
}

// Every skip of a test goes through internal/require, so that one can be made a failure.
func TestNoOtherSkips(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, skip := range []string{".Skip", ".Skipf", ".SkipNow"} {
			if (source{file: file}).selectors()[skip] > 0 {
				t.Errorf("%s skips by itself", name)
			}
		}
		return nil
	})
	if err != nil || files < 10 {
		t.Errorf("%d files, %v", files, err)
	}
}
