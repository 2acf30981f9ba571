//go:build unix

package leftovers

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"git-credential-bitbucket/install"
)

// A repository whose config includes a pipe keeps nobody waiting for ever.
func TestHistoryBehindAPipe(t *testing.T) {
	t.Parallel()
	c := newCheckout(t)
	c.commit("a", "1 "+dead+"\n")
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	c.run("config", "include.path", pipe)
	c.git.Timeout = 200 * time.Millisecond
	ended := make(chan error, 1)
	go func() {
		_, err := History(t.Context(), c.git, c.dir, nil, func(f Finding) { t.Errorf("%+v", f) })
		ended <- err
	}()
	select {
	case err := <-ended:
		var why *install.GitError
		if !errors.As(err, &why) {
			t.Errorf("%v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits")
	}
}
