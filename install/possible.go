package install

import (
	"context"
	"strings"
)

// Possible lists the helpers that git can run for Bitbucket, in order: also those for
// one user or one path, which a request may name, and without those that an empty one
// clears in every request. It reads what git reads in git.Dir. Errors are *TooOldError
// and *GitError.
func Possible(ctx context.Context, git Git) ([]Helper, error) {
	if _, err := git.newEnough(ctx); err != nil {
		return nil, err
	}
	lines, err := git.read(ctx)
	if err != nil {
		return nil, err
	}
	return possible(lines), nil
}

// otherSpelling of site: git compares some keys with the host as a request spells it.
const otherSpelling = "https://BITBUCKET.ORG:443"

func possible(lines []Line) (hs []Helper) {
	for _, l := range lines {
		switch {
		case !isHelper(l.Key):
		case l.Value != "":
			if canApply(l.Key) {
				hs = append(hs, Helper{l, ParseHelper(l.Value, "")})
			}
		case matches(l.Key, site) && matches(l.Key, otherSpelling):
			hs = nil
		}
	}
	return hs
}

// canApply reports whether there is a request for our host, of whatever user, path and
// spelling, to which git applies the key.
func canApply(key string) bool {
	if reachOf(key) != elsewhere {
		return true
	}
	// What is not well enough formed for a URL is read as part of one.
	_, sub, _, _ := split(key)
	p := parsePartial(sub)
	return (p.protocol == "" || p.protocol == "https") && "https://"+strings.TrimSuffix(lower(p.host), ":443") == site
}
