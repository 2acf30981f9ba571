package store

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	sweepEach = 24 * time.Hour
	unused    = 90 * 24 * time.Hour // longer than every pause, and than a token rests that is in use
	sweepName = "=sweep"            // '=' is in no key
)

// sweep removes, once a day, the logs and claims beside path that nobody has written to
// for 90 days: those of tokens that were replaced elsewhere. Path was written just now,
// and its time is taken for the present.
func sweep(path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	dir, now := filepath.Dir(path), info.ModTime()
	if won, err := claim(filepath.Join(dir, claimFile(sweepName)), sweepEach, now); err != nil || !won {
		return
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if validKey(e.Name()) != nil && !strings.HasPrefix(e.Name(), claimMark) {
			continue
		}
		if old, err := e.Info(); err == nil && old.Mode().IsRegular() && now.Sub(old.ModTime()) > unused {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// Sweep removes what killed writers of the file left beside it.
func (a *Accounts) Sweep() {
	if a.dir == "" || len(temps(a.Path())) == 0 {
		return
	}
	unlock, err := lockFor(updateLimit, a.Path()+".lock")
	if err != nil {
		return
	}
	defer unlock()
	removeTemps(a.Path())
}
