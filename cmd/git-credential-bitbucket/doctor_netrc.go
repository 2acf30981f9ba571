package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/leftovers"
)

// checkNetrc looks for entries of the site in the file in which curl, and with it git,
// looks before any helper is asked.
func checkNetrc(_ context.Context, e *examination) []finding {
	if e.home() == "" {
		return nil
	}
	names := []string{".netrc"}
	if runtime.GOOS == "windows" {
		names = append(names, "_netrc")
	}
	var found []finding
	for _, name := range names {
		path := filepath.Join(e.home(), name)
		data, err := readSmall(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			found = append(found, finding{levelNote, "netrc-unreadable", fmt.Sprintf("%s cannot be read: %v", path, cause(err)), "look into it for " + bitbucket.Host})
			continue
		}
		found = append(found, netrcFindings(path, leftovers.ParseNetrc(string(data)))...)
	}
	return found
}

func netrcFindings(path string, entries []leftovers.NetrcEntry) (fs []finding) {
	remove := func(n leftovers.NetrcEntry) string {
		return fmt.Sprintf("remove the entry at line %d of %s", n.Line, path)
	}
	named := false
	for _, n := range entries {
		switch {
		case bitbucket.EqualASCII(n.Machine, bitbucket.Host):
			named = true
			text := fmt.Sprintf("%s holds %s for %s in plain text, which git sends before it asks any helper", path, kindWords(n.Password), bitbucket.Host)
			if bitbucket.KindOf(n.Password) == bitbucket.AppPassword {
				text = fmt.Sprintf("%s holds an app password for %s, which git sends before it asks any helper, and Bitbucket ended those on %s", path, bitbucket.Host, bitbucket.AppPasswordsEnded)
			}
			fs = append(fs, finding{levelProblem, "netrc", text, remove(n) + ", and revoke what it holds"})
		case bitbucket.EqualASCII(n.Machine, bitbucket.RESTHost):
			fs = append(fs, finding{levelNote, "netrc-rest", fmt.Sprintf("%s holds %s for %s in plain text, which curl sends", path, kindWords(n.Password), bitbucket.RESTHost), remove(n)})
		case n.Machine == "" && !named:
			fs = append(fs, finding{levelNote, "netrc-default", path + " has a default entry, which git sends to Bitbucket too, a failed login at each command", remove(n)})
		}
	}
	return fs
}

// readSmall reads a regular file of 1 MiB at most; what is longer is cut off.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, 1<<20))
}
