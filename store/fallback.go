package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

// fallBack calls f with one fallback after the other until it succeeds.
func (o *Observations) fallBack(f func(dir string) error) error {
	var failed error
	for _, fallback := range o.fallbacks {
		dir, err := o.make(fallback)
		if err == nil {
			err = f(dir)
		}
		if err == nil {
			return nil
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// readable returns the folders to look into, which it looks for once: there are many
// names that each may have.
func (o *Observations) readable() (dirs []string) {
	if found := o.found.Load(); found != nil {
		return *found
	}
	if o.dir != "" {
		dirs = append(dirs, o.dir)
	}
	for _, fallback := range o.fallbacks {
		for _, dir := range spellings(fallback) {
			if o.private(dir) == nil {
				dirs = append(dirs, dir)
			}
		}
	}
	o.found.Store(&dirs)
	return dirs
}

// spellings returns what the fallback may be called, in the order in which every process
// tries: anybody can be faster and take the first.
func spellings(fallback string) []string {
	all := []string{fallback}
	for i := range 9 {
		all = append(all, fallback+"."+strconv.Itoa(i+1))
	}
	return all
}

// make returns the first of the fallback's names that is a private folder already, or
// else makes the first that is free.
func (o *Observations) make(fallback string) (dir string, err error) {
	for _, dir := range spellings(fallback) {
		if o.private(dir) == nil {
			return dir, nil
		}
	}
	for _, dir := range spellings(fallback) {
		if err = os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		// Another process of ours may have made it just now.
		if err = o.private(dir); err == nil {
			o.found.Store(nil)
			return dir, nil
		}
	}
	return "", err
}

// private returns nil if nobody else can have a hand in the folder: in a directory
// that is everybody's it may be another's, or a link.
func (o *Observations) private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownedBy(info, o.uid) {
		return fmt.Errorf("%s: not a private folder of this user's", dir)
	}
	return nil
}
