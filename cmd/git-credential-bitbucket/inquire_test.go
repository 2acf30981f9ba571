package main

import (
	"testing"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// What a check found of a token that was replaced meanwhile says nothing of the new one.
func TestLearnOfReplacedToken(t *testing.T) {
	home := t.TempDir()
	p := inside(t, map[string]string{"HOME": home, "USERPROFILE": home})
	account := storedAccount()
	replaced := account
	replaced.Fingerprint, replaced.Hint = accessToken.Fingerprint(), accessToken.Hint()
	put := func(a store.Account) {
		t.Helper()
		if err := p.accounts().Update(func(book *store.Book) error { book.Put(a); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	learned := func() (aside bool, deeds int) {
		t.Helper()
		if err := p.learn(&inquiry{subject: newSubject(account, apiToken), verdict: bitbucket.Verdict{Life: bitbucket.Dead}}); err != nil {
			t.Fatal(err)
		}
		book, err := p.book()
		if err != nil {
			t.Fatal(err)
		}
		entries, err := p.history().Read()
		if err != nil {
			t.Fatal(err)
		}
		return book.Account(account.Name).Dead, len(entries)
	}
	put(replaced)
	if aside, deeds := learned(); aside || deeds != 0 {
		t.Errorf("the new token is set aside: %t; %d lines of history", aside, deeds)
	}
	put(account)
	if aside, deeds := learned(); !aside || deeds != 1 {
		t.Errorf("set aside: %t; %d lines of history", aside, deeds)
	}
}
