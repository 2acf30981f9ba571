package main

import (
	"context"
	"slices"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// othersMost is with how many other accounts Bitbucket is asked. Each is one request.
const othersMost = 4

// otherReport says whether another account may read the repository: "yes", "no" or
// "unknown".
type otherReport struct {
	Account string `json:"account"`
	Read    string `json:"read"`
}

// askOthers asks REST with the other accounts' tokens whether they may read the
// repository, where this one's may not. Those seen to work in the workspace come first.
// No dialog is opened for a token, and an account that has expired is left out.
func (p *process) askOthers(ctx context.Context, q *inquiry, causes []bitbucket.Cause) (all []otherReport) {
	lacks := slices.Contains(causes, bitbucket.CauseNoAccess) || slices.Contains(causes, bitbucket.CauseWorkspace)
	if !lacks || q.subject.source != "" || q.repository == (bitbucket.Repository{}) {
		return nil
	}
	book, err := p.book()
	if err != nil {
		return nil
	}
	now, seen := p.now(), p.observations()
	var worked, rest []store.Account
	for _, a := range book.Accounts {
		if a.Name == q.subject.account.Name || a.Fingerprint == "" || !a.SetAside.IsZero() || !a.Expires.IsZero() && !now.Before(a.Expires) {
			continue
		}
		if seen.Read(a.Fingerprint).Health(q.repository.Workspace, now).Worked {
			worked = append(worked, a)
		} else {
			rest = append(rest, a)
		}
	}
	candidates := append(worked, rest...)
	if len(candidates) == 0 {
		return nil
	}
	client, _, err := p.client(ctx)
	if err != nil {
		return nil
	}
	vault := p.frozen().quietVault()
	for _, a := range candidates[:min(len(candidates), othersMost)] {
		all = append(all, otherReport{a.Name, p.mayRead(ctx, client, vault, a, q.repository)})
	}
	return all
}

// mayRead asks REST once whether the account may read the repository.
func (p *process) mayRead(ctx context.Context, client *bitbucket.Client, vault *store.Vault, a store.Account, repo bitbucket.Repository) string {
	token, err := vault.Get(ctx, a.Backend, a.Name)
	if err != nil || token.IsZero() || bitbucket.Printable(token) != nil {
		return "unknown"
	}
	reply, err := client.Send(ctx, newSubject(a, token).login(), bitbucket.Request{Path: "/2.0/repositories/" + repo.String()})
	if err != nil {
		return "unknown"
	}
	return may(&reply)
}

// sayReaders names the accounts that may read the repository.
func (p *process) sayReaders(r verifyReport) {
	var names []string
	for _, other := range r.Others {
		if other.Read == "yes" {
			names = append(names, other.Account)
		}
	}
	if len(names) == 0 {
		return
	}
	one := "NAME"
	if len(names) == 1 {
		one = names[0]
	}
	workspace := helper.Request{Path: r.Repository.Name}.Workspace()
	p.say(asNote, "%s may read %s; type: %s", offered(names), r.Repository.Name, routeCommand(workspace, one))
}
