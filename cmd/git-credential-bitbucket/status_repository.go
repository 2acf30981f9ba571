package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// repositoryReport says which account serves the repository in the working directory;
// nil outside one, or where none of its remotes is at Bitbucket.
func (p *process) repositoryReport(ctx context.Context, snapshot store.Snapshot, source sourceReport, line call) *repositoryReport {
	name, address := p.bitbucketRemote(ctx)
	if address == nil {
		return nil
	}
	request := helper.Request{Protocol: "https", Host: address.Host, Path: strings.TrimPrefix(address.Path, "/"), Username: address.User.Username()}
	report := &repositoryReport{Remote: name, Path: request.Repository()}
	if source.Name != "accounts" {
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
		report.Reason = "nothing is stored; type: git-credential-bitbucket store"
	case errors.As(err, &ambiguous):
		report.Reason = fmt.Sprintf("none is chosen among %s; type: git-credential-bitbucket route %s NAME", strings.Join(ambiguous.Names, ", "), request.Workspace())
	case err != nil:
		report.Reason = oneLine(err.Error())
	default:
		report.Account, report.Reason = account.Name, reasonWords(reason, request.Workspace())
	}
	return report
}

func reasonWords(reason store.Reason, workspace string) string {
	switch reason {
	case store.ReasonNamed:
		return "--account or BITBUCKET_ACCOUNT names it"
	case store.ReasonRoute:
		return "workspace " + workspace + " is routed to it"
	case store.ReasonUsername:
		return "the remote's address names its user"
	case store.ReasonOnly:
		return "it is the only one"
	}
	return "it is the default"
}

// bitbucketRemote is the first remote of this repository, origin before others, whose
// address as git rewrites it is at Bitbucket.
func (p *process) bitbucketRemote(ctx context.Context) (string, *url.URL) {
	git, err := p.git()
	if err != nil {
		return "", nil
	}
	run := func(args ...string) string {
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
	names := strings.Fields(run("remote"))
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == "origin":
			return -1
		case b == "origin":
			return 1
		}
		return 0
	})
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		address, err := url.Parse(run("remote", "get-url", name))
		if err == nil && address.Scheme == "https" && bitbucket.IsHost(address.Host) {
			return oneLine(name), address
		}
	}
	return "", nil
}
