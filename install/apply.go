package install

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Apply makes the changes: git edits a copy beside the config file, the copy is
// checked, the record is written, and the copy takes the file's place under git's
// lock. When any of that fails, file and record are as they were. A file that
// changed meanwhile is edited anew; where the same lines changed, and not to what
// is wanted, the error is ErrChanged. Others are *FileError, *GitError and the context's.
func (p *Plan) Apply(ctx context.Context) error {
	if p.Empty() {
		return nil
	}
	const tries = 20
	for try := 1; ; try++ {
		err := p.apply(ctx)
		if !errors.Is(err, errMoved) && !errors.Is(err, ErrLocked) {
			return err
		}
		if try == tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(10+5*try) * time.Millisecond):
		}
		now, err := p.options.plan(ctx, p.undo)
		if err != nil {
			return err
		}
		if len(now.Changes) > 0 && !slices.EqualFunc(now.Changes, p.Changes, sameChange) {
			return &FileError{p.File, ErrChanged}
		}
		if p = now; p.Empty() {
			return nil
		}
	}
}

// errMoved: the file is not what the copy was made of.
var errMoved = fmt.Errorf("%w, again and again", ErrChanged)

func sameChange(a, b Change) bool {
	return a.Key == b.Key && slices.Equal(a.Old, b.Old) && slices.Equal(a.New, b.New)
}

func (p *Plan) apply(ctx context.Context) error {
	before, err := readConfig(p.File)
	if err != nil {
		return err
	}
	var copied string
	if len(p.Changes) > 0 {
		if copied, err = scratch(p.File, before); err != nil {
			return err
		}
		defer os.Remove(copied)
		if err := p.edit(ctx, copied); err != nil {
			return err
		}
	}
	unlock, err := lock(p.File)
	if err != nil {
		return err
	}
	defer unlock()
	now, err := readConfig(p.File)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, before) || (now == nil) != (before == nil) {
		return &FileError{p.File, errMoved}
	}
	return p.commit(copied)
}

// edit lets git change the copy, and proves that it did that and no more.
func (p *Plan) edit(ctx context.Context, copied string) error {
	g := p.options.Git
	before, err := g.readFile(ctx, copied)
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, c := range p.Changes {
		keys[c.Key] = true
		if !slices.Equal(values(before, c.Key), c.Old) {
			return &FileError{p.File, errMoved}
		}
		for _, args := range c.args() {
			if _, err := g.run(ctx, append([]string{"config", "--file", copied}, args...)...); err != nil {
				return err
			}
		}
	}
	if p.undo {
		if err := cutHeaders(copied); err != nil {
			return err
		}
	}
	after, err := g.readFile(ctx, copied)
	if err != nil {
		return err
	}
	others := func(lines []Line) []Line {
		return slices.DeleteFunc(lines, func(l Line) bool { return keys[l.Key] })
	}
	for _, c := range p.Changes {
		if !slices.Equal(values(after, c.Key), c.New) {
			return &FileError{p.File, errors.New("git did not write " + c.Key + " as asked")}
		}
	}
	if !slices.Equal(others(before), others(after)) {
		return &FileError{p.File, errors.New("git changed other lines too")}
	}
	return nil
}

// cutHeaders takes our empty section headers from the file's end. git takes them
// itself, but not where a comment stands right before (git's config.c,
// maybe_remove_section).
func cutHeaders(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return &FileError{path, unwrapPath(err)}
	}
	rest := data
	for cut := true; cut; {
		cut = false
		for _, section := range []string{"credential", "lfs"} {
			var found bool
			rest, found = bytes.CutSuffix(rest, []byte("["+section+" \""+site+"\"]\n"))
			cut = cut || found
		}
	}
	if len(rest) == len(data) {
		return nil
	}
	if err := os.Truncate(path, int64(len(rest))); err != nil {
		return &FileError{path, unwrapPath(err)}
	}
	return nil
}

// commit writes the record and then the file, or, on the way back, the file first:
// at no moment is a foreign line in neither.
func (p *Plan) commit(copied string) error {
	unlock, err := lock(p.options.Backup)
	if err != nil {
		return err
	}
	defer unlock()
	kept, err := readBackup(p.options.Backup)
	if err != nil {
		return err
	}
	known := kept.Files[p.File]
	if p.undo {
		if err := p.replace(copied, known != nil && known.Created); err != nil {
			return err
		}
		delete(kept.Files, p.File)
		return writeBackup(p.options.Backup, kept)
	}
	kept.Files[p.File] = p.record
	if err := writeBackup(p.options.Backup, kept); err != nil {
		return err
	}
	if err := p.replace(copied, false); err != nil {
		if kept.Files[p.File] = known; known == nil {
			delete(kept.Files, p.File)
		}
		return errors.Join(err, writeBackup(p.options.Backup, kept))
	}
	return nil
}

// replace puts the copy in the file's place; a file that we made and that is empty
// again goes.
func (p *Plan) replace(copied string, created bool) error {
	if copied == "" {
		return nil
	}
	if info, err := os.Stat(copied); created && err == nil && info.Size() == 0 {
		if err := os.Remove(p.File); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &FileError{p.File, notWritable(err)}
		}
		return nil
	}
	if err := os.Rename(copied, p.File); err != nil {
		return &FileError{p.File, notWritable(err)}
	}
	return nil
}

// readConfig returns nil for a file that is missing, else its bytes. A file that its
// owner has made read-only is one that is not to be written, though a rename could.
func readConfig(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &FileError{path, unwrapPath(err)}
	}
	if data == nil {
		data = []byte{}
	}
	return data, nil
}

// scratch copies the file for git to edit, beside it and with its mode; a new one
// has the mode that git would give it.
func scratch(path string, data []byte) (string, error) {
	mode := fs.FileMode(0o600)
	var want fs.FileMode
	if data == nil {
		mode = 0o666
	} else {
		info, err := os.Stat(path)
		if err != nil {
			return "", &FileError{path, unwrapPath(err)}
		}
		if want = info.Mode().Perm(); want&0o200 == 0 {
			return "", &FileError{path, ErrReadOnly}
		}
	}
	name := filepath.Join(filepath.Dir(path), "."+Binary+"-"+rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return "", &FileError{path, notWritable(err)}
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	if want != 0 {
		err = errors.Join(err, f.Chmod(want))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(name)
		return "", &FileError{path, unwrapPath(err)}
	}
	return name, nil
}

// lock takes the lock that git takes before it writes a file: path.lock, made
// exclusively (git's lockfile.h).
func lock(path string) (unlock func(), err error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, &FileError{path, ErrLocked}
	}
	if err != nil {
		return nil, &FileError{path, notWritable(err)}
	}
	_ = f.Close()
	return func() { _ = os.Remove(name) }, nil
}

// notWritable turns the ways in which a system says read-only into ErrReadOnly.
func notWritable(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return ErrReadOnly
	}
	return unwrapPath(err)
}

// unwrapPath drops the operation and the path: FileError says the path.
func unwrapPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	return err
}
