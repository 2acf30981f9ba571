package helper

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store"
)

func in(workspace string) string {
	return strings.Replace(inAcme, "acme/", workspace+"/", 1)
}

// A repository can name submodules in any number of workspaces, and each has three
// rejections of its own. Five refused workspaces pause all others, but not those where
// the token was seen to work.
func TestManyWorkspacesPauseTogether(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.store(with(inAcme, sentinel, apiToken))
	logins := 0
	for i := range 40 {
		request := in(fmt.Sprintf("evil%d", i))
		if answer, _, _ := h.get(request); strings.Contains(answer, "password=") {
			logins++
			h.erase(with(request, sentinel, apiToken))
		}
		h.later(100 * time.Millisecond)
	}
	if logins != workspacesUntilPause {
		t.Errorf("%d logins, want %d", logins, workspacesUntilPause)
	}
	if answer, outcome, told := h.get(in("evil99")); answer != "quit=1\n" || outcome != NoCredential || len(told) != 1 || told[0] != WidePaused {
		t.Errorf("%q, %d, %v", answer, outcome, told)
	}
	if answer, _, told := h.get(inAcme); !strings.Contains(answer, "password=") || told != nil {
		t.Errorf("where it worked: %q, %v", answer, told)
	}
	// The five that made up the number are held as well, however often they are asked.
	for range 3 {
		h.later(time.Minute)
		for i := range workspacesUntilPause {
			if answer, _, told := h.get(in(fmt.Sprintf("evil%d", i))); answer != "quit=1\n" || told[0] != WidePaused {
				t.Errorf("evil%d: %q, %v", i, answer, told)
			}
		}
	}
	h.later(15 * time.Minute)
	if answer, _, _ := h.get(in("evil99")); !strings.Contains(answer, "password=") {
		t.Errorf("after the pause: %q", answer)
	}
}

// What names the account may be a token by mistake: it is not shown, and nothing is
// answered.
func TestBadName(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.Named = apiToken.Reveal()
	answer, outcome, told := h.get(inAcme)
	if answer != "" || outcome != NoCredential || len(told) != 1 || told[0] != BadName {
		t.Errorf("%q, %d, %v", answer, outcome, told)
	}
	if h.said[0].Account.Name != "" {
		t.Error("the name is in the notice")
	}
}

// Where nothing can be recorded no pause comes, which a person should know.
func TestLostRejectionIsTold(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.Helper.Seen = store.OpenObservations("/dev/null/state", nil, 0)
	if _, told := h.erase(with(inAcme, sentinel, apiToken)); len(told) != 2 || told[1] != RejectionLost {
		t.Errorf("%v", told)
	}
}

// A path that leads elsewhere than it says names no workspace.
func TestDetour(t *testing.T) {
	for _, path := range []string{"x1/../acme/app.git", "./acme/app.git", "acme/./app", "..", "acme/.."} {
		if r := (Request{Path: path}); r.Workspace() != "" || r.Repository() != "" {
			t.Errorf("%s: %q, %q", path, r.Workspace(), r.Repository())
		}
	}
}
