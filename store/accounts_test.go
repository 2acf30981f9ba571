package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func put(accounts ...Account) func(*Book) error {
	return func(b *Book) error {
		for _, a := range accounts {
			b.Put(a)
		}
		return nil
	}
}

func mustUpdate(t *testing.T, a *Accounts, change func(*Book) error) {
	t.Helper()
	if err := a.Update(change); err != nil {
		t.Fatal(err)
	}
}

func mustBook(t *testing.T, a *Accounts) Book {
	t.Helper()
	s, err := a.Read()
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Book()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUpdateWritesCanonicalLines(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	a := OpenAccounts(dir)
	created := time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))
	mustUpdate(t, a, func(b *Book) error {
		b.Put(Account{Name: "work", Kind: "api-token", Email: "a+b&c@x.example", Backend: "keyring", Fingerprint: "00112233aabbccdd", Hint: "…Wxyz", Created: created})
		b.Put(Account{Name: "ci", Kind: "access-token", Backend: "file", Created: created, Expires: created, Certain: true})
		return errors.Join(b.Route("Team", "ci"), b.SetDefault("ci"))
	})
	const want = `{"format":1}
{"account":"ci","kind":"access-token","backend":"file","created":"2026-01-02T03:04:05Z","expires":"2026-01-02T03:04:05Z","certain":true,"default":true}
{"account":"work","kind":"api-token","email":"a+b&c@x.example","backend":"keyring","fingerprint":"00112233aabbccdd","hint":"…Wxyz","created":"2026-01-02T03:04:05Z"}
{"route":"team","account":"ci"}
`
	got, err := os.ReadFile(a.Path())
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
	if !searchable(got) {
		t.Error("what Update writes is found the slow way")
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700, a.Path(): 0o600, a.Path() + ".lock": 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestUpdateThatFailsOrChangesNothingWritesNothing(t *testing.T) {
	a := OpenAccounts(t.TempDir())
	refused := errors.New("refused")
	if err := a.Update(func(b *Book) error { b.Put(Account{Name: "a"}); return refused }); err != refused {
		t.Error(err)
	}
	mustUpdate(t, a, func(*Book) error { return nil })
	if _, err := os.Stat(a.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a file: %v", err)
	}
	mustUpdate(t, a, put(Account{Name: "a"}))
	before, err := os.Stat(a.Path())
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, a, put(Account{Name: "a"}))
	for label, change := range map[string]func(*Book) error{
		"an invalid name": put(Account{Name: "no name"}),
		"a name twice":    func(b *Book) error { b.Accounts = append(b.Accounts, Account{Name: "a"}); return nil },
		"a route twice":   func(b *Book) error { b.Routes = []Route{{"t", "a"}, {"T", "a"}}; return nil },
		"a year beyond RFC 3339": func(b *Book) error {
			b.Accounts[0].Created = time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)
			return nil
		},
	} {
		if a.Update(change) == nil {
			t.Errorf("%s was written", label)
		}
	}
	after, err := os.Stat(a.Path())
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("written again: %v", err)
	}
	if OpenAccounts("").Update(put(Account{Name: "a"})) == nil {
		t.Error("written without a folder")
	}
}

func TestBook(t *testing.T) {
	var b Book
	b.Put(Account{Name: "one"})
	b.Put(Account{Name: "two", Default: true})
	if b.Put(Account{Name: "one", Email: "new"}); !b.Account("one").Default || b.Account("one").Email != "new" || b.Account("two").Default {
		t.Errorf("the first is the default until another is made it: %+v", b)
	}
	var unknown *UnknownAccountError
	for _, err := range []error{b.SetDefault("none"), b.Route("team", "none")} {
		if !errors.As(err, &unknown) || !slices.Equal(unknown.Names, []string{"one", "two"}) {
			t.Error(err)
		}
	}
	for _, workspace := range []string{"", "a/b", "a b", "a\n", `a"`, "é", strings.Repeat("a", 129)} {
		if b.Route(workspace, "one") == nil {
			t.Errorf("routed %q", workspace)
		}
	}
	if err := errors.Join(b.SetDefault("two"), b.Route("Team", "one"), b.Route("TEAM", "two"), b.Route("{uuid}", "one")); err != nil {
		t.Fatal(err)
	}
	if want := []Route{{"team", "two"}, {"{uuid}", "one"}}; !reflect.DeepEqual(b.Routes, want) {
		t.Errorf("%+v", b.Routes)
	}
	if got := b.Routed("one"); !slices.Equal(got, []string{"{uuid}"}) || b.Routed("none") != nil {
		t.Errorf("routed: %q", got)
	}
	if b.Put(Account{Name: "one", SetAside: noon, Dead: true}); !b.Account("one").Dead {
		t.Error("dead and set aside")
	}
	if b.Put(Account{Name: "one", Dead: true}); b.Account("one").Dead {
		t.Error("dead and in use")
	}
	if !b.Remove("two") || b.Remove("two") || len(b.Accounts) != 1 || b.Account("two") != nil {
		t.Errorf("%+v", b)
	}
	if want := []Route{{"{uuid}", "one"}}; !reflect.DeepEqual(b.Routes, want) {
		t.Errorf("routes outlive their account: %+v", b.Routes)
	}
	if b.Put(Account{Name: "three"}); b.Account("one").Default || b.Account("three").Default {
		t.Errorf("forgetting the default leaves none: %+v", b)
	}
	if !b.Unroute("{UUID}") || b.Unroute("{uuid}") {
		t.Error("unroute")
	}
}

