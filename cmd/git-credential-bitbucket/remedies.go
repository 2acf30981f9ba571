package main

import (
	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// remedy is how to get a token that works to where this one came from.
func (p *process) remedy(n helper.Notice, caller helper.Caller) string {
	if n.Renews {
		return "the next git command gets another; if Bitbucket refuses that too, type: " + loginCommand(n.Account)
	}
	switch n.What {
	case helper.Rejected, helper.WasRejected, helper.Paused, helper.WidePaused:
		if n.Cause != helper.CauseExpired && !(n.Account.Name == "" && n.Source == "") {
			return "to see why: " + verifyCommand(n.Account, n.Repository)
		}
	}
	made := "make an API token with scopes at " + bitbucket.TokenPage
	switch {
	case n.Account.Grant != "":
		return "to log in anew, type: " + loginCommand(n.Account)
	case n.Source == commandVariable || n.Source == "--token-command":
		return made + ", and let the command print that"
	case n.Source != "":
		return made + ", and put that into " + n.Source
	case n.What == helper.NothingStored && caller.CI:
		return "set BITBUCKET_API_TOKEN, or BITBUCKET_ACCESS_TOKEN, for this job"
	case n.What == helper.ExpiryNear, n.What == helper.ExpiryPassed, n.Cause == helper.CauseExpired:
		return made + ", then type: " + rotateCommand(n.Account)
	}
	return made + ", then type: " + storeCommand(n.Account)
}

func storeCommand(a store.Account) string {
	return withAccount("git-credential-bitbucket store", a)
}

func rotateCommand(a store.Account) string {
	return withAccount("git-credential-bitbucket rotate", a)
}

// verifyCommand asks Bitbucket about the account's token and the repository.
func verifyCommand(a store.Account, repository string) string {
	if repository == "" {
		repository = "WORKSPACE/REPOSITORY"
	}
	return withAccount("git-credential-bitbucket verify", a) + " --repo " + repository
}

// withAccount names the account, unless it is the one that commands mean anyway.
func withAccount(command string, a store.Account) string {
	if a.Name != "" && a.Name != helper.DefaultAccount {
		command += " --account " + a.Name
	}
	return command
}

// asideRemedy is what to do about a token that is set aside.
func asideRemedy(a store.Account) string {
	another := storeCommand(a)
	if a.Grant != "" {
		another = loginCommand(a)
	}
	if a.Dead {
		return "to use another: " + another
	}
	return "to use it again: " + withAccount("git-credential-bitbucket verify", a) + "; another: " + another
}
