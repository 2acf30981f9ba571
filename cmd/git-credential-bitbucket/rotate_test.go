package main

import (
	"errors"
	"strings"
	"testing"
)

// What keeps a token from being checked keeps it from the old one's place.
func TestNotSwapped(t *testing.T) {
	for _, c := range []struct {
		status exitStatus
		hint   bool
	}{{exitNoCredential, false}, {exitUnreachable, true}} {
		err := notSwapped(fail(c.status, "it is so"))
		var refused *failure
		if !errors.As(err, &refused) || refused.status != c.status || !strings.HasPrefix(refused.text, "it is so; the tokens were not swapped") {
			t.Errorf("%d: %v", c.status, err)
		}
		if strings.Contains(refused.text, "add --no-verify") != c.hint {
			t.Errorf("%d: %s", c.status, refused.text)
		}
	}
	if other := errors.New("other"); notSwapped(other) != other {
		t.Error("another error was changed")
	}
}

// Each thing that is recorded is explained, and once.
func TestDeeds(t *testing.T) {
	seen := map[deed]bool{}
	for _, d := range deeds {
		if seen[d.deed] || d.meaning == "" || !strings.Contains(historyHelp(), string(d.deed)) {
			t.Errorf("%q", d.deed)
		}
		seen[d.deed] = true
	}
	for _, d := range []deed{wasStored, wasReplaced, wasRotated, wasRestored, wasMoved, wasAmended, wasSetAside, wasRouted, wasForgotten} {
		if !seen[d] {
			t.Errorf("%q is not explained", d)
		}
	}
}
