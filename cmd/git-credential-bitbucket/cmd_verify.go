package main

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
)

var verifyRow = row{
	name:  "verify",
	short: "Ask Bitbucket whether the token is alive, whose, and what it may do",
	long: `Ask Bitbucket whether the token is alive, whose it is, which scopes it has, and whether
it may read and push a repository: the one of --repo, or the one that you are in. Says
what is wrong and what to type next.

A token that is alive is used again, whatever was held against it; one that is
certainly dead is set aside. Where the token may not read the repository, Bitbucket is
asked with up to four other accounts' tokens whether those may. That Bitbucket cannot be reached says nothing of the token.
A pause of git's requests does not keep this command from asking.`,
	example: `  git-credential-bitbucket verify
  git-credential-bitbucket verify --repo WORKSPACE/REPOSITORY
  git-credential-bitbucket verify --account work --json`,
	exits: []exitStatus{exitFailed, exitNoCredential, exitUnusable, exitUnreachable, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		account := c.Flags().String("account", "", "the account `NAME`; else the one that serves here")
		repo := c.Flags().String("repo", "", "the repository `WORKSPACE/REPOSITORY`")
		asJSON := c.Flags().Bool("json", false, "print JSON")
		c.RunE = func(c *cobra.Command, _ []string) error {
			return p.verify(c.Context(), *account, *repo, *asJSON)
		}
	},
}

func (p *process) verify(ctx context.Context, account, repo string, asJSON bool) error {
	at, err := p.at(ctx, repo)
	if err != nil {
		return err
	}
	s, err := p.choose(ctx, account, at)
	if err != nil {
		return err
	}
	q := p.inquire(ctx, s, at.repository)
	if life := q.verdict.Life; (life == bitbucket.Dead || life == bitbucket.Refused) && helper.Renewable(s.account) {
		// An access token may be revoked, and the login live on.
		if account, token, err := p.renew(ctx, s.account, true); err == nil {
			q = p.inquire(ctx, newSubject(account, token), at.repository)
		}
	}
	if err := p.learn(q); err != nil {
		p.say(asWarning, "what was found is not recorded: %s", err)
	}
	p.dropStalePrevious(ctx)
	causes := q.verdict.Causes
	if q.verdict.Life == bitbucket.Alive && p.sendsEmail(ctx, q.repository) {
		causes = append([]bitbucket.Cause{bitbucket.CauseEmailForGit}, causes...)
	}
	report := p.verifyReport(q, causes)
	if q.verdict.Life == bitbucket.Alive {
		report.override(p.overriding(ctx, q.repository))
	}
	report.Others = p.askOthers(ctx, q, causes)
	if asJSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		out.SetEscapeHTML(false)
		if err := written(out.Encode(report)); err != nil {
			return err
		}
	} else if err := written(p.printVerify(report)); err != nil {
		return err
	}
	if report.Status != exitDone {
		return &failure{status: report.Status}
	}
	return nil
}

// at is the repository that was named, or else the one that the program runs in.
func (p *process) at(ctx context.Context, repo string) (whereabouts, error) {
	if repo != "" {
		repository, err := bitbucket.ParseRepository(repo)
		if err != nil {
			return whereabouts{}, fail(exitUsage, "--repo: %s", err)
		}
		return whereabouts{repository: repository}, nil
	}
	_, address := p.bitbucketRemote(ctx)
	if address == nil {
		return whereabouts{}, nil
	}
	repository, err := bitbucket.ParseRepository((&url.URL{Scheme: address.Scheme, Host: address.Host, Path: address.Path}).String())
	if err != nil {
		return whereabouts{}, nil // no repository's address: a snippet's, say
	}
	return whereabouts{repository, username(p.addressLines(ctx), address)}, nil
}
