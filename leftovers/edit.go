package leftovers

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store/secret"
)

var (
	// ErrLinked: the file has other names. A rename would leave the secret under those,
	// and writing in place could leave a part of the file.
	ErrLinked = errors.New("has more than one name (hard links), of which only one would be edited")
	// ErrSpans: the findings' edits overlap, contradict each other, or one has none.
	ErrSpans = errors.New("the edits do not fit together")
	// ErrNotKept: what was written is not what is read afterwards.
	ErrNotKept = errors.New("holds something else than was written")
)

// A Result says what Apply has done.
type Result struct {
	File   string // what was replaced: path, with its links followed
	Backup string // the copy of what the file was, with its secrets hidden
}

// Apply makes the findings' edits in the file that all of them are of. A link is
// followed, and its target replaced by write-and-rename, with mode, owner, group and on Linux
// access list as far as that is permitted: a crash leaves the old file or the new one. Before that a
// copy of the old one is on the disk, in backupDir, which is made, under the name of
// stamp and file. In it every secret is hidden, those that stay too: the removed ones
// and other tokens of the site as "<bitbucket:FINGERPRINT …HINT>". git's own files are
// written under git's lock.
//
// Errors are ErrSpans, and *install.FileError around ErrLinked, ErrNotKept,
// install.ErrReadOnly, ErrLocked, ErrNotRegular, ErrChanged (the bytes of an edit are not
// those that were scanned, or the file changed during the edit) or the system's. With
// each but ErrNotKept the file is as it was.
func Apply(path string, findings []Finding, backupDir string, stamp time.Time) (Result, error) {
	edits, err := merged(findings)
	if err != nil {
		return Result{}, err
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Result{}, fileError(path, err)
	}
	r, err := replacement(target, findings, edits, backupDir, stamp)
	if err != nil {
		return Result{}, fileError(path, err)
	}
	return r, nil
}

func replacement(target string, findings []Finding, edits []Edit, backupDir string, stamp time.Time) (Result, error) {
	info, err := editable(target)
	if err != nil {
		return Result{}, err
	}
	temp, err := scratch(target)
	if err != nil {
		return Result{}, notWritable(err)
	}
	replaced := false
	defer func() {
		if !replaced {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
		}
	}()
	before, err := os.ReadFile(target)
	if err != nil {
		return Result{}, err
	}
	after, err := splice(before, edits)
	if err != nil {
		return Result{}, err
	}
	r := Result{File: target}
	if r.Backup, err = writeBackup(backupDir, filepath.Base(target), stamp, hidden(before, findings, tag)); err != nil {
		return Result{}, err
	}
	if err := replace(temp, target, info, before, after, underGit(findings)); err != nil {
		_ = os.Remove(r.Backup)
		return Result{}, err
	}
	replaced = true
	// An error here would tell the caller that nothing was replaced, and something was.
	_ = syncDir(filepath.Dir(target))
	if now, err := os.ReadFile(target); err != nil || !bytes.Equal(now, after) {
		return Result{}, ErrNotKept
	}
	return r, nil
}

// replace fills temp and puts it in the target's place, unless that changed since before
// was read. The data is on the disk before the name is. git's lock is held for the last
// look and the rename alone: one that a killed run leaves behind keeps git from the file.
func replace(temp *os.File, target string, info fs.FileInfo, before, after []byte, locked bool) error {
	if _, err := temp.Write(after); err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if !keepOwner(temp, info) {
		mode &^= 0o070 // the group is another one
	}
	if err := errors.Join(keepMode(temp, target, mode), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if locked {
		release, err := lockGit(target)
		if err != nil {
			return err
		}
		defer release()
	}
	now, err := os.Lstat(target)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if !os.SameFile(now, info) || !bytes.Equal(data, before) {
		return install.ErrChanged
	}
	return notWritable(os.Rename(temp.Name(), target))
}

// editable looks whether the file may be replaced. One that its owner has made read-only
// is not to be written, though a rename could.
func editable(target string) (fs.FileInfo, error) {
	info, err := os.Lstat(target)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, install.ErrNotRegular
	case info.Mode()&0o200 == 0:
		return nil, install.ErrReadOnly
	case names(info) > 1:
		return nil, ErrLinked
	}
	return info, nil
}

