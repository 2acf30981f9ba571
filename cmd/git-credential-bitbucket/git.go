package main

import (
	"context"
	"os/exec"
	"slices"

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

// alone reports whether every helper that git can run for Bitbucket is ours, so that
// what git got without us can only have been typed. The request does not say which of
// them were asked: git learns a username in between, and leaves out what its config says.
func (p *process) alone(ctx context.Context) bool {
	git, err := p.git()
	if err != nil {
		return false
	}
	helpers, err := install.Possible(ctx, git)
	return err == nil && !slices.ContainsFunc(helpers, func(h install.Helper) bool { return !h.Command.Ours })
}
