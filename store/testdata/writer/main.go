// Command writer stores one value after the other in the file backend until it is
// killed. It is built for a test whose own binary, with the race detector, starts too
// slowly to be killed 500 times.
package main

import (
	"context"
	"fmt"
	"os"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

func main() {
	dir, begin := os.Args[1], os.Args[2]
	b, err := store.Open(store.BackendFile, store.Config{FileDir: dir})
	for i := 0; err == nil; i++ {
		err = b.Set(context.Background(), "default", secret.New(fmt.Sprintf("%s%d %d", begin, os.Getpid(), i)))
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
