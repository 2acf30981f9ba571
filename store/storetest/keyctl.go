package storetest

import (
	"fmt"
	"os/exec"
	"testing"

	"git-credential-bitbucket/internal/require"
)

// KeyctlSession is what to put before a command so that it sees a user's keyring and a
// session keyring of its own: since Linux 5.2 the former belongs to the user
// namespace. Everything in them ends with the command; nothing has to be closed.
func KeyctlSession() (prefix []string, err error) {
	prefix = []string{"unshare", "--user", "--map-current-user", "keyctl", "session", "-"}
	if out, err := exec.Command(prefix[0], append(prefix[1:], "true")...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("no kernel keyring of one's own: %w: %s", err, out)
	}
	return prefix, nil
}

// NewKeyctlSession is KeyctlSession for a test.
func NewKeyctlSession(t testing.TB) (prefix []string) {
	t.Helper()
	require.Tool(t, "unshare", "keyctl")
	prefix, err := KeyctlSession()
	if err != nil {
		require.Absent(t, err.Error())
	}
	return prefix
}