// merged are the findings' edits from the file's beginning on, each once.
func merged(findings []Finding) ([]Edit, error) {
	var edits []Edit
	for _, f := range findings {
		if f.Edit == nil || f.Edit.From < 0 || f.Edit.To < f.Edit.From || f.Path != findings[0].Path {
			return nil, ErrSpans
		}
		edits = append(edits, *f.Edit)
	}
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	edits = slices.CompactFunc(edits, func(a, b Edit) bool { return a.From == b.From && a.To == b.To && a.With == b.With })
	for i := range edits[:max(0, len(edits)-1)] {
		if edits[i+1].From < edits[i].To || edits[i+1].From == edits[i].From {
			return nil, ErrSpans
		}
	}
	if len(edits) == 0 {
		return nil, ErrSpans
	}
	return edits, nil
}

// splice is the text with the edits made. It returns install.ErrChanged where one of them
// is not about the bytes that were scanned.
func splice(text []byte, edits []Edit) ([]byte, error) {
	var out []byte
	at := 0
	for _, e := range edits {
		if e.To > len(text) || !secret.New(string(text[e.From:e.To])).Equal(e.Was) {
			return nil, install.ErrChanged
		}
		out = append(append(out, text[at:e.From]...), e.With...)
		at = e.To
	}
	return append(out, text[at:]...), nil
}

// underGit reports whether the file is one that git writes, under a lock.
func underGit(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool {
		return slices.Contains([]Place{CredentialFile, Remote, Submodule, InsteadOf, ExtraHeader}, f.Place)
	})
}

// scratch makes the empty file that is to take the target's place, beside it.
func scratch(target string) (*os.File, error) {
	begin := target + "." + install.Binary + "-"
	f, err := os.OpenFile(begin+rand.Text(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		sweep(begin, f)
	}
	return f, err
}

// sweep removes what killed runs left under names of that beginning and as many of
// rand.Text's characters: another name may be a person's. It compares with the newest one,
// so that the file system's own clock counts.
func sweep(begin string, newest *os.File) {
	const abandoned = 5 * time.Minute
	now, err := newest.Stat()
	if err != nil {
		return
	}
	entries, err := os.ReadDir(filepath.Dir(begin))
	if err != nil {
		return
	}
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), filepath.Base(begin))
		if !ok || len(begin)+len(rest) != len(newest.Name()) || strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			continue
		}
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && now.ModTime().Sub(info.ModTime()) > abandoned {
			_ = os.Remove(filepath.Join(filepath.Dir(begin), entry.Name()))
		}
	}
}

// writeBackup writes a new file in dir, which nobody else may read, and returns its path.
func writeBackup(dir, name string, stamp time.Time, text []byte) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fileError(dir, notWritable(err))
	}
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return "", fileError(dir, notWritable(err))
		}
	}
	name = stamp.UTC().Format("20060102T150405Z") + "-" + fileName(name)
	var f *os.File
	for number := 1; ; number++ {
		f, err = os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s-%d", name, number)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", fileError(dir, notWritable(err))
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return "", fileError(f.Name(), err)
	}
	return f.Name(), nil
}

// fileName is the name with tokens, what any system refuses in one, and what a terminal
// obeys, replaced, and of a length that leaves room for more.
func fileName(name string) string {
	const most = 100
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f || strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, withoutTokens(name, "_"))
	return name[:min(most, len(name))]
}

// fileError names the file, unless the error does.
func fileError(path string, err error) error {
	var known *install.FileError
	if errors.As(err, &known) {
		return err
	}
	var pe *fs.PathError
	var le *os.LinkError
	if errors.As(err, &pe) {
		err = pe.Err
	} else if errors.As(err, &le) {
		err = le.Err
	}
	return &install.FileError{Path: path, Err: err}
}

// notWritable turns the ways in which a system says read-only into install.ErrReadOnly.
func notWritable(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return install.ErrReadOnly
	}
	return err
}
