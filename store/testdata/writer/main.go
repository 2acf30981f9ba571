// Command writer reads the value that the one before it left in the file backend and
// stores one after the other itself until it is killed. It exits only if anything
// fails. It is built for a test whose own binary, with the race detector, is too slow
// to be killed 500 times.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

func main() {
	dir, begin := os.Args[1], os.Args[2]
	b, err := store.Open(store.BackendFile, store.Config{FileDir: dir})
	if err == nil {
		var got secret.Secret
		if got, err = b.Get(context.Background(), "default"); err == nil && !strings.HasPrefix(got.Reveal(), begin) {
			err = errors.New("a value that nobody wrote")
		}
	}
	for i := 0; err == nil; i++ {
		err = b.Set(context.Background(), "default", secret.New(fmt.Sprintf("%s%d %d", begin, os.Getpid(), i)))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
