// Package install tells git about the helper and takes it back: git's config as
// data (the lines that are wanted, those that were ours before, those of others),
// a plan that can be shown before it is applied, and the binary's place.
//
// What it promises: only the keys [KeyHelper], [KeyPath] and [KeyLFS] of one config
// file are ever written, and git writes them; a file changes wholly or not at all,
// under git's own lock, and a check before that finds every other line as it was;
// what stood under those keys is recorded first, and [NewUndo] puts it back.
//
// Nothing here reads the environment: git's and PATH are passed in.
package install

import "runtime"

// Binary is the program's name, without the ".exe" of Windows.
const Binary = "git-credential-bitbucket"

// byName is how git finds [Binary] on its exec path and PATH.
const byName = "bitbucket"

// site is the only URL that is configured.
const site = "https://bitbucket.org"

// The keys that are written.
const (
	KeyHelper = "credential." + site + ".helper"      // empty, which clears the helpers before it (git 2.9), then ours
	KeyPath   = "credential." + site + ".useHttpPath" // true: git and git-lfs name the repository in their requests
	KeyLFS    = "lfs." + site + ".access"             // basic: git-lfs asks for credentials at once, not after a 401
)

// A Scope is one of the places where git keeps its config.
type Scope string

// The scopes in the order in which git reads them, then the one that only [Options] has.
const (
	ScopeSystem   Scope = "system"
	ScopeGlobal   Scope = "global"
	ScopeLocal    Scope = "local"
	ScopeWorktree Scope = "worktree"
	ScopeCommand  Scope = "command" // git -c and GIT_CONFIG_COUNT
	ScopeFile     Scope = "file"    // Options.File, wherever git may read it from
)

// rank orders the scopes as git reads them.
var rank = map[Scope]int{ScopeSystem: 1, ScopeGlobal: 2, ScopeLocal: 3, ScopeWorktree: 4, ScopeCommand: 5}

// Options say where the lines go and what they are.
type Options struct {
	Git     Git
	Scope   Scope  // ScopeSystem, ScopeGlobal, ScopeLocal or ScopeFile
	File    string // the config file, for ScopeFile only; relative to Git.Dir
	Program string // the binary's absolute path
	ByName  bool   // write "bitbucket" in place of the path
	Flags   string // behind a new helper, as the shell reads them, the leading blank included
	LFS     bool   // write KeyLFS too
	Backup  string // file that records what was replaced, made when first needed; its folder must exist
}

func (o Options) value(flags string) string {
	if o.ByName {
		return byName + flags
	}
	return HelperValue(o.Program, runtime.GOOS) + flags
}
