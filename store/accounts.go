package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNoAccounts: nothing is stored.
var ErrNoAccounts = errors.New("no account is stored")

// ErrFormat: the file was written by another version, in a format unknown to this one.
var ErrFormat = errors.New("unknown format version")

// errNoFolder: there is no home, so no place for records.
var errNoFolder = errors.New("no folder for records")

// RecordError says where a file of accounts is broken. Err is ErrFormat for an unknown
// format version.
type RecordError struct {
	Path string
	Line int // from 1; 0 for a file that cannot be read at all
	Err  error
}

func (e *RecordError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s: line %d: %v", e.Path, e.Line, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// Accounts is the file of accounts and routes: JSON lines, the first
// `{"format":1}`, then one for each Account and Route with the fields in the order of
// the struct and no blanks. A person may edit it: blank lines, blanks between fields,
// CR LF and a byte order mark are understood, and gone after the next Update. Fields
// and lines of a later version are kept.
type Accounts struct{ dir, name string }

// OpenAccounts returns the accounts kept in dir. It touches nothing. Where dir is "",
// Read finds nothing and Update fails.
func OpenAccounts(dir string) *Accounts { return &Accounts{dir, "accounts"} }

// OpenPrevious returns the record of the token that each account in dir had before it
// was last rotated: a file of the same format beside that of the accounts.
func OpenPrevious(dir string) *Accounts { return &Accounts{dir, "previous"} }

// Path is the file's, which need not exist.
func (a *Accounts) Path() string { return filepath.Join(a.dir, a.name) }

// Read returns the file as it is now. A missing or empty file is an empty Snapshot. A
// file that cannot be read, or whose damage shows without decoding each line, is a
// *RecordError; what it takes decoding to find is reported by the Snapshot's methods.
func (a *Accounts) Read() (Snapshot, error) {
	data, err := a.read()
	if err != nil {
		return Snapshot{}, err
	}
	return newSnapshot(a.Path(), data)
}

func (a *Accounts) read() (data []byte, err error) {
	if a.dir == "" {
		return nil, nil
	}
	err = retry(func() (err error) {
		data, err = readRegular(a.Path())
		return err
	})
	// HOME=/dev/null, as build machines set it, leads below something that is no folder.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, &RecordError{Path: a.Path(), Err: err}
	}
	return data, nil
}

// Writable returns nil if Update can write, or else why not. It tries by writing.
func (a *Accounts) Writable() error { return writable(a.dir) }

// updateLimit is how long Update waits for others' updates, each of some milliseconds.
const updateLimit = 2 * time.Second

// Exclusive keeps the commands apart that change a token and its record together, and
// returns the end of that. It is held while a keyring is waited for, and so it is taken
// by commands for people and for keeping a token that a person typed to git; never to
// answer git's get or to note an erase. Where another has it for longer than limit, it
// is ErrBusy. There is one for all records in a folder.
func (a *Accounts) Exclusive(limit time.Duration) (unlock func(), err error) {
	if a.dir == "" {
		return nil, errNoFolder
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, err
	}
	return lockFor(limit, filepath.Join(a.dir, "writer.lock"))
}

// Renewing keeps the processes apart that renew the account's OAuth token, or change how
// it is renewed, and returns the end of that. It alone is held while the network is
// waited for: a refresh token works once, and so one process uses it. Where another has
// it for longer than limit, it is ErrBusy. Whoever takes Exclusive as well does so first.
func (a *Accounts) Renewing(account string, limit time.Duration) (unlock func(), err error) {
	if a.dir == "" {
		return nil, errNoFolder
	}
	if err := ValidName(account); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, err
	}
	// With the name behind, for Windows has devices called con and aux.
	return lockFor(limit, filepath.Join(a.dir, "oauth-"+account+".lock"))
}

// Update lets change alter the accounts as they are now, under a lock that one process
// at a time holds, and replaces the file: after a crash it is the old one or the new
// one. An error of change's is returned as it is, and nothing is written; nor is it
// where nothing changed. Change must not wait for a person, a keyring or the network.
// A lock that others hold for two seconds is ErrBusy.
func (a *Accounts) Update(change func(*Book) error) error {
	if a.dir == "" {
		return errNoFolder
	}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	unlock, err := lockFor(updateLimit, a.Path()+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	data, err := a.read()
	if err != nil {
		return err
	}
	doc, err := parse(a.Path(), data)
	if err != nil {
		return err
	}
	before, err := doc.encode()
	if err != nil {
		return err
	}
	if err := change(&doc.book); err != nil {
		return err
	}
	after, err := doc.encode()
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	removeTemps(a.Path())
	return writeFileAtomic(a.Path(), after, 0o600)
}
