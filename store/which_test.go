package store

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// accountsOf returns a Snapshot of a file that Update wrote with exactly these.
func accountsOf(t *testing.T, accounts []Account, routes ...Route) Snapshot {
	t.Helper()
	a := OpenAccounts(t.TempDir())
	err := a.Update(func(b *Book) error {
		b.Accounts, b.Routes = accounts, routes
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.Read()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhich(t *testing.T) {
	work := Account{Name: "work", Username: "Ann-W", Email: "ann@work.example"}
	home := Account{Name: "home", Username: "ann-h", Email: "ann@home.example"}
	bot := Account{Name: "bot", Username: "ann-w", Email: "bot@work.example"}
	decoy := Account{Name: "ann-h", Username: "decoy"}
	preset := func(a Account) Account { a.Default = true; return a }
	both := []Account{preset(work), home}
	shared := []Account{home, work, bot}
	toHome := Route{"team", "home"}
	toGone := Route{"team", "gone"}
	for _, c := range []struct {
		label    string
		accounts []Account
		routes   []Route
		query    Query
		want     string
		why      Reason
		err      error
	}{
		{"named", both, []Route{toHome}, Query{"work", "team", "ann-h"}, "work", ReasonNamed, nil},
		{"named and unknown", both, nil, Query{Named: "nobody"}, "", "", &UnknownAccountError{"nobody", []string{"home", "work"}}},
		{"named and only one, another", []Account{work}, nil, Query{Named: "home"}, "", "", &UnknownAccountError{"home", []string{"work"}}},
		{"named and hostile", both, nil, Query{Named: `work","kind":"`}, "", "", &UnknownAccountError{`work","kind":"`, []string{"home", "work"}}},
		{"a name's beginning", both, nil, Query{Named: "wor"}, "", "", &UnknownAccountError{"wor", []string{"home", "work"}}},
		{"route", both, []Route{toHome}, Query{Workspace: "TEAM", Username: "ann-w"}, "home", ReasonRoute, nil},
		{"route of another workspace", both, []Route{toHome}, Query{Workspace: "teams"}, "work", ReasonDefault, nil},
		{"no workspace is no route", both, []Route{toHome}, Query{}, "work", ReasonDefault, nil},
		{"route to a forgotten account", both, []Route{toGone}, Query{Workspace: "team", Username: "home"}, "home", ReasonUsername, nil},
		{"username is a name", both, nil, Query{Username: "HOME"}, "home", ReasonUsername, nil},
		{"username", both, nil, Query{Username: "ANN-H"}, "home", ReasonUsername, nil},
		{"e-mail", both, nil, Query{Username: "Ann@Home.example"}, "home", ReasonUsername, nil},
		{"a name before a username", []Account{home, decoy}, nil, Query{Username: "ann-h"}, "ann-h", ReasonUsername, nil},
		{"unknown username, default", both, nil, Query{Username: "x-token-auth"}, "work", ReasonDefault, nil},
		{"only", []Account{work}, nil, Query{Username: "stranger"}, "work", ReasonOnly, nil},
		{"only, by its username", []Account{work}, nil, Query{Username: "ann-w"}, "work", ReasonUsername, nil},
		{"only, with a route to nobody", []Account{work}, []Route{toGone}, Query{Workspace: "team"}, "work", ReasonOnly, nil},
		{"no default", []Account{work, home}, nil, Query{Username: "stranger"}, "", "", &AmbiguousError{[]string{"home", "work"}}},
		{"shared username", shared, nil, Query{Username: "ann-w"}, "", "", &AmbiguousError{[]string{"bot", "work"}}},
		{"shared username, one the default", []Account{home, work, preset(bot)}, nil, Query{Username: "ann-w"}, "bot", ReasonUsername, nil},
		{"shared username, default another", []Account{preset(home), work, bot}, nil, Query{Username: "ann-w"}, "", "", &AmbiguousError{[]string{"bot", "work"}}},
		{"nothing", nil, nil, Query{Username: "ann"}, "", "", ErrNoAccounts},
		{"nothing, named", nil, nil, Query{Named: "work"}, "", "", &UnknownAccountError{"work", nil}},
	} {
		t.Run(c.label, func(t *testing.T) {
			got, why, err := accountsOf(t, c.accounts, c.routes...).Which(c.query)
			if !reflect.DeepEqual(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if c.err == nil && (got.Name != c.want || why != c.why) {
				t.Errorf("%s by %q, want %s by %q", got.Name, why, c.want, c.why)
			}
		})
	}
}

func TestUnknownAccountAmongNoneIsNoAccounts(t *testing.T) {
	_, _, err := Snapshot{}.Which(Query{Named: "work"})
	if !errors.Is(err, ErrNoAccounts) {
		t.Error(err)
	}
	if errors.Is(&UnknownAccountError{"work", []string{"home"}}, ErrNoAccounts) {
		t.Error("one account is no account")
	}
}

// What a person may do to the file in an editor must not change what is found.
func TestSnapshotOfAnEditedFile(t *testing.T) {
	const ann = `{"account":"ann","kind":"api-token","email":"ann@a.example","username":"Ann","backend":"file","fingerprint":"00112233aabbccdd","created":"2026-01-02T03:04:05Z"}`
	const bob = `{"account":"bob","kind":"api-token","email":"bob@b.example","backend":"file","created":"2026-01-02T03:04:05Z","default":true}`
	const route = `{"route":"team","account":"ann"}`
	for label, text := range map[string]string{
		"as written":        `{"format":1}` + "\n" + bob + "\n" + ann + "\n" + route + "\n",
		"CR LF":             `{"format":1}` + "\r\n" + ann + "\r\n" + bob + "\r\n" + route + "\r\n",
		"a byte order mark": "\ufeff" + `{"format":1}` + "\n" + ann + "\n" + bob + "\n" + route + "\n",
		"blank lines":       "\n\n" + `{ "format" : 1 }` + "\n\n" + ann + "\n \t\n" + bob + "\n" + route,
		"no last line feed": `{"format":1}` + "\n" + route + "\n" + ann + "\n" + bob,
		"another order": `{"format":1}` + "\n" + bob + "\n" +
			`{"account":"ann","fingerprint":"00112233aabbccdd","username":"Ann","backend":"file","email":"ann@a.example","kind":"api-token","created":"2026-01-02T03:04:05Z"}` +
			"\n" + `{"route":"TEAM","account":"ann"}` + "\n",
		"blanks, escapes, another first field": `{"format":1}` + "\n" + bob + "\n" +
			`{"kind": "api-token", "account":"\u0061nn", "username":"\u0041nn", "email":"ann@a.example", "backend":"file", "fingerprint":"00112233aabbccdd", "created":"2026-01-02T03:04:05Z"}` +
			"\n" + ` {"account": "ann", "route":"team"}` + "\n",
		"escapes":           `{"format":1}` + "\n" + bob + "\n" + strings.Replace(ann, `"ann"`, `"\u0061nn"`, 1) + "\n" + route + "\n",
		"blanks":            `{"format":1}` + "\n" + bob + "\n" + strings.Replace(ann, `"fingerprint":"`, `"fingerprint": "`, 1) + "\n" + route + "\n",
		"a later version's": `{"format":1,"by":"2.0"}` + "\n" + ann[:len(ann)-1] + `,"later":{"a":1}}` + "\n" + bob + "\n" + route + "\n" + `{"policy":"strict"}` + "\n",
	} {
		t.Run(label, func(t *testing.T) {
			a := OpenAccounts(t.TempDir())
			if err := os.WriteFile(a.Path(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := a.Read()
			if err != nil {
				t.Fatal(err)
			}
			if s.Len() != 2 {
				t.Errorf("%d accounts", s.Len())
			}
			for _, c := range []struct {
				query Query
				want  string
			}{
				{Query{Named: "ann"}, "ann"},
				{Query{Workspace: "Team"}, "ann"},
				{Query{Username: "ann@a.EXAMPLE"}, "ann"},
				{Query{Username: "ann"}, "ann"},
				{Query{Username: "stranger"}, "bob"},
			} {
				if got, _, err := s.Which(c.query); err != nil || got.Name != c.want {
					t.Errorf("%+v: %q, %v", c.query, got.Name, err)
				}
			}
			if got, ok, err := s.ByFingerprint("00112233aabbccdd"); !ok || err != nil || got.Email != "ann@a.example" {
				t.Errorf("by fingerprint: %+v, %v, %v", got, ok, err)
			}
			if book, err := s.Book(); err != nil || len(book.Accounts) != 2 || len(book.Routes) != 1 {
				t.Errorf("%+v, %v", book, err)
			}
		})
	}
}

func TestByFingerprint(t *testing.T) {
	s := accountsOf(t, []Account{{Name: "without"}, {Name: "a", Fingerprint: "00112233aabbccdd"}, {Name: "b", Fingerprint: "ffeeddccbbaa9988"}})
	for fp, want := range map[string]string{
		"00112233aabbccdd": "a", "ffeeddccbbaa9988": "b", "": "", "00112233": "", "00112233AABBCCDD": "",
	} {
		if got, ok, err := s.ByFingerprint(fp); err != nil || got.Name != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, %v", fp, got.Name, ok, err)
		}
	}
}

func TestReadOfABrokenFile(t *testing.T) {
	const good = `{"account":"a","kind":"api-token","backend":"file","created":"2026-01-02T03:04:05Z"}`
	for label, c := range map[string]struct {
		text  string
		line  int
		cause error
	}{
		"a later format":      {`{"format":2}` + "\n" + good + "\n", 1, ErrFormat},
		"no format":           {good + "\n", 1, ErrFormat},
		"binary":              {"\x00\x01\x02", 1, nil},
		"cut off":             {`{"format":1}` + "\n" + good + "\n" + good[:40], 3, nil},
		"no object":           {`{"format":1}` + "\n\n[1]\n", 3, nil},
		"null":                {`{"format":1}` + "\nnull\n", 2, nil},
		"a name that is none": {`{"format":1}` + "\n" + `{"account": "A b"}` + "\n", 2, nil},
		"an account twice":    {`{"format":1}` + "\n" + good + " \n" + good + "\n", 3, nil},
		"a route twice":       {`{"format":1}` + "\n" + `{"route": "a","account":"a"}` + "\n" + `{"route":"A","account":"b"}` + "\n", 3, nil},
		"a wrong type":        {`{"format":1}` + "\n" + `{"account":"a","created":7}` + "\n", 2, nil},
	} {
		t.Run(label, func(t *testing.T) {
			a := OpenAccounts(t.TempDir())
			if err := os.WriteFile(a.Path(), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := a.Read()
			if err == nil {
				_, _, err = s.Which(Query{})
			}
			var broken *RecordError
			if !errors.As(err, &broken) || broken.Path != a.Path() || broken.Line != c.line || c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("read: %v", err)
			}
			err = a.Update(func(b *Book) error { b.Put(Account{Name: "new"}); return nil })
			if !errors.As(err, &broken) {
				t.Errorf("update: %v", err)
			}
			if now, _ := os.ReadFile(a.Path()); string(now) != c.text {
				t.Errorf("the broken file was changed: %q", now)
			}
		})
	}
}

func TestReadOfNothing(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.MkdirAll(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(empty, "accounts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"", filepath.Join(dir, "missing"), dir, empty} {
		s, err := OpenAccounts(d).Read()
		if err != nil || s.Len() != 0 {
			t.Errorf("%q: %d, %v", d, s.Len(), err)
		}
		if _, _, err := s.Which(Query{}); err != ErrNoAccounts {
			t.Errorf("%q: %v", d, err)
		}
	}
}

// Whatever the bytes: no panic, and what Which finds is in the Book.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(`{"format":1}`+"\n"+`{"account":"a","kind":"k","email":"e","username":"u","backend":"b","created":"2026-01-02T03:04:05Z","default":true}`+"\n"+`{"route":"w","account":"a"}`+"\n"), "u", "w")
	f.Add([]byte("\ufeff"+`{"format":1,"x":[1]}`+"\r\n\r\n"+`{ "account" : "\u0061", "y":{"email":"e"}}`+"\n"), "e", "")
	f.Add([]byte(`{"format":1}`+"\n"+`{"account":"`), "", "")
	f.Fuzz(func(t *testing.T, data []byte, username, workspace string) {
		s, err := newSnapshot("accounts", data)
		if err != nil {
			var broken *RecordError
			if !errors.As(err, &broken) {
				t.Fatal(err)
			}
			return
		}
		s.Len()
		_, _, _ = s.ByFingerprint(username)
		got, _, whichErr := s.Which(Query{Username: username, Workspace: workspace})
		doc, err := parse("accounts", data)
		if err != nil {
			return
		}
		if whichErr == nil && doc.book.Account(got.Name) == nil {
			t.Fatalf("%q is in no line", got.Name)
		}
		file, err := doc.encode()
		if err != nil {
			t.Fatalf("read, but not written: %v", err)
		}
		again, err := parse("accounts", file)
		if err != nil {
			t.Fatalf("written, but not read: %v\n%s", err, file)
		}
		if twice, _ := again.encode(); string(twice) != string(file) {
			t.Fatalf("written differently:\n%s\n%s", file, twice)
		}
	})
}
