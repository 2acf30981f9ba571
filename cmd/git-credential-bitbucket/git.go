package main

import (
	"context"
	"net/url"
	"os/exec"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
)

// git is the git on PATH, run without the variables that hold a secret of ours.
func (p *process) git() (install.Git, error) {
	path, err := exec.LookPath("git")
	if err != nil {
		return install.Git{}, fail(exitFailed, "there is no git on PATH; install git 2.26 or later")
	}
	return install.Git{Path: path, Env: p.childEnviron()}, nil
}

// alone reports whether every helper that git runs for the request is ours, so that
// what git got without us can only have been typed.
func (p *process) alone(ctx context.Context, request helper.Request) bool {
	git, err := p.git()
	if err != nil {
		return false
	}
	address := url.URL{Scheme: "https", Host: bitbucket.Host, Path: "/" + request.Path}
	helpers, err := install.Effective(ctx, git, address.String())
	if err != nil {
		return false
	}
	for _, h := range helpers {
		if !h.Command.Ours {
			return false
		}
	}
	return true
}
