package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// historyMost is the size in bytes above which a history loses its older half.
const historyMost = 256 << 10

// Entry is one thing that a command did to an account. Nothing in it is secret.
type Entry struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"` // "stored", "rotated", "forgotten" …
	Account string    `json:"account,omitempty"`
	By      string    `json:"by,omitempty"` // the command
	Detail  string    `json:"detail,omitempty"`
}

// History is what was done to the accounts, oldest first: a file of JSON lines, of
// 256 KiB and a line at most.
type History struct{ dir string }

// OpenHistory returns the history kept in dir. It touches nothing. Where dir is "",
// Read finds nothing and Append fails.
func OpenHistory(dir string) *History { return &History{dir} }

func (h *History) path() string { return filepath.Join(h.dir, "history") }

// historyLimit is short: a line of history is worth no wait.
const historyLimit = 100 * time.Millisecond

// Append adds e. One process at a time does; where another takes longer than a tenth of
// a second, it is ErrBusy.
func (h *History) Append(e Entry) error {
	if h.dir == "" {
		return errNoFolder
	}
	e.At = e.At.UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return err
	}
	unlock, err := lockFor(historyLimit, h.path()+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	f, err := openRegular(h.path(), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	size, err := appendLine(f, append(line, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if size > historyMost {
		return h.halve()
	}
	return nil
}

// halve drops the older half. Only under the lock.
func (h *History) halve() error {
	data, err := readRegular(h.path())
	if err != nil {
		return err
	}
	half := data[len(data)/2:]
	half = half[bytes.IndexByte(half, '\n')+1:]
	removeTemps(h.path())
	return writeFileAtomic(h.path(), half, 0o600)
}

// Read returns the entries; none where there is no file. A broken line is passed over.
func (h *History) Read() ([]Entry, error) {
	if h.dir == "" {
		return nil, nil
	}
	var data []byte
	err := retry(func() (err error) {
		data, err = readRegular(h.path())
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for line := range bytes.Lines(data) {
		var e Entry
		if json.Unmarshal(line, &e) == nil && e.What != "" {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
