package store

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Beside a token's log lies what became of it after a get: git calls a helper again
// when Bitbucket took the token or answered 401, and is silent on every other answer.
// The file has a line per get without an outcome: the time in milliseconds, the
// workspace, and for how many gets it stands. A line with a time alone is a use that
// counts no more. It is changed in place without a lock: what a get appends while another
// process settles may be lost, and of a line that is cut off nothing is taken for a get.
const (
	usesSuffix = ".uses" // no fingerprint has a '.'
	usesMost   = 4 << 10 // bytes, before it is rewritten
	usesKept   = 2 << 10 // bytes, of more
	usesPadded = 256     // bytes, up to which blank lines are cheaper than a truncation
	stampLen   = 13      // digits of a time in milliseconds, from 2001 to 2286
	apart      = 2 * time.Second
	usedAgain  = time.Minute // how exact Used is
)

// Uses is what became of the gets that were answered with a token.
type Uses struct {
	Last   time.Time   // the last of all; zero: none is known
	Silent []SilentUse // by workspace
}

// SilentUse counts the separate gets in a workspace of which nothing was heard, since the
// last outcome there. Gets within two seconds of the first are those of one command.
type SilentUse struct {
	Workspace string // lower case; "": git names none
	Count     int
	Last      time.Time
}

// Served notes that a get for the workspace was answered with the token, and returns
// how many separate ones in a row, this included, have had no outcome there. Workspaces
// are compared without ASCII case. Where nothing can be written it is 1.
func (o *Observations) Served(key, workspace string, now time.Time) (silent int) {
	return o.use(key, useWord(workspace), now)
}

// Used notes that a get was answered with the token for a caller that never tells an
// outcome.
func (o *Observations) Used(key string, now time.Time) { o.use(key, noWord, now) }

// Settled notes that git told an outcome of the token in the workspace. It writes only
// where there is something to clear.
func (o *Observations) Settled(key, workspace string, now time.Time) {
	word := useWord(workspace)
	o.settle(key, now, func(w string) bool { return w == word })
}

// SettledAll is Settled for every workspace.
func (o *Observations) SettledAll(key string, now time.Time) {
	o.settle(key, now, func(string) bool { return true })
}

