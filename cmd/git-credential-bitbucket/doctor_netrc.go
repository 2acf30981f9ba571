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
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A netrcEntry is one machine of a .netrc.
type netrcEntry struct {
	machine  string // "" is default
	line     int
	password secret.Secret
}

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
		found = append(found, netrcFindings(path, parseNetrc(string(data)))...)
	}
	return found
}

func netrcFindings(path string, entries []netrcEntry) (fs []finding) {
	remove := func(n netrcEntry) string { return fmt.Sprintf("remove the entry at line %d of %s", n.line, path) }
	named := false
	for _, n := range entries {
		switch {
		case bitbucket.EqualASCII(n.machine, bitbucket.Host):
			named = true
			text := fmt.Sprintf("%s holds %s for %s in plain text, which git sends before it asks any helper", path, kindWords(n.password), bitbucket.Host)
			if bitbucket.KindOf(n.password) == bitbucket.AppPassword {
				text = fmt.Sprintf("%s holds an app password for %s, which git sends before it asks any helper, and Bitbucket ended those on %s", path, bitbucket.Host, bitbucket.AppPasswordsEnded)
			}
			fs = append(fs, finding{levelProblem, "netrc", text, remove(n) + ", and revoke what it holds"})
		case bitbucket.EqualASCII(n.machine, bitbucket.RESTHost):
			fs = append(fs, finding{levelNote, "netrc-rest", fmt.Sprintf("%s holds %s for %s in plain text, which curl sends", path, kindWords(n.password), bitbucket.RESTHost), remove(n)})
		case n.machine == "" && !named:
			fs = append(fs, finding{levelNote, "netrc-default", path + " has a default entry, which git sends to Bitbucket too, a failed login at each command", remove(n)})
		}
	}
	return fs
}

// parseNetrc reads the file as curl does (lib/netrc.c): words, quoted or not; lines that
// begin with "#" and macros, which end at an empty line, are passed over.
func parseNetrc(text string) []netrcEntry {
	var entries []netrcEntry
	at := -1 // the entry that words belong to
	expect := ""
	macro := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		if macro {
			macro = strings.TrimSpace(line) != ""
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range netrcWords(line) {
			if expect == "machine" {
				entries[at].machine = word
			} else if expect == "password" && at >= 0 {
				entries[at].password = secret.New(word)
			}
			if expect != "" {
				expect = ""
				continue
			}
			switch strings.ToLower(word) {
			case "machine", "default":
				entries = append(entries, netrcEntry{line: number})
				if at = len(entries) - 1; strings.EqualFold(word, "machine") {
					expect = "machine"
				}
			case "login", "account", "password":
				expect = strings.ToLower(word)
			case "macdef":
				macro = true
			}
		}
	}
	if expect == "machine" {
		entries = entries[:at]
	}
	return entries
}

func netrcWords(line string) []string {
	var words []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " \t") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
			words, line = append(words, word), rest
			continue
		}
		var word strings.Builder
		i := 1
		for ; i < len(line) && line[i] != '"'; i++ {
			if line[i] == '\\' && i+1 < len(line) {
				i++
			}
			word.WriteByte(line[i])
		}
		words, line = append(words, word.String()), line[min(i+1, len(line)):]
	}
	return words
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
