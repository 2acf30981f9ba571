package helper

import (
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// What a credential helper owes git, numbered, as a black box: requests go in, bytes
// and notes come out. The numbers that are missing here need a process, and stand in
// cmd/git-credential-bitbucket/checklist_test.go.

// check is a house with one API token stored.
func check(t *testing.T) *house {
	h := newHouse(t)
	h.keep("default", apiToken)
	return h
}

// gives checks the answer of one get.
func (h *house) gives(request, want string) {
	h.TB.Helper()
	if got, _, _ := h.get(request); got != want {
		h.Errorf("%.80q: %q, want %q", request, got, want)
	}
}

// silent checks that none of the three operations answers, speaks or notes anything.
func (h *house) silent(request string) {
	h.TB.Helper()
	h.seen.appends, h.accounts.updates = 0, 0
	for _, password := range []string{"", "password=" + apiToken.Reveal() + "\n"} {
		answer, outcome, told := h.get(password + request)
		storeOutcome, storeTold := h.store(password + request)
		eraseOutcome, eraseTold := h.erase(password + request)
		if answer != "" || outcome+storeOutcome+eraseOutcome != Done || len(told)+len(storeTold)+len(eraseTold) > 0 {
			h.Errorf("%.80q: answer %q, outcomes %d %d %d, told %v %v %v", request, answer, outcome, storeOutcome, eraseOutcome, told, storeTold, eraseTold)
		}
	}
	if h.seen.appends+h.accounts.updates > 0 {
		h.Errorf("%.80q: something was written", request)
	}
}

var full = answered(sentinel, apiToken)

func TestChecklistFormat(t *testing.T) {
	t.Run("4 a request ends at a blank line or the end of the input", func(t *testing.T) {
		h := check(t)
		for _, end := range []string{"\n", "", "\n\n"} {
			h.gives("protocol=https\nhost=bitbucket.org"+end, full)
		}
		// With the input still open: TestDecodeWhileOpen, and in cmd.
	})
	t.Run("5 text after the blank line is ignored", func(t *testing.T) {
		h := check(t)
		h.gives(onBitbucket+"\nhost=example.com\nbroken\x00\r", full)
		h.gives("protocol=https\nhost=example.com\n\nhost=bitbucket.org\n", "")
	})
	t.Run("6 CR LF is accepted, other control characters are not", func(t *testing.T) {
		h := check(t)
		h.gives("protocol=https\r\nhost=bitbucket.org\r\n\r\n", full)
		for _, c := range []string{"\r", "\x00", "\t", " ", "\v", "\x1b"} {
			for _, request := range []string{
				"protocol=ht" + c + "tps\nhost=bitbucket.org\n", "protocol=" + c + "https\nhost=bitbucket.org\n",
				"protocol=https\nhost=bitbucket.org" + c + "x\n", "protocol=https\nhost=" + c + "bitbucket.org\n", "protocol=https\nhost=bitbucket" + c + ".org\n",
			} {
				h.silent(request)
			}
		}
	})
	t.Run("7 '=' is kept in values, and a line without one makes the request invalid", func(t *testing.T) {
		h := newHouse(t)
		odd := secret.New("opaque==a=b=")
		h.keep("default", odd, func(a *store.Account) { a.Kind = string(bitbucket.APIToken) })
		h.gives(inAcme, answered(sentinel, odd))
		h.erase(with(inAcme, sentinel, odd))
		if len(h.events(odd)) != 1 {
			t.Error("the password was not recognised")
		}
		h.silent(onBitbucket + "broken\n")
		h.silent("broken\n" + onBitbucket)
	})
	t.Run("8 of duplicate scalars the last wins", func(t *testing.T) {
		h := check(t)
		h.gives("protocol=http\nhost=example.com\n"+onBitbucket, full)
		h.silent(onBitbucket + "host=example.com\n")
		h.silent(onBitbucket + "host=\n")
		h.store(with(onBitbucket+"password=other\n", sentinel, apiToken))
		if len(h.events(apiToken)) != 1 {
			t.Error("the last password did not win")
		}
	})
	t.Run("9 unknown keys, arrays and capabilities are ignored", func(t *testing.T) {
		check(t).gives("capability[]=future\n"+onBitbucket+"future=1\nfuture[]=\nstate[]=other:1\ncontinue=1\n\xff=\xff\n", full)
	})
	t.Run("10 long lines are one line each", func(t *testing.T) {
		h := check(t)
		for _, size := range []int{1023, 1024, 4095, 4096, 65534, 65535, 65536, 100_000} {
			filler := strings.Repeat("x", size-len("k=\n"))
			h.gives("k="+filler+"\n"+onBitbucket, full)
			tail := "host=bitbucket.org"
			h.gives("protocol=https\nhost=example.com\nk="+filler[len(tail):]+tail+"\n", "")
			h.silent("protocol=https\nhost=bitbucket.org" + filler + "\n")
		}
	})
	t.Run("11 an empty input is no request", func(t *testing.T) { check(t).silent("") })
	t.Run("12 the answer is two lines in one write", func(t *testing.T) {
		h := check(t)
		var out writes
		h.Get(t.Context(), strings.NewReader("capability[]=authtype\ncapability[]=state\n"+inAcme), &out)
		if !slices.Equal(out, writes{"username=x-bitbucket-api-token-auth\npassword=" + apiToken.Reveal() + "\n"}) {
			t.Errorf("%q", out)
		}
		h.keep("default", apiToken, func(a *store.Account) { a.Expires, a.Certain = time.Unix(1893456000, 0), true })
		h.gives(inAcme, full+"password_expiry_utc=1893456000\n")
		h.rejects(3)
		h.gives(inAcme, "quit=1\n")
	})
	t.Run("13 nothing stored leaves the token to git's prompt", func(t *testing.T) {
		h := newHouse(t)
		answer, outcome, told := h.get(inAcme)
		if answer != asking || outcome != Done || told != nil {
			t.Errorf("%q, %d, %v", answer, outcome, told)
		}
		h.Caller.Terminal = true
		if _, _, told := h.get(inAcme); !slices.Equal(told, []What{NothingStored}) {
			t.Errorf("on a terminal: %v", told)
		}
		h.silent("protocol=https\nhost=example.com\n")
	})
	t.Run("14 a token that cannot be told is no answer", TestGetBrokenToken)
}

func TestChecklistScope(t *testing.T) {
	t.Run("16 https only", func(t *testing.T) {
		h := check(t)
		for _, protocol := range []string{"HTTPS", "Https", "https ", " https", "https:", "https://", "ssh", "git", "ftp", "ftps", "file", ""} {
			h.silent("protocol=" + protocol + "\nhost=bitbucket.org\n")
		}
		answer, outcome, told := h.get("protocol=http\nhost=bitbucket.org\n")
		if answer != "" || outcome != Done || !slices.Equal(told, []What{PlainHTTP}) {
			t.Errorf("http: %q, %d, %v", answer, outcome, told)
		}
	})
	t.Run("17 bitbucket.org in any ASCII case, with port 443 or without", func(t *testing.T) {
		h := check(t)
		for _, host := range []string{"bitbucket.org", "BitBucket.Org", "BITBUCKET.ORG", "bitbucket.org:443", "BITBUCKET.org:443"} {
			h.gives("protocol=https\nhost="+host+"\n", full)
		}
	})
	t.Run("18 no other host", func(t *testing.T) {
		h := check(t)
		for _, host := range []string{
			"www.bitbucket.org", "api.bitbucket.org", "a.b.bitbucket.org", "bitbucket.org.example.com", "xbitbucket.org", "bitbucket.orgx", "bitbucket.com",
			"bitbucket.org:80", "bitbucket.org:8443", "bitbucket.org:", "bitbucket.org:443:443", "bitbucket.org.", "bitbucket.org.:443", "alice@bitbucket.org",
			"alice:x@bitbucket.org", "bitbucket.org/x", "bitbucket.org/", "bitbuc\u212aet.org", "bitbucket\u3002org", "bitbucket%2Eorg", "%62itbucket.org",
			"bitbucket.org%00", "bitbucket.org#", "bitbucket.org?", "104.192.142.18", "",
		} {
			h.silent("protocol=https\nhost=" + host + "\n")
		}
		h.silent("protocol=https\n")
		h.silent("host=bitbucket.org\n")
	})
	t.Run("19 requests for certificates, mail and proxies are silent", func(t *testing.T) {
		h := check(t)
		h.silent("protocol=cert\nhost=\npath=home/alice/client.pem\n")
		h.silent("protocol=smtp\nhost=bitbucket.org:25\nusername=alice\n")
		h.silent("protocol=imaps\nhost=bitbucket.org\n")
		h.silent("protocol=http\nhost=proxy.example.com:3128\nusername=alice\n")
	})
	t.Run("20 every username is answered with the kind's", func(t *testing.T) {
		for username, token := range map[string]secret.Secret{sentinel: apiToken, accessUser: accessToken} {
			h := newHouse(t)
			h.keep("default", token)
			for _, asked := range []string{"", "username=\n", "username=alice\n", "username=alice@example.com\n", "username=" + sentinel + "\n", "username=" + accessUser + "\n"} {
				h.gives(onBitbucket+asked, answered(username, token))
			}
		}
	})
	t.Run("21 the path chooses the account and where rejections count", func(t *testing.T) {
		h := check(t)
		h.rejects(3)
		h.gives(inAcme, "quit=1\n")
		for _, path := range []string{"", "path=\n", "path=/\n", "path=../../etc\n", "path=a b/c\n", "path=" + strings.Repeat("x", 5000) + "/y\n", "path=\u212a/x\n"} {
			h.gives(onBitbucket+path, full)
		}
		// Accounts by route: TestGetStored.
	})
	t.Run("22 url and wwwauth[] widen nothing", func(t *testing.T) {
		h := check(t)
		h.silent("url=https://bitbucket.org/acme/app.git\n")
		h.silent("protocol=https\nhost=example.com\nurl=https://bitbucket.org/\n")
		h.silent("protocol=https\nhost=example.com\nwwwauth[]=Basic realm=\"bitbucket.org\"\nwwwauth[]=host=bitbucket.org\n")
		h.gives(onBitbucket+"url=https://example.com/\nwwwauth[]=Negotiate\n", full)
	})
}

func TestChecklistStore(t *testing.T) {
	t.Run("23 the exact echo of a get writes nothing", func(t *testing.T) {
		h := check(t)
		h.store(with(inAcme, sentinel, apiToken))
		appends, keyring := h.seen.appends, h.keyring.Calls()
		for range 3 {
			h.store(with(inAcme, sentinel, apiToken))
		}
		if h.seen.appends != appends || h.keyring.Calls() != keyring || h.accounts.updates > 0 {
			t.Errorf("%d notes, keyring %+v, %d writes", h.seen.appends-appends, h.keyring.Calls(), h.accounts.updates)
		}
	})
	t.Run("24 what is not ours is ignored", TestStoreIgnores)
	t.Run("25 no token is replaced by another", func(t *testing.T) {
		h := check(t)
		before := h.account("default")
		other := made("ATATT", "planted")
		h.get(inAcme)
		for _, username := range []string{sentinel, "alice", ""} {
			h.store(with(inAcme, username, other))
		}
		if h.account("default") != before || h.accounts.updates > 0 {
			t.Error("the record changed")
		}
		h.gives(inAcme, full)
		// What is adopted, and under which conditions: TestAdopt, TestAdoptRefuses.
	})
}

func TestChecklistErase(t *testing.T) {
	t.Run("27 a different password changes nothing", TestEraseOfAnothers)
	t.Run("28 the third rejection stops get for a while", TestBurstEndsALoop)
	t.Run("29 nothing is destroyed", func(t *testing.T) {
		h := check(t)
		h.rejects(50)
		h.later(15 * time.Minute)
		h.gives(inAcme, full)
		h.store(with(inAcme, sentinel, apiToken))
		h.gives(inAcme, full)
		if keys := h.keyring.Keys(); !slices.Equal(keys, []string{"default"}) {
			t.Errorf("%v", keys)
		}
	})
	t.Run("30 without a password it is set aside", TestEraseSetsAside)
	t.Run("31 without a host nothing happens", func(t *testing.T) { check(t).silent("protocol=https\nusername=" + sentinel + "\n") })
	t.Run("32 with nothing stored it is silent", func(t *testing.T) {
		h := newHouse(t)
		for _, request := range []string{inAcme, with(inAcme, sentinel, apiToken)} {
			if outcome, told := h.erase(request); outcome != Done || told != nil || h.seen.appends+h.accounts.updates > 0 {
				t.Errorf("%q: %d, %v", request, outcome, told)
			}
		}
	})
	t.Run("33 a newer token is not touched", TestEraseAfterARotation)
	t.Run("34 a locked keyring erases nothing", func(t *testing.T) {
		h := check(t)
		for _, trouble := range []error{store.ErrLocked, store.ErrAbsent, store.ErrRefused, store.ErrTimeout} {
			h.keyring.Fail = trouble
			before := h.account("default")
			if answer, outcome, told := h.get(inAcme); answer != "" || outcome != SourceFailed || !slices.Equal(told, []What{Unusable}) {
				t.Errorf("%v: %q, %d, %v", trouble, answer, outcome, told)
			}
			if h.account("default") != before || h.seen.appends+h.accounts.updates > 0 || h.keyring.Calls().Delete > 0 {
				t.Errorf("%v: something was written", trouble)
			}
		}
		h.keyring.Fail = nil
		h.gives(inAcme, full)
	})
}
