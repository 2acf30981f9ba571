package install

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrReadOnly: the config file or its folder may not be written.
	ErrReadOnly = errors.New("is read-only")
	// ErrLocked: another program holds git's lock on the file, or died with it.
	ErrLocked = errors.New("is locked by another program")
	// ErrNotRegular: the config is a device, a folder or the like, such as GIT_CONFIG_GLOBAL=/dev/null.
	ErrNotRegular = errors.New("is not a regular file")
	// ErrChanged: between planning and applying, someone else changed the same lines otherwise.
	ErrChanged = errors.New("was changed meanwhile")
	// ErrNotRepository: [ScopeLocal] was asked for outside a repository.
	ErrNotRepository = errors.New("not in a git repository")
	// ErrUnnamed: the options, GIT_CONFIG_GLOBAL or GIT_CONFIG_SYSTEM name the file by an empty text.
	ErrUnnamed = errors.New("is empty, and names no file")
	// ErrNoHome: neither GIT_CONFIG_GLOBAL nor a home folder is known for [ScopeGlobal].
	ErrNoHome = errors.New("no home folder, so no global config")
)

// A FileError is a file that could not be read or written. Err wraps one of the
// package's errors, or the system's: fs.ErrNotExist is a missing folder.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// A GitError is a git command that failed.
type GitError struct {
	Command string // the subcommand and its options, no values
	Stderr  string // trimmed
	Err     error
}

func (e *GitError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("git %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("git %s: %s", e.Command, strings.ReplaceAll(e.Stderr, "\n", "; "))
}
func (e *GitError) Unwrap() error { return e.Err }

// A TooOldError is a git before [Oldest].
type TooOldError struct{ Version Version }

func (e *TooOldError) Error() string {
	return fmt.Sprintf("git %s is older than %s", e.Version, Oldest)
}
