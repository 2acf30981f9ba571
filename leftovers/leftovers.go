// Package leftovers finds what a machine still holds of Bitbucket's secrets outside the
// store, and takes it out: in git's credential files, configs and history, in .netrc, in
// the JSON of the older tool of this program's name, and in the text of other files.
//
// A secret is a secret.Secret from the read that found it on. What a Finding says in
// words never holds one.
package leftovers

import (
	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A Place is the kind of place in which something is left over. Its text is stable.
type Place string

const (
	CredentialFile Place = "git-credentials" // a line of git credential-store's file
	Netrc          Place = "netrc"           // an entry of .netrc or _netrc
	OlderTool      Place = "older-tool"      // the JSON of the older tool of the same name
	Helper         Place = "helper"          // another git credential helper
	Remote         Place = "remote"          // remote.*.url, pushurl and other addresses of a git config
	Submodule      Place = "submodule"       // .gitmodules, or submodule.*.url of a git config
	InsteadOf      Place = "insteadof"       // url.<base>.insteadOf, url.<base>.pushInsteadOf
	ExtraHeader    Place = "extraheader"     // http.extraHeader, http.<url>.extraHeader
	Environment    Place = "environment"     // .env, shell profiles, variables of this process
	CI             Place = "ci"              // the definition of a CI job
	Packages       Place = "packages"        // pip.conf, .npmrc, composer's auth.json, go env, Docker, Terraform
	File           Place = "file"            // the text of any other file
	Commit         Place = "commit"          // git's history
)

// A Finding is one secret at one place, or one name or username that belongs to none.
type Finding struct {
	Place     Place
	Path      string        // absolute; "" for a helper
	Line      int           // from 1; 0 where there is none
	What      string        // for people, without any secret or control character: "the address of remote origin"
	Host      string        // bitbucket.org, www.bitbucket.org or api.bitbucket.org; "" if the place does not tell
	User      string        // the username beside the secret, as the file has it: may be an e-mail, and is to be cleaned before it is printed
	Workspace string        // of the address, as the file has it; "" none
	Secret    secret.Secret // zero: a name alone (BITBUCKET_APP_PASSWORD), or a username in an address
	Name      string        // of the variable or key, "" none
	At, End   int           // the bytes of the file in which Secret is written, escaped or encoded as it may be; both 0 without one
	Edit      *Edit         // how to take it out; nil: by hand
	Instead   string        // for people, where Edit is nil: what to do by hand
	// Repository is the work tree, or the git folder of a bare one or a submodule, that a
	// git config, .gitmodules or commit belongs to; "" elsewhere.
	Repository string
	Commit     string // abbreviated hash, for the place Commit
}

// An Edit replaces bytes of a file. Two edits of one file are the same span or do not
// touch the same bytes; a span that several findings share may be replaced only when all
// of them are to go. Any choice of the spans leaves a file that can be read as before.
type Edit struct {
	From, To int
	With     string
	Was      secret.Secret // the bytes from From to To, as they were scanned
}

// Kind is the secret's, by its shape.
func (f Finding) Kind() bitbucket.Kind { return bitbucket.KindOf(f.Secret) }

// Counts says what a scan has looked at.
type Counts struct {
	Files        int // all that were met, the passed over among them
	Folders      int
	Binary       int // passed over: a NUL in the first 8,000 bytes
	Huge         int // passed over: above 1 MiB
	Unreadable   int // files and folders that could not be opened or read
	Repositories int
}
