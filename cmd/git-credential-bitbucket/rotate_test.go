package main

import (
	"strings"
	"testing"
)

// Each thing that is recorded is explained, and once.
func TestDeeds(t *testing.T) {
	seen := map[deed]bool{}
	for _, d := range deeds {
		if seen[d.deed] || d.meaning == "" || !strings.Contains(historyHelp(), string(d.deed)) {
			t.Errorf("%q", d.deed)
		}
		seen[d.deed] = true
	}
	for _, d := range []deed{wasStored, wasReplaced, wasRotated, wasRestored, wasMoved, wasAmended, wasSetAside, wasTakenUp, wasRouted, wasForgotten} {
		if !seen[d] {
			t.Errorf("%q is not explained", d)
		}
	}
}
