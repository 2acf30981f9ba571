package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	compactAbove = 4 << 10   // bytes of a log, and each time it has grown by as much again
	readMost     = 256 << 10 // bytes of a log, its last
)

// Observations is what has been seen of tokens: a folder with a log per key, which is
// a token's fingerprint or "account." and an account's name. All of it may be lost at
// any time, and a failure here must fail no get.
//
// A log is text, a line per event, appended without a lock. An append while another
// process compacts may be lost, and so may one that a full disk cuts off; neither
// garbles another line.
type Observations struct {
	dir       string
	fallbacks []string
	uid       int
	found     atomic.Pointer[[]string] // what readable returned
}

// OpenObservations returns the observations kept in dir, and where that cannot be
// written in the first fallback that can. A fallback is a folder to be made below a
// directory that others may write to, used only if it is a folder of uid's with mode
// 0700 and no link. Where somebody else has its name, NAME.1 to NAME.9 are tried. Each
// may be "" for none. It touches nothing.
func OpenObservations(dir string, fallbacks []string, uid int) *Observations {
	fallbacks = slices.DeleteFunc(slices.Clone(fallbacks), func(f string) bool { return f == "" })
	return &Observations{dir: dir, fallbacks: fallbacks, uid: uid}
}

// Append adds e to key's log with one write, and compacts the log when it has grown.
func (o *Observations) Append(key string, e Event) error {
	if err := validKey(key); err != nil {
		return err
	}
	line, err := e.line()
	if err != nil {
		return err
	}
	return o.write(func(dir string) error { return appendLog(filepath.Join(dir, key), line) })
}

func appendLog(path string, line []byte) error {
	f, err := openRegular(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	size, err := appendLine(f, line)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if size == 0 {
		sweep(path)
	}
	if (size+int64(len(line)))/compactAbove > size/compactAbove {
		_ = compactLog(path) // it works as well as it was
	}
	return nil
}

// appendLine appends line with one write and returns the size before. After a write
// that was cut off, line begins anew. F is open for reading too.
func appendLine(f *os.File, line []byte) (size int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size = info.Size()
	// Another's write may be seen half done here; then there is a blank line, no harm.
	var last [1]byte
	if size > 0 {
		if _, err := f.ReadAt(last[:], size-1); err == nil && last[0] != '\n' {
			line = append([]byte{'\n'}, line...)
		}
	}
	_, err = f.Write(line)
	return size, err
}

// compactLog replaces the log by a shorter one that means the same, unless somebody
// appended meanwhile: the next to append tries again.
func compactLog(path string) error {
	before, err := os.Stat(path)
	if err != nil {
		return err
	}
	var short bytes.Buffer
	for _, e := range readLog(path).compact() {
		line, err := e.line()
		if err != nil {
			return err
		}
		short.Write(line)
	}
	temp, err := writeTemp(path, short.Bytes(), 0o600, unsynced)
	if err != nil {
		return err
	}
	after, err := os.Stat(path)
	if err == nil && (!os.SameFile(before, after) || before.Size() != after.Size()) {
		err = errors.New("changed meanwhile")
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
		return err
	}
	removeOldTemps(path)
	return nil
}

// removeOldTemps removes what killed processes left beside path. A temporary file
// lives for milliseconds; one an hour older than path, just written, is nobody's.
func removeOldTemps(path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), tempSuffix) {
			continue
		}
		if old, err := e.Info(); err == nil && info.ModTime().Sub(old.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
}

// readLog returns the events of the log at path; none where it cannot be read.
func readLog(path string) Log {
	f, err := openRegular(path, os.O_RDONLY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	start := max(0, info.Size()-readMost)
	data, err := io.ReadAll(io.NewSectionReader(f, start, readMost))
	if err != nil {
		return nil
	}
	var log Log
	for line := range bytes.Lines(data) {
		if e, ok := parseEvent(strings.TrimRight(string(line), "\r\n")); ok {
			log = append(log, e)
		}
	}
	return log
}

// Read returns key's log, oldest event first. What is missing or cannot be read is
// empty, and a broken line is passed over. Where both folders have one, they are merged
// by time.
func (o *Observations) Read(key string) Log {
	if validKey(key) != nil {
		return nil
	}
	var logs []Log
	for _, dir := range o.readable() {
		if log := readLog(filepath.Join(dir, key)); log != nil {
			logs = append(logs, log)
		}
	}
	return merge(logs)
}

// Known reports whether key has a log. That the answer's time depends on key tells
// nothing: a fingerprint is a hash.
func (o *Observations) Known(key string) bool {
	if validKey(key) != nil {
		return false
	}
	for _, dir := range o.readable() {
		if info, err := os.Stat(filepath.Join(dir, key)); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
			return true
		}
	}
	return false
}

// Forget removes key's log, its uses, and the claims named key or with key and '/' in front: for
// a token that is forgotten or replaced.
func (o *Observations) Forget(key string) {
	if validKey(key) != nil {
		return
	}
	for _, dir := range o.readable() {
		_ = os.Remove(filepath.Join(dir, key))
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			name := e.Name()
			claim, claimed := strings.CutPrefix(name, claimFile(key))
			if claimed && (claim == "" || strings.HasPrefix(claim, escape("/")) || strings.HasPrefix(claim, claimNext)) || name == key+usesSuffix ||
				strings.HasPrefix(name, key+".") && strings.HasSuffix(name, tempSuffix) {
				_ = os.Remove(filepath.Join(dir, name))
			}
		}
	}
}

// Writable returns nil if events are kept in the folder meant for them, or else why
// not, and whether the fallback serves. It tries by writing.
func (o *Observations) Writable() error {
	err := writable(o.dir)
	if err == nil {
		return nil
	}
	if len(o.fallbacks) == 0 {
		return err
	}
	var used string
	private := o.fallBack(func(dir string) error {
		used = dir
		return writable(dir)
	})
	if private != nil {
		return fmt.Errorf("%w; nor can they be kept in a folder for the session or for temporary files: %w", err, private)
	}
	return fmt.Errorf("%w; kept in %s instead", err, used)
}

func writable(dir string) error {
	if dir == "" {
		return errNoFolder
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "*"+tempSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n") // a full disk still makes files
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// write calls f with the folder, and if that fails with a fallback. Where there is no
// folder yet it calls f again.
func (o *Observations) write(f func(dir string) error) error {
	err := errNoFolder
	if o.dir != "" {
		if err = f(o.dir); errors.Is(err, fs.ErrNotExist) {
			if err = os.MkdirAll(o.dir, 0o700); err == nil {
				err = f(o.dir)
			}
		}
	}
	if err == nil {
		return nil
	}
	if len(o.fallbacks) == 0 {
		return err
	}
	if private := o.fallBack(f); private != nil {
		return errors.Join(err, private)
	}
	return nil
}

// validKey accepts what is safe as a file's name and no claim's.
func validKey(key string) error {
	return ValidName(strings.TrimPrefix(key, "account."))
}
