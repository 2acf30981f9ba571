package install

import (
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
)

// A Candidate is a folder where the binary may be put.
type Candidate struct {
	Dir    string
	From   string // "GOBIN", "GOPATH" or "home"
	OnPath bool
}

// Candidates lists the folders for the binary, best first: GOBIN, GOPATH/bin (of the
// first entry; ~/go/bin where there is none, as for "go install"), ~/.local/bin.
// Empty and relative folders are left out. Nothing is looked up: pass "" for what is not set.
func Candidates(goBin, goPath, home, pathVar, goos string) []Candidate {
	if goPath = splitList(goPath, goos)[0]; goPath == "" && home != "" {
		goPath = join(goos, home, "go")
	}
	var all []Candidate
	add := func(from, base string, elems ...string) {
		if !rooted(base, goos) {
			return
		}
		c := Candidate{Dir: join(goos, base, elems...), From: from}
		for _, dir := range splitList(pathVar, goos) {
			c.OnPath = c.OnPath || dir != "" && fold(join(goos, dir), goos) == fold(c.Dir, goos)
		}
		for _, other := range all {
			if other.Dir == c.Dir {
				return
			}
		}
		all = append(all, c)
	}
	add("GOBIN", goBin)
	add("GOPATH", goPath, "bin")
	add("home", home, ".local", "bin")
	return all
}

func splitList(list, goos string) []string {
	if goos == "windows" {
		return strings.Split(strings.ReplaceAll(list, `"`, ""), ";")
	}
	return strings.Split(list, ":")
}

func join(goos, base string, elems ...string) string {
	if goos != "windows" {
		return path.Join(append([]string{base}, elems...)...)
	}
	base = strings.ReplaceAll(base, "/", `\`)
	return strings.Join(append([]string{strings.TrimRight(base, `\`)}, elems...), `\`)
}

func rooted(dir, goos string) bool {
	if goos == "windows" {
		return len(dir) > 2 && dir[1] == ':' || strings.HasPrefix(dir, `\\`)
	}
	return strings.HasPrefix(dir, "/")
}

func fold(dir, goos string) string {
	if goos == "windows" {
		return strings.ToLower(dir)
	}
	return dir
}

// volatile matches, in a path with slashes, the folders of which the next upgrade or
// clean-up makes another or none: Nix's and Guix's stores, Homebrew's Cellar and
// Caskroom, snap's revisions, "go run" and temporary folders, and any folder named
// by a version (scoop, mise, asdf). It is compiled when first used, for this package is
// linked into every get.
var volatile = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^/(nix|gnu)/store/|/(Cellar|Caskroom)/|^/snap/[^/]+/x?\d+/|/go-build\d*/|^/tmp/|^/var/(tmp|folders)/|^/private/(tmp|var/folders)/|/AppData/Local/Temp/|(^|[/@-])v?\d+\.\d+(\.\d+)*([+_-][^/]*)?/`)
})

// Volatile reports whether a binary's path is one that will not last. It reads the
// path alone.
func Volatile(program string) bool {
	return volatile().MatchString(strings.ReplaceAll(program, `\`, "/"))
}

// Stable is a name for the program that lasts: its own, or that of a link to it in a
// folder of PATH. ok is false where there is none, and path is "".
func Stable(program, pathVar, goos string) (path string, ok bool) {
	if !Volatile(program) {
		return program, true
	}
	return lasting(program, onPath(pathVar, goos), Volatile)
}

func lasting(program string, names []string, volatile func(string) bool) (path string, ok bool) {
	for _, path := range names {
		if !volatile(path) && sameFile(path, program) {
			return path, true
		}
	}
	return "", false
}

// onPath lists the binaries of our name in the folders of PATH, in order. Relative
// folders are passed over: they mean another place to git.
func onPath(pathVar, goos string) (found []string) {
	name := Binary
	if goos == "windows" {
		name += ".exe"
	}
	for _, dir := range splitList(pathVar, goos) {
		if !rooted(dir, goos) {
			continue
		}
		path := join(goos, dir, name)
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() && (goos == "windows" || info.Mode()&0o111 != 0) {
			found = append(found, path)
		}
	}
	return found
}
