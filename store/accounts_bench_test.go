package store

import (
	"fmt"
	"testing"
	"time"
)

// numbered is the i-th of many accounts.
func numbered(i int) Account {
	return Account{
		Name: fmt.Sprintf("account-%04d", i), Kind: "api-token",
		Email: fmt.Sprintf("person-%04d@example.com", i), Username: fmt.Sprintf("person-%04d", i),
		Backend: BackendKeyring, Fingerprint: fmt.Sprintf("%016x", i), Hint: "…ABCD",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Expires: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// A get reads the file and asks Which once.
func BenchmarkWhich(b *testing.B) {
	for _, n := range []int{1, 1000} {
		accounts := OpenAccounts(b.TempDir())
		last := numbered(n - 1)
		fill := func(book *Book) error {
			for i := range n {
				book.Put(numbered(i))
			}
			return book.Route("team", last.Name)
		}
		if err := accounts.Update(fill); err != nil {
			b.Fatal(err)
		}
		for _, q := range []struct {
			label string
			Query
		}{
			{"named", Query{Named: last.Name}},
			{"route", Query{Workspace: "Team"}},
			{"username", Query{Workspace: "other", Username: last.Email}},
			{"default", Query{Workspace: "other", Username: "stranger"}},
		} {
			b.Run(fmt.Sprintf("%s/%d", q.label, n), func(b *testing.B) {
				for b.Loop() {
					s, err := accounts.Read()
					if err != nil {
						b.Fatal(err)
					}
					if _, _, err := s.Which(q.Query); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("fingerprint/%d", n), func(b *testing.B) {
			for b.Loop() {
				s, err := accounts.Read()
				if err != nil {
					b.Fatal(err)
				}
				if _, ok, err := s.ByFingerprint(last.Fingerprint); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}
