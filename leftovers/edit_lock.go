package leftovers

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"git-credential-bitbucket/install"
)

// lockGit takes git's lock of a file, path.lock (git's lockfile.h). It is a symbolic link
// to nothing, which tells ours from git's at once: one of ours that stays as it is for two
// seconds was left by a killed run, since it is held for a rename, and is taken away. Where
// there are no such links it is an empty file, as git's is at first. The error is
// install.ErrLocked, install.ErrReadOnly or the system's.
func lockGit(target string) (release func(), err error) {
	const step, most = 50 * time.Millisecond, 40
	path, begin := target+".lock", install.Binary+"-"
	release = func() { _ = os.Remove(path) }
	own := begin + rand.Text()
	held, times := "", 0
	for {
		err := os.Symlink(own, path)
		if err == nil {
			return release, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		now, err := os.Readlink(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil || !strings.HasPrefix(now, begin):
			return nil, install.ErrLocked
		case now != held:
			held, times = now, 0
		}
		if times++; times > most {
			if err := os.Remove(path); err != nil {
				return nil, install.ErrLocked
			}
			continue
		}
		time.Sleep(step)
	}
	lock, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, install.ErrLocked
	}
	if err != nil {
		return nil, notWritable(err)
	}
	_ = lock.Close()
	return release, nil
}
