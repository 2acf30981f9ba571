package storetest_test

import (
	"testing"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/storetest"
)

func TestFakeKeepsTheContract(t *testing.T) {
	t.Parallel()
	fake := &storetest.Fake{}
	storetest.Run(t, storetest.Full, func(*testing.T) store.Backend { return fake })
	if left := fake.Keys(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
