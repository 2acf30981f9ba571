package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A claim is a file that holds the time of its making, in milliseconds. It is taken
// over by making another, whose name is the file's name with that time behind it: of
// all who find the same old claim, one can make it. The first file is then brought up
// to date, so that the way along the names stays short; if its maker is killed
// before, that way is only longer.
const (
	claimMark = "claim=" // '=' and '@' are in no key and in no escaped name
	claimNext = "@"
)

// Claim reports whether the caller is the one of many who may do what name stands
// for, for the time life from now on. Names compare without ASCII case; one that
// belongs to a log begins with its key and '/' (see Forget). A claim as old as life is
// free again, and so is one from more than a minute ahead of now. Where nothing can be
// written, everybody may.
func (o *Observations) Claim(name string, life time.Duration, now time.Time) bool {
	won := true
	_ = o.write(func(dir string) (err error) {
		path := filepath.Join(dir, claimFile(name))
		if won, err = claim(path, life, now); won && err == nil {
			sweep(path)
		}
		return err
	})
	return won
}

// claim makes or takes over the claim at path. An error means that nobody can.
func claim(path string, life time.Duration, now time.Time) (won bool, err error) {
	const longest = 100
	mine := strconv.FormatInt(now.UnixMilli(), 10)
	way := []string{path}
	for {
		last := way[len(way)-1]
		made, err := claimed(last)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return true, err
		}
		age := now.Sub(made)
		if age < life && age >= -clockSkew {
			return false, nil
		}
		if len(way) == longest {
			return true, fmt.Errorf("%s: too many claims", path)
		}
		way = append(way, path+claimNext+strconv.FormatInt(made.UnixMilli(), 10))
	}
	switch err := createWith(way[len(way)-1], mine); {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return true, err
	}
	if len(way) > 1 {
		shorten(way, mine)
	}
	return true, nil
}

// shorten brings the first claim of the way up to date, and removes those that are not
// on it. The others on it stay until the next time, for who is walking there now. One
// who still means to take over a removed claim has been asleep for a claim's life.
func shorten(way []string, mine string) {
	temp, err := writeTemp(way[0], []byte(mine), 0o600, unsynced)
	if err != nil {
		return
	}
	if os.Rename(temp, way[0]) != nil {
		_ = os.Remove(temp)
		return
	}
	dir, base := filepath.Split(way[0])
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), base+claimNext) && !slices.Contains(way, dir+e.Name()) {
			_ = os.Remove(dir + e.Name())
		}
	}
}

// claimed returns when the claim at path was made. One that is being written, where
// files cannot be made whole, is as old as its file.
func claimed(path string) (time.Time, error) {
	data, err := readRegular(path)
	if err != nil {
		return time.Time{}, err
	}
	if ms, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil {
		return time.UnixMilli(ms), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// createWith makes the file with its content at once, by a link, or where the file
// system has none in two steps. One that exists is fs.ErrExist.
func createWith(path, content string) error {
	temp, err := writeTemp(path, []byte(content), 0o600, unsynced)
	if err != nil {
		return err
	}
	err = os.Link(temp, path)
	_ = os.Remove(temp)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// claimFile is the name of the file for a claim: begins as name does, and is no longer
// than a file's name may be.
func claimFile(name string) string {
	const most, kept = 150, 80
	word := escape(lowerASCII(name))
	if len(word) > most {
		sum := sha256.Sum256([]byte(word))
		word = word[:kept] + "~" + hex.EncodeToString(sum[:8])
	}
	return claimMark + word
}
