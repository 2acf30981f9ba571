package main

import (
	"slices"
	"strings"

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
	if n.What == helper.NothingStored {
		if begin := p.beginCommand(n.Account); begin != storeCommand(n.Account) {
			return "type: " + begin
		}
	}
	return made + ", then type: " + storeCommand(n.Account)
}

func storeCommand(a store.Account) string {
	return withAccount("git-credential-bitbucket store", a)
}

// againCommand is how the account gets another token: one that logged in, or meant to, by a
// login.
func againCommand(a store.Account) string {
	if a.Grant != "" || a.Kind == string(bitbucket.OAuthToken) {
		return loginCommand(a)
	}
	return storeCommand(a)
}

// beginCommand is how an account that is not there, or "" for any, gets a token: by a login
// too, where it last came by one.
func (p *process) beginCommand(a store.Account) string {
	entries, _ := p.history().Read()
	for _, e := range slices.Backward(entries) {
		if a.Name != "" && a.Name != helper.DefaultAccount && e.Account != a.Name {
			continue
		}
		switch deed(e.What) {
		case wasStored, wasReplaced, wasRotated:
			return storeCommand(a)
		case wasLoggedIn:
			last := a
			if store.ValidName(e.Account) == nil {
				last.Name = e.Account
			}
			// Whoever may edit the file is not the one before the terminal.
			if grant := strings.TrimPrefix(e.By, "login --grant "); slices.Contains(grants, grant) {
				last.Grant = grant
			}
			return loginCommand(last) + ", or: " + storeCommand(a)
		}
	}
	return storeCommand(a)
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
	another := againCommand(a)
	if a.Dead {
		return "to use another: " + another
	}
	return "to use it again: " + withAccount("git-credential-bitbucket verify", a) + "; another: " + another
}

// choiceRemedy is how to choose among accounts, for the workspace or where nothing else
// chooses.
func choiceRemedy(workspace string) string {
	return "type: " + routeCommand(workspace, "NAME") + ", or for all that has no route: git-credential-bitbucket default NAME"
}
