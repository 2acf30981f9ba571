package main

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
)

// A servedReport says which account serves an address at Bitbucket, and why.
type servedReport struct {
	Path    string `json:"path"`
	Account string `json:"account,omitempty"`
	Reason  string `json:"reason"`
}

type repositoryReport struct {
	Remote string `json:"remote"`
	servedReport
	Remotes    []remoteReport    `json:"remotes"`    // each at Bitbucket, this one too
	Submodules []submoduleReport `json:"submodules"` // at Bitbucket, of this repository itself
}

type remoteReport struct {
	Remote string `json:"remote"`
	Push   bool   `json:"push,omitempty"` // to where git pushes, which is elsewhere
	servedReport
}

type submoduleReport struct {
	Submodule string `json:"submodule"` // its path in the worktree
	servedReport
}

// repositoryReport says which account serves the repository in the working directory;
// nil outside one, or where none of its remotes is at Bitbucket.
func (p *process) repositoryReport(ctx context.Context, snapshot store.Snapshot) *repositoryReport {
	report := &repositoryReport{Submodules: []submoduleReport{}}
	lines := p.addressLines(ctx)
	credential := ofSection(lines, "credential")
	serves := func(address *url.URL) servedReport {
		return p.serves(snapshot, credential, address)
	}
	for r, address := range p.bitbucketRemotes(ctx) {
		report.Remotes = append(report.Remotes, remoteReport{r.name, r.push, serves(address)})
	}
	if len(report.Remotes) == 0 {
		return nil
	}
	report.Remote, report.servedReport = report.Remotes[0].Remote, report.Remotes[0].servedReport
	for _, s := range p.submodules(ctx, lines) {
		report.Submodules = append(report.Submodules, submoduleReport{s.path, serves(s.address)})
	}
	return report
}

// serves says which account a get for the address would take, with these lines of section
// credential in git's config.
func (p *process) serves(snapshot store.Snapshot, credential []install.Line, address *url.URL) servedReport {
	line := lineFor(credential, address.Path)
	request := helper.Request{Protocol: "https", Host: address.Host, Path: strings.TrimPrefix(address.Path, "/"), Username: username(credential, address)}
	report := servedReport{Path: request.Repository()}
	if source := p.sourceFor(line); source.Name != storedSource {
		report.Reason = source.Name + ", since " + source.Reason
		return report
	}
	named := line.account
	if named == "" {
		named = p.env("BITBUCKET_ACCOUNT")
	}
	account, reason, err := snapshot.Which(store.Query{Named: named, Workspace: request.Workspace(), Username: request.Username})
	var ambiguous *store.AmbiguousError
	switch {
	case errors.Is(err, store.ErrNoAccounts):
		report.Reason = "nothing is stored; type: " + p.beginCommand(store.Account{})
	case errors.As(err, &ambiguous):
		report.Reason = "none is chosen among " + listed(ambiguous.Names) + "; " + choiceRemedy(request.Workspace())
	case err != nil:
		report.Reason = oneLine(err.Error())
	default:
		report.Account, report.Reason = account.Name, reasonWords(reason, account, address, request, line)
	}
	return report
}

// username is what git sends as such for an address: its own, or credential.username.
func username(credential []install.Line, address *url.URL) string {
	return cmp.Or(address.User.Username(), install.Username(credential, address.String()))
}

func reasonWords(reason store.Reason, account store.Account, address *url.URL, request helper.Request, line call) string {
	switch reason {
	case store.ReasonNamed:
		if line.account != "" {
			return "--account in the helper's line in git's config names it"
		}
		return "BITBUCKET_ACCOUNT names it"
	case store.ReasonRoute:
		return "workspace " + request.Workspace() + " is routed to it"
	case store.ReasonUsername:
		who, what := "the user in the address", "name"
		if address.User.Username() == "" {
			who = "credential.username in git's config"
		}
		switch {
		case bitbucket.EqualASCII(request.Username, account.Name):
		case bitbucket.EqualASCII(request.Username, account.Username):
			what = "Bitbucket username"
		default:
			what = "e-mail"
		}
		return who + " is its " + what
	case store.ReasonOnly:
		return "it is the only one"
	}
	return "it is the default"
}

// bitbucketRemote is the first of bitbucketRemotes.
func (p *process) bitbucketRemote(ctx context.Context) (string, *url.URL) {
	for r, address := range p.bitbucketRemotes(ctx) {
		return r.name, address
	}
	return "", nil
}

// A remote is one of git's, with the address from which it fetches or to which it pushes.
type remote struct {
	name    string // fit to be shown
	push    bool
	address string
}

// bitbucketRemotes yields the remotes of this repository, origin before others, whose
// address as git rewrites it is at Bitbucket; those for pushes where they differ.
func (p *process) bitbucketRemotes(ctx context.Context) iter.Seq2[remote, *url.URL] {
	return func(yield func(remote, *url.URL) bool) {
		var all []remote
		fetched := ""
		for line := range strings.Lines(p.askGit(ctx, "remote", "--verbose")) {
			name, rest, _ := strings.Cut(line, "\t")
			if end := strings.LastIndex(rest, " (fetch)"); end >= 0 {
				fetched = rest[:end]
				all = append(all, remote{name, false, fetched})
			} else if end := strings.LastIndex(rest, " (push)"); end >= 0 && rest[:end] != fetched {
				all = append(all, remote{name, true, rest[:end]})
			}
		}
		slices.SortStableFunc(all, func(a, b remote) int {
			switch {
			case a.name == b.name:
				return 0
			case a.name == "origin":
				return -1
			case b.name == "origin":
				return 1
			}
			return 0
		})
		for _, r := range all {
			r.name = oneLine(r.name)
			if address := atBitbucket(r.address); address != nil && !yield(r, address) {
				return
			}
		}
	}
}

// askGit is what git answers, "" where it fails.
func (p *process) askGit(ctx context.Context, args ...string) string {
	git, err := p.git()
	if err != nil || ctx.Err() != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, git.Path, args...)
	cmd.Env, cmd.WaitDelay = git.Env, time.Second
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// atBitbucket reads an address, nil if git would ask no helper of ours for it.
func atBitbucket(text string) *url.URL {
	address, err := url.Parse(text)
	if err != nil || address.Scheme != "https" || !bitbucket.IsHost(address.Host) {
		return nil
	}
	return address
}
