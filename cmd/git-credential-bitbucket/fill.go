package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
)

// fillLimit is how long git may take to answer; a keyring's dialog waits for a person.
const fillLimit = 2 * time.Minute

// fill asks git for the credential that its commands would use for the repository at
// path, or for Bitbucket at large where that is "", without asking a person. more are
// variables, "NAME=value". said is what git and its helpers wrote to stderr.
func (p *process) fill(ctx context.Context, git install.Git, path string, more ...string) (answer helper.Message, said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, fillLimit)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, git.Path, "credential", "fill")
	// Nobody reads what the helper says here: it must not use up the day's warning.
	cmd.Env = append(git.Env, "VSCODE_GIT_FETCH_SILENT=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GCM_INTERACTIVE=never")
	cmd.Env = append(cmd.Env, more...)
	request := "protocol=https\nhost=" + bitbucket.Host + "\n"
	if path != "" {
		request += "path=" + path + "\n"
	}
	cmd.Stdin = strings.NewReader(request + "\n")
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	runErr := cmd.Run()
	answer, err = helper.Decode(&out)
	if runErr != nil {
		err = runErr
	}
	return answer, errs.String(), err
}

// overriding lists what in git's config, or in a .netrc, keeps git from asking a helper
// for the repository.
func (p *process) overriding(ctx context.Context, repository bitbucket.Repository) (problems []finding) {
	e := p.examination(ctx, repository)
	for _, look := range []check{checkRemotes, checkHeaders, checkNetrc} {
		for _, f := range look(ctx, e) {
			if f.Level == levelProblem && (f.ID == "url-secret" || f.ID == "header" || f.ID == "netrc") {
				problems = append(problems, f)
			}
		}
	}
	return problems
}

// sendsEmail reports whether another helper than ours gives git an e-mail as username
// for the repository.
func (p *process) sendsEmail(ctx context.Context, repository bitbucket.Repository) bool {
	git, err := p.git()
	if err != nil || repository == (bitbucket.Repository{}) {
		return false
	}
	path := repository.String() + ".git"
	helpers, err := install.Effective(ctx, git, fmt.Sprintf("https://%s/%s", bitbucket.Host, path))
	if err != nil || len(helpers) == 0 || helpers[0].Command.Ours {
		return false
	}
	answer, _, err := p.fill(ctx, git, path)
	username, _ := answer.Last("username")
	return err == nil && strings.Contains(username, "@")
}

// sayNotInstalled says that git asks no helper of ours, and how to change that.
func (p *process) sayNotInstalled(ctx context.Context) {
	git, err := p.git()
	if err != nil {
		return
	}
	helpers, err := install.Effective(ctx, git, "https://"+bitbucket.Host+"/")
	if err == nil && !slices.ContainsFunc(helpers, func(h install.Helper) bool { return h.Command.Ours }) {
		p.say(asNote, "git does not ask this helper yet; type: git-credential-bitbucket install")
	}
}
