package helper

import (
	"slices"
	"testing"
	"time"

	"git-credential-bitbucket/store"
)

// Whoever has another account is told of it where the token may have no access, and no
// other token is read for that.
func TestOtherAccounts(t *testing.T) {
	other, third := made("ATATT", "other"), made("ATATT", "third")
	works := func(h *house, request string, name string) {
		token := map[string]string{"other": other.Reveal(), "third": third.Reveal()}[name]
		h.store(request + "username=" + sentinel + "\npassword=" + token + "\n")
	}
	elsewhere := func(h *house) { h.store(with(onBitbucket+"path=beta/app\n", sentinel, apiToken)) }
	for _, c := range []struct {
		name    string
		before  func(*house)
		request string
		names   []string
		worked  bool
	}{
		{"new", func(*house) {}, inAcme, []string{"other", "third"}, false},
		{"works elsewhere", elsewhere, inAcme, []string{"other", "third"}, false},
		{"one was seen to work", func(h *house) { works(h, inAcme, "third") }, inAcme, []string{"third"}, true},
		{"and was refused since", func(h *house) {
			works(h, inAcme, "third")
			h.erase(with(inAcme, sentinel, third))
			h.said = nil
		}, inAcme, []string{"other", "third"}, false},
		{"worked here", func(h *house) { h.store(with(inAcme, sentinel, apiToken)) }, inAcme, nil, false},
		{"no path", func(*house) {}, onBitbucket, nil, false},
		{"set aside", func(h *house) {
			err := h.accounts.Accounts.Update(func(b *store.Book) error {
				b.Account("other").SetAside, b.Account("third").Expires = noon, noon
				return nil
			})
			if err != nil {
				h.Fatal(err)
			}
		}, inAcme, nil, false},
	} {
		h := newHouse(t)
		h.keep("default", apiToken)
		h.keep("other", other)
		h.keep("third", third)
		c.before(h)
		keyring := h.keyring.Calls()
		h.erase(with(c.request, sentinel, apiToken))
		i := slices.IndexFunc(h.said, func(n Notice) bool { return n.What == OtherAccounts })
		switch {
		case i < 0 && c.names == nil:
		case i < 0:
			t.Errorf("%s: %v", c.name, h.said)
		case !slices.Equal(h.said[i].Names, c.names) || h.said[i].Worked != c.worked || h.said[i].Workspace != "acme" || h.said[i].Account.Name != "default":
			t.Errorf("%s: %+v", c.name, h.said[i])
		}
		if h.keyring.Calls() != keyring {
			t.Errorf("%s: the keyring was asked", c.name)
		}
	}
}

// Silence may be no access as well. It is told once a day, and what goes with it too.
func TestOtherAccountsInSilence(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.keep("other", made("ATATT", "other"))
	h.Named, h.Caller.Transport = "default", true
	if told := h.silentGets(5, inAcme); !slices.Equal(told, []What{Silent, OtherAccounts}) || !h.said[len(h.said)-1].Named {
		t.Errorf("%v", told)
	}
	h.later(time.Minute)
	if _, _, told := h.get(inAcme); told != nil {
		t.Errorf("again: %v", told)
	}
}
