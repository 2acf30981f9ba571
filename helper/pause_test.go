package helper

import (
	"slices"
	"testing"
	"time"

	"git-credential-bitbucket/store"
)

func (h *house) rejects(times int) {
	for range times {
		h.later(2 * time.Second)
		h.erase(with(inAcme, sentinel, apiToken))
	}
}

// Three rejections, a pause, one get with the token and none for the others, a success:
// the way back to health.
func TestPauseAndRecovery(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	given := answered(sentinel, apiToken)
	step := func(name, want string, told ...What) {
		t.Helper()
		answer, _, got := h.get(inAcme)
		if answer != want || !slices.Equal(got, told) {
			t.Errorf("%s: %q, told %v; want %q, %v", name, answer, got, want, told)
		}
	}
	step("at first", given)
	h.rejects(1)
	step("rejected once", given, WasRejected)
	h.rejects(2)
	step("rejected three times", "quit=1\n", Paused)
	h.later(30*time.Second - time.Millisecond)
	step("at the end of the pause", "quit=1\n", Paused)
	h.later(time.Millisecond)
	step("after the pause", given, OneMoreTry)
	step("beside the one more", "quit=1\n", Paused)
	h.later(time.Minute - time.Millisecond)
	step("while the one more is out", "quit=1\n", Paused)
	h.later(time.Millisecond)
	step("a minute later, without an outcome", given, OneMoreTry)
	h.rejects(1)
	h.later(2*time.Minute - time.Millisecond)
	step("in the second pause", "quit=1\n", Paused)
	h.later(time.Millisecond)
	step("after the second pause", given, OneMoreTry)
	h.store(with(inAcme, sentinel, apiToken))
	step("after a success", given)
	step("for everybody", given)
}

// Another workspace is not paused, nor is a request without a path.
func TestPauseIsOfAWorkspace(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	h.rejects(3)
	for request, want := range map[string]string{
		inAcme:                                "quit=1\n",
		onBitbucket + "path=ACME/other.git\n": "quit=1\n",
		onBitbucket + "path=other/app.git\n":  answered(sentinel, apiToken),
		onBitbucket:                           answered(sentinel, apiToken),
	} {
		if answer, _, _ := h.get(request); answer != want {
			t.Errorf("%q: %q", request, answer)
		}
	}
	h.store(with(onBitbucket+"path=other/app.git\n", sentinel, apiToken))
	if answer, _, _ := h.get(inAcme); answer != "quit=1\n" {
		t.Errorf("a success elsewhere cleared it: %q", answer)
	}
}

// git-lfs asks and is rejected in a loop: the third time in one second ends it, until
// the second is over.
func TestBurstEndsALoop(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken)
	rounds := 0
	for ; rounds < 10; rounds++ {
		if answer, _, _ := h.get(inAcme); answer == "quit=1\n" {
			break
		}
		h.later(10 * time.Millisecond)
		h.erase(with(inAcme, sentinel, apiToken))
	}
	if rounds != 3 {
		t.Errorf("%d rounds", rounds)
	}
	h.later(time.Second)
	if answer, _, _ := h.get(inAcme); answer != answered(sentinel, apiToken) {
		t.Errorf("after the second: %q", answer)
	}
}

// The first rejection of a token past its claimed date counts for three.
func TestPauseOfAnExpiredToken(t *testing.T) {
	h := newHouse(t)
	h.keep("default", apiToken, func(a *store.Account) { a.Expires = noon })
	h.rejects(1)
	if answer, outcome, told := h.get(inAcme); answer != "quit=1\n" || outcome != NoCredential || !slices.Equal(told, []What{Paused}) {
		t.Errorf("%q, %d, %v", answer, outcome, told)
	}
}
