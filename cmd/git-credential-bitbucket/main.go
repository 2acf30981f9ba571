// Command git-credential-bitbucket answers git's requests for Bitbucket Cloud's
// credentials with a token that it keeps in the system's keyring.
//
// This package is the door to the process: it alone reads the environment, knows the
// terminal and the clock, speaks to people and sets the exit status.
package main

import "os"

func main() { os.Exit(int(self().run())) }
