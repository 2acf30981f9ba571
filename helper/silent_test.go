package helper

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"git-credential-bitbucket/store/secret"
)

// silentGets asks so often, a minute apart, and returns what the last one was told.
func (h *house) silentGets(n int, request string) (told []What) {
	for range n {
		h.later(time.Minute)
		_, _, told = h.get(request)
	}
	return told
}

func TestGetTellsOfSilence(t *testing.T) {
	silent := []What{Silent}
	for _, c := range []struct {
		name string
		do   func(h *house) []What
		want []What
	}{
		{"four", func(h *house) []What { return h.silentGets(4, inAcme) }, nil},
		{"five", func(h *house) []What { return h.silentGets(5, inAcme) }, silent},
		{"once a day", func(h *house) []What { h.silentGets(5, inAcme); return h.silentGets(1, inAcme) }, nil},
		{"again the next day", func(h *house) []What { h.silentGets(6, inAcme); h.later(day); return h.silentGets(1, inAcme) }, silent},
		{"of each workspace by itself", func(h *house) []What {
			h.silentGets(4, inAcme)
			return h.silentGets(4, onBitbucket+"path=other/app.git\n")
		}, nil},
		{"without a path", func(h *house) []What { return h.silentGets(5, onBitbucket) }, silent},
		{"a success ends it", func(h *house) []What {
			h.silentGets(4, inAcme)
			h.store(with(inAcme, sentinel, apiToken))
			return h.silentGets(4, inAcme)
		}, nil},
		{"a success elsewhere does not", func(h *house) []What {
			h.silentGets(4, inAcme)
			h.store(with(onBitbucket+"path=other/app.git\n", sentinel, apiToken))
			return h.silentGets(1, inAcme)
		}, silent},
		{"a refusal ends it", func(h *house) []What {
			h.silentGets(4, inAcme)
			h.erase(with(inAcme, sentinel, apiToken))
			h.store(with(inAcme, sentinel, apiToken)) // so that the refusal is not told of
			return h.silentGets(4, inAcme)
		}, nil},
		{"another's password is no outcome", func(h *house) []What {
			h.silentGets(4, inAcme)
			h.store(with(inAcme, sentinel, secret.New("foreign")))
			h.erase(with(inAcme, sentinel, secret.New("foreign")))
			return h.silentGets(1, inAcme)
		}, silent},
		{"jobs of one command", func(h *house) []What {
			h.silentGets(4, inAcme)
			h.store(with(inAcme, sentinel, apiToken))
			var told []What
			for range 50 {
				h.later(30 * time.Millisecond)
				_, _, told = h.get(inAcme)
			}
			return told
		}, nil},
		{"who only wants the token", func(h *house) []What { h.Caller.Transport = false; return h.silentGets(20, inAcme) }, nil},
		{"an editor does not use it up", func(h *house) []What {
			h.Caller.QuietFetch = true
			if told := h.silentGets(9, inAcme); told != nil {
				return told
			}
			h.Caller.QuietFetch = false
			return h.silentGets(1, inAcme)
		}, silent},
		{"a token from a variable", func(h *house) []What {
			h.ambient.set("BITBUCKET_TOKEN", apiToken)
			return h.silentGets(5, inAcme)
		}, silent},
		{"a get without a password", func(h *house) []What { h.Named = "work"; return h.silentGets(9, inAcme) }, []What{UnknownAccount}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.Caller.Transport = true
			h.keep("default", apiToken)
			if told := c.do(h); !slices.Equal(told, c.want) {
				t.Errorf("%v, want %v", told, c.want)
			}
			// A warning's record is of the token's end alone.
			if note := h.seen.Observations.Read(apiToken.Fingerprint()).Health("acme", h.clock).WarnedNote; note != "" {
				t.Errorf("recorded as warned: %q", note)
			}
		})
	}
}

func TestNoticeOfSilence(t *testing.T) {
	for path, want := range map[string]string{"Acme/App.git": "acme acme/app", "acme/../app": " ", "acme/a\x1bpp": "acme ", "snippets/acme/xyz": "acme "} {
		h := newHouse(t)
		h.Caller.Transport = true
		h.keep("default", apiToken)
		h.silentGets(5, onBitbucket+"path="+path+"\n")
		if len(h.said) != 1 {
			t.Fatalf("%q: %v", path, h.said)
		}
		n := h.said[0]
		if got := n.Workspace + " " + n.Repository; got != want || n.Count != 5 || n.Account.Name != "default" {
			t.Errorf("%q: %q, %+v", path, got, n)
		}
	}
}

// In CI nothing is counted, and what was counted before stays.
func TestSilenceInCI(t *testing.T) {
	h := newHouse(t)
	h.Caller.Transport = true
	h.keep("default", apiToken)
	h.silentGets(4, inAcme)
	h.Caller.CI = true
	h.seen.uses = 0
	told := h.silentGets(9, inAcme)
	h.store(with(inAcme, sentinel, apiToken))
	h.erase(with(inAcme, sentinel, apiToken))
	if told != nil || h.seen.uses > 0 {
		t.Errorf("%v, %d uses", told, h.seen.uses)
	}
	if uses := fmt.Sprint(h.seen.Observations.Uses(apiToken.Fingerprint(), h.clock).Silent); len(uses) == len("[]") {
		t.Error("what was counted is gone")
	}
}
