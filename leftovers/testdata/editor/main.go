// Command editor edits a file as migrate does, for tests that kill it meanwhile: FILE
// KIND FROM TO BACKUPS.
package main

import (
	"os"
	"strconv"
	"time"

	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store/secret"
)

func main() {
	path := os.Args[1]
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	from, _ := strconv.Atoi(os.Args[3])
	to, _ := strconv.Atoi(os.Args[4])
	was := secret.New(string(text[from:to]))
	f := leftovers.Finding{
		Place: leftovers.Place(os.Args[2]), Path: path, Secret: was, At: from, End: to,
		Edit: &leftovers.Edit{From: from, To: to, Was: was},
	}
	if _, err := leftovers.Apply(path, []leftovers.Finding{f}, os.Args[5], time.Now()); err != nil {
		panic(err)
	}
}