// Uses returns what is known of the token's use. As in Health, a time more than a minute
// ahead of now is told as long past.
func (o *Observations) Uses(key string, now time.Time) Uses {
	var all Uses
	if validKey(key) != nil {
		return all
	}
	for _, dir := range o.readable() {
		f, err := openRegular(filepath.Join(dir, key+usesSuffix), os.O_RDONLY, 0)
		if err != nil {
			continue
		}
		t := readUses(f, now)
		_ = f.Close()
		all.Last = later(all.Last, t.last)
		for _, s := range t.silent {
			workspace, err := unescape(s.word)
			if err != nil {
				continue
			}
			last := noFuture(time.UnixMilli(s.last), now)
			i := slices.IndexFunc(all.Silent, func(u SilentUse) bool { return u.Workspace == workspace })
			if i < 0 {
				all.Silent = append(all.Silent, SilentUse{workspace, s.count, last})
				continue
			}
			all.Silent[i].Count += s.count
			all.Silent[i].Last = later(all.Silent[i].Last, last)
		}
	}
	slices.SortFunc(all.Silent, func(a, b SilentUse) int { return strings.Compare(a.Workspace, b.Workspace) })
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// useWord is the workspace in a line; noWord is none's.
func useWord(workspace string) string { return escape(lowerASCII(clip(workspace))) }

const noWord = ""

// useTally is a file of uses, counted.
type useTally struct {
	now    time.Time // when it was read
	size   int       // bytes that were read
	whole  bool      // they end in a whole line
	last   time.Time
	silent []silentUses
}

// silentUses are those of one workspace.
type silentUses struct {
	word        string
	count       int
	first, last int64 // of the last separate get
}

// readUses reads f, of which no more is of interest than was ever written to it.
func readUses(f *os.File, now time.Time) useTally {
	var usual [512]byte
	n, _ := f.Read(usual[:])
	data := usual[:max(n, 0)]
	if n == len(usual) {
		more, _ := io.ReadAll(io.LimitReader(f, 2*usesMost))
		data = append(data, more...)
	}
	t := useTally{now: now, size: len(data), whole: len(data) == 0 || data[len(data)-1] == '\n'}
	for line := range bytes.Lines(data) {
		t.line(strings.TrimRight(string(line), "\r\n"))
	}
	return t
}

// line counts a line; one that is damaged is passed over.
func (t *useTally) line(line string) {
	stamp, rest, more := strings.Cut(line, " ")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(stamp) != stampLen {
		return
	}
	if !more {
		t.used(at)
		return
	}
	word, count, _ := strings.Cut(rest, " ")
	if n := number(count); n > 0 && word != noWord {
		t.add(word, at, n)
	}
}

func (t *useTally) used(at int64) { t.last = later(t.last, noFuture(time.UnixMilli(at), t.now)) }

// add counts n gets and returns how many there are now.
func (t *useTally) add(word string, at int64, n int) int {
	t.used(at)
	i := slices.IndexFunc(t.silent, func(s silentUses) bool { return s.word == word })
	if i < 0 {
		t.silent = append(t.silent, silentUses{word, n, at, at})
		return n
	}
	s := &t.silent[i]
	s.last = at
	if n > 1 || time.Duration(at-s.first).Abs() >= apart/time.Millisecond {
		s.count += n
		s.first = at
	}
	return s.count
}

// encode is the shortest file that is counted as t. Where there are many workspaces it
// keeps the latest.
func (t *useTally) encode() []byte {
	var file []byte
	if !t.last.IsZero() {
		file = append(stamp(t.last), '\n')
	}
	newest := slices.SortedStableFunc(slices.Values(t.silent), func(a, b silentUses) int { return cmp.Compare(b.last, a.last) })
	for _, s := range newest {
		line := useLine(time.UnixMilli(s.last), s.word, s.count)
		if len(file)+len(line) > usesKept {
			break
		}
		file = append(file, line...)
	}
	return file
}

func stamp(t time.Time) []byte { return strconv.AppendInt(nil, t.UnixMilli(), 10) }

func useLine(at time.Time, word string, n int) []byte {
	line := stamp(at)
	if word != noWord {
		line = append(append(line, ' '), word...)
		line = strconv.AppendInt(append(line, ' '), int64(n), 10)
	}
	return append(line, '\n')
}

// use notes a get, and returns how many it makes for that word.
func (o *Observations) use(key, word string, now time.Time) (silent int) {
	silent = 1
	if validKey(key) != nil {
		return silent
	}
	_ = o.write(func(dir string) (err error) {
		silent, err = appendUse(filepath.Join(dir, key+usesSuffix), word, now)
		return err
	})
	return silent
}

func appendUse(path, word string, now time.Time) (silent int, err error) {
	f, err := openRegular(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 1, err
	}
	t := readUses(f, now)
	if word == noWord && now.Sub(t.last) < usedAgain {
		return 0, f.Close()
	}
	line := useLine(now, word, 1)
	if !t.whole {
		line = append([]byte{'\n'}, line...)
	}
	_, err = f.Write(line)
	if err := errors.Join(err, f.Close()); err != nil {
		return 1, err
	}
	if word == noWord {
		t.used(now.UnixMilli())
	} else {
		silent = t.add(word, now.UnixMilli(), 1)
	}
	switch {
	case t.size == 0:
		sweep(path)
	case t.size+len(line) > usesMost:
		_ = rewriteUses(path, now, func(string) bool { return false }) // it works as well as it was
	}
	return silent, nil
}

// settle drops the lines of those words, wherever there are such.
func (o *Observations) settle(key string, now time.Time, done func(word string) bool) {
	if validKey(key) != nil {
		return
	}
	for _, dir := range o.readable() {
		_ = rewriteUses(filepath.Join(dir, key+usesSuffix), now, done)
	}
}

// rewriteUses shortens the file by those words' lines, or if it has none and is long, by
// what counts no more.
func rewriteUses(path string, now time.Time, done func(word string) bool) error {
	f, err := openRegular(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	t := readUses(f, now)
	before := len(t.silent)
	t.silent = slices.DeleteFunc(t.silent, func(s silentUses) bool { return done(s.word) })
	if len(t.silent) == before && t.size <= usesMost {
		return nil
	}
	file := t.encode()
	length := len(file)
	if t.size <= usesPadded {
		file = append(file, bytes.Repeat([]byte{'\n'}, max(0, t.size-length))...)
	}
	if _, err := f.WriteAt(file, 0); err != nil || t.size <= usesPadded {
		return err
	}
	return f.Truncate(int64(length))
}
