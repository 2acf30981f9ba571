package install

import "context"

// A Helper is one credential helper as git will run it.
type Helper struct {
	Line    Line
	Command Command
}

// Effective lists the helpers that git runs for a URL, in order, those cleared by an
// empty one left out. It reads what git reads in git.Dir. Errors are *TooOldError and *GitError.
func Effective(ctx context.Context, git Git, url string) ([]Helper, error) {
	if _, err := git.newEnough(ctx); err != nil {
		return nil, err
	}
	lines, err := git.read(ctx)
	if err != nil {
		return nil, err
	}
	return effective(lines, url), nil
}

// HelpersFor is Effective for lines that [Lines] read, of section credential at least.
func HelpersFor(lines []Line, url string) []Helper { return effective(lines, url) }

func effective(lines []Line, url string) []Helper {
	var hs []Helper
	for _, l := range lines {
		if !isHelper(l.Key) || !matches(l.Key, url) {
			continue
		}
		if l.Value == "" {
			hs = nil
			continue
		}
		hs = append(hs, Helper{l, ParseHelper(l.Value, "")})
	}
	return hs
}

func isHelper(key string) bool {
	section, _, variable, _ := split(key)
	return section == "credential" && variable == "helper"
}

// Username is the credential.username that git sends to helpers for a URL that names no user,
// of lines that [Lines] read; "" for none. The last that matches counts, however little its
// key names (git's credential.c).
func Username(lines []Line, url string) (name string) {
	for _, l := range lines {
		if section, _, variable, _ := split(l.Key); section == "credential" && variable == "username" && matches(l.Key, url) {
			name = l.Value
		}
	}
	return name
}
