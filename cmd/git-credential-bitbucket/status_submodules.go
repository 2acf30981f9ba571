package main

import (
	"cmp"
	"context"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
)

// addressLines are the lines of git's config that say where a repository's submodules
// are, and who is asked for a credential there.
func (p *process) addressLines(ctx context.Context) []install.Line {
	git, err := p.git()
	if err != nil {
		return nil
	}
	git.Timeout = askLimit
	lines, err := install.Lines(ctx, git, `^(credential|submodule|url)\.`)
	if err != nil {
		return nil
	}
	return lines
}

// ofSection keeps those of one section: a repository may have many thousand submodules.
func ofSection(lines []install.Line, section string) []install.Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l install.Line) bool { return !strings.HasPrefix(l.Key, section+".") })
}

// lineFor is the helper's line that git uses for a path at Bitbucket.
func lineFor(lines []install.Line, path string) call {
	return ourLine(install.HelpersFor(lines, "https://"+bitbucket.Host+"/"+strings.TrimPrefix(path, "/")))
}

// A submodule is a repository at Bitbucket that this one holds.
type submodule struct {
	path    string // in the worktree, fit to be shown
	address *url.URL
}

// submodules are those of .gitmodules, each at the address that git's config has for it
// once it is in use.
func (p *process) submodules(ctx context.Context, lines []install.Line) (all []submodule) {
	git, err := p.git()
	if err != nil {
		return nil
	}
	git.Timeout = askLimit
	top, err := git.Toplevel(ctx)
	if err != nil {
		return nil
	}
	modules, err := install.FileLines(ctx, git, filepath.Join(top, ".gitmodules"))
	if err != nil {
		return nil
	}
	addresses := map[string]string{} // by key
	for _, l := range append(modules, lines...) {
		addresses[l.Key] = l.Value
	}
	base := sync.OnceValue(func() string { return p.defaultAddress(ctx) })
	rewrites := ofSection(lines, "url")
	for _, l := range modules {
		name, ok := strings.CutSuffix(l.Key, ".path")
		if !ok || !strings.HasPrefix(name, "submodule.") {
			continue
		}
		text := addresses[name+".url"]
		if strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") {
			text = against(base(), text)
		}
		if address := atBitbucket(rewritten(rewrites, text)); address != nil {
			all = append(all, submodule{oneLine(l.Value), address})
		}
	}
	return all
}

// defaultAddress is the address to which submodules' relative ones are: that of the
// remote that the branch follows, or else of origin (gitmodules' manual, "url").
func (p *process) defaultAddress(ctx context.Context) string {
	branch := strings.TrimPrefix(p.askGit(ctx, "symbolic-ref", "--quiet", "HEAD"), "refs/heads/")
	remote := cmp.Or(p.askGit(ctx, "config", "--get", "branch."+branch+".remote"), "origin")
	return p.askGit(ctx, "remote", "get-url", "--", remote)
}

// against is a submodule's address that is relative to that of its repository; "" where
// that is none of Bitbucket's.
func against(base, relative string) string {
	address := atBitbucket(base)
	if address == nil {
		return ""
	}
	whole := *address
	whole.Path = path.Join(address.Path, relative)
	return whole.String()
}

// rewritten is the address that git puts in the place of another, by the longest
// url.….insteadOf that is its beginning.
func rewritten(lines []install.Line, text string) string {
	longest, result := 0, text
	for _, l := range lines {
		base, ok := strings.CutSuffix(strings.TrimPrefix(l.Key, "url."), ".insteadof")
		rest, fits := strings.CutPrefix(text, l.Value)
		if ok && strings.HasPrefix(l.Key, "url.") && fits && len(l.Value) > longest {
			longest, result = len(l.Value), base+rest
		}
	}
	return result
}