func TestValidName(t *testing.T) {
	for _, name := range []string{"a", "0", "default", "a.b_c-d", strings.Repeat("a", 64)} {
		if err := ValidName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "-a", ".a", "_a", "A", "aB", "a b", "a\n", "a/b", "a#1", "é", strings.Repeat("a", 65), "ATATTxyz", "no_name!"} {
		err := ValidName(name)
		if err == nil {
			t.Errorf("%q passed", name)
		}
		// It may be a token that somebody took for one.
		if long := len(name) > 2; long && strings.Contains(err.Error(), name) {
			t.Error(err)
		}
	}
}

func TestUpdateKeepsWhatALaterVersionWrote(t *testing.T) {
	a := OpenAccounts(t.TempDir())
	const text = `{"format":1,"by":"2.0"}
{"account":"a","Kind":"api-token","backend":"file","created":"2026-01-02T03:04:05Z","zone": {"x": [1, 2]},"scope":"<all>"}
{"account":"b","kind":"api-token","backend":"file","created":"2026-01-02T03:04:05Z","scope":"b"}
{"route":"team","account":"a","branch":"main"}
{"policy":"strict"}
`
	if err := os.WriteFile(a.Path(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, a, func(b *Book) error {
		b.Account("a").Email = "a@x.example"
		b.Remove("b")
		return nil
	})
	const want = `{"format":1,"by":"2.0"}
{"account":"a","kind":"api-token","email":"a@x.example","backend":"file","created":"2026-01-02T03:04:05Z","scope":"<all>","zone":{"x":[1,2]}}
{"route":"team","account":"a","branch":"main"}
{"policy":"strict"}
`
	if got, err := os.ReadFile(a.Path()); err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// People keep their configuration in a repository and link to it.
func TestUpdateWritesThroughLinks(t *testing.T) {
	root := t.TempDir()
	real, dir := filepath.Join(root, "dotfiles", "deep"), filepath.Join(root, "config")
	for _, d := range []string{real, dir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// "hop/../accounts" leads beside deep, not into config.
	for link, target := range map[string]string{
		filepath.Join(dir, "hop"):      real,
		filepath.Join(dir, "accounts"): "hop/../accounts",
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	a := OpenAccounts(dir)
	for _, name := range []string{"first", "second"} { // a dangling link, a live one
		mustUpdate(t, a, put(Account{Name: name}))
		if info, err := os.Lstat(a.Path()); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("no link any more: %v, %v", info, err)
		}
		if data, err := os.ReadFile(filepath.Join(root, "dotfiles", "accounts")); err != nil || !strings.Contains(string(data), name) {
			t.Errorf("%v: %s", err, data)
		}
		if b := mustBook(t, a); b.Account(name) == nil {
			t.Errorf("%+v", b)
		}
	}
	loop := OpenAccounts(filepath.Join(root, "loop"))
	mustUpdate(t, loop, func(*Book) error { return nil })
	if err := os.Symlink("accounts", loop.Path()); err != nil {
		t.Fatal(err)
	}
	if loop.Update(put(Account{Name: "a"})) == nil {
		t.Error("wrote to a link that leads to itself")
	}
}

// The tokens before are recorded as the accounts are, and apart from them.
func TestPrevious(t *testing.T) {
	dir := t.TempDir()
	present, previous := OpenAccounts(dir), OpenPrevious(dir)
	mustUpdate(t, present, put(Account{Name: "work", Hint: "…new", Scopes: "read:repository:bitbucket,write:repository:bitbucket"}))
	unlock, err := lockFor(time.Second, present.Path()+".lock")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	mustUpdate(t, previous, put(Account{Name: "work", Hint: "…old", Replaced: noon}))
	if got := mustBook(t, previous).Accounts[0]; got.Hint != "…old" || !got.Replaced.Equal(noon) {
		t.Errorf("%+v", got)
	}
	if got := mustBook(t, present).Accounts[0]; got.Hint != "…new" || !got.Replaced.IsZero() {
		t.Errorf("%+v", got)
	}
	for _, a := range []*Accounts{present, previous} {
		if data, err := os.ReadFile(a.Path()); err != nil || !searchable(data) {
			t.Errorf("%v: %s is found the slow way", err, data)
		}
	}
}

// One process at a time renews an account, and another account is not kept by it.
func TestRenewing(t *testing.T) {
	t.Parallel()
	a := OpenAccounts(t.TempDir())
	done, err := a.Renewing("work", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Renewing("work", 20*time.Millisecond); !errors.Is(err, ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	other, err := a.Renewing("home", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	other()
	done()
	if done, err = a.Renewing("work", time.Second); err != nil {
		t.Fatal(err)
	}
	done()
	if _, err := a.Renewing("../work", time.Second); err == nil {
		t.Error("a name that is none")
	}
	if _, err := OpenAccounts("").Renewing("work", time.Second); err == nil {
		t.Error("without a folder")
	}
}
