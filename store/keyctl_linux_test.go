package store_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// The session keyring of keyctl(1) does not link the user's: what the library writes
// with its default permissions cannot be read in it again.
func TestKeyctl(t *testing.T) {
	t.Parallel()
	inside(t, "TestKeyctlInside", storetest.NewKeyctlSession(t))
}

func TestKeyctlInside(t *testing.T) {
	if !isInside(t) {
		return
	}
	// A user's quota is 20,000 bytes, and what was removed counts for a while.
	size := storetest.Size{Writers: 8, Rounds: 10, Readers: 2, Largest: 4 << 10}
	if os.Getuid() == 0 {
		size = storetest.Full
	}
	storetest.Run(t, size, func(t *testing.T) store.Backend {
		return open(t, store.BackendKeyctl, store.Config{})
	})
	t.Run("eight processes at once, the first ones", func(t *testing.T) {
		const writers, rounds = 8, 10
		var all sync.WaitGroup
		for i := range writers {
			cmd := errand{Op: "set", Backend: store.BackendKeyctl, Key: fmt.Sprint("w", i), Value: fmt.Sprint(i, " "), Rounds: rounds}.command(t, nil)
			all.Go(func() {
				if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), `"Error":""`) {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		all.Wait()
		b := open(t, store.BackendKeyctl, store.Config{})
		for i := range writers {
			wants(t, b, fmt.Sprint("w", i), fmt.Sprint(i, " ", rounds-1))
		}
	})
	t.Run("too big", func(t *testing.T) {
		b := open(t, store.BackendKeyctl, store.Config{})
		err := b.Set(t.Context(), "default", secret.New(strings.Repeat("x", 32768)))
		if err == nil || !strings.Contains(err.Error(), "32767 bytes") {
			t.Errorf("%v", err)
		}
	})
}

// Docker's default seccomp profile forbids these calls.
func TestKeyctlForbidden(t *testing.T) {
	t.Parallel()
	require.Tool(t, "strace")
	for _, answer := range []string{"EPERM", "ENOSYS"} {
		for _, op := range []string{"get", "set", "delete"} {
			t.Run(op+" "+answer, func(t *testing.T) {
				t.Parallel()
				prefix := []string{"strace", "-f", "-o", os.DevNull, "-e", "inject=keyctl,add_key:error=" + answer}
				e := errand{Op: op, Backend: store.BackendKeyctl, Key: "default", Value: "x", Config: place{Service: "contract"}}
				e.run(t, prefix).expect(t, "absent")
			})
		}
	}
}

func TestKeyctlQuota(t *testing.T) {
	t.Parallel()
	require.Tool(t, "strace")
	prefix := []string{"strace", "-f", "-o", os.DevNull, "-e", "inject=add_key:error=EDQUOT"}
	out := errand{Op: "set", Backend: store.BackendKeyctl, Key: "default", Value: "x", Config: place{Service: "contract"}}.run(t, prefix)
	if !strings.Contains(out.Error, "quota of kernel keys is full") {
		t.Errorf("%q", out.Error)
	}
}
