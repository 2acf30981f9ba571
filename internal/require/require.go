// Package require decides what a test does when the real thing it needs is absent:
// it skips and says so, or fails where BITBUCKET_TEST_REQUIRE is "all".
//
// Every skip of the project goes through here, so that CI can prove that nothing
// was left out.
package require

import (
	"os"
	"os/exec"
	"testing"
)

const variable = "BITBUCKET_TEST_REQUIRE"

// Tool needs each of the programs on PATH.
func Tool(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			Absent(t, name+" is not on PATH")
		}
	}
}

// Absent skips the test with the reason why it cannot be run here, or fails it.
func Absent(t testing.TB, why string) {
	t.Helper()
	if Everything() {
		t.Fatalf("%s=all, and %s", variable, why)
	}
	t.Skipf("NOT TESTED: %s (set %s=all to make this a failure)", why, variable)
}

// Everything reports whether a missing real thing is a failure.
func Everything() bool { return os.Getenv(variable) == "all" }
