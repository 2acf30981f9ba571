package main

import (
	"bufio"
	"context"
	"io"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// call is one of git's operations with the flags of the helper's line in git's config.
type call struct {
	operation    string
	account      string
	tokenCommand *string // nil: not given
	cache        *string // --token-command-cache; nil: not given
}

// parseCall recognises git's own calls, which go past the command framework: an
// operation, with no flags but --account, --token-command and --token-command-cache around it. A word that is
// no command of ours is an operation of a later git. With standard input on a terminal
// a person is there, whose store is the one-time set-up.
func parseCall(args []string, terminal func() bool) (call, bool) {
	var c call
	var words []string
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		switch name {
		case "--account", "--token-command", "--token-command-cache":
		default:
			words = append(words, args[i])
			continue
		}
		if !joined {
			if i++; i == len(args) {
				return c, false
			}
			value = args[i]
		}
		switch name {
		case "--account":
			c.account = value
		case "--token-command":
			c.tokenCommand = &value
		default:
			c.cache = &value
		}
	}
	if len(words) != 1 || strings.HasPrefix(words[0], "-") {
		return c, false
	}
	c.operation = words[0]
	switch c.operation {
	case "get", "erase":
		return c, true
	case "store":
		return c, !terminal()
	}
	return c, !isCommand(c.operation) && !terminal()
}

func (p *process) operate(c call) exitStatus {
	ctx := context.Background()
	switch c.operation {
	case "get":
		return exitOf(p.helper(c).Get(ctx, p.stdin, p.stdout))
	case "erase":
		return exitOf(p.helper(c).Erase(ctx, p.stdin))
	case "store":
		in := bufio.NewReader(p.stdin)
		if bitbucket.KindOf(beginning(in)) != bitbucket.UnknownKind {
			_, _ = io.Copy(io.Discard, io.LimitReader(in, bitbucket.MaxToken))
			p.say("error", "store without a flag is git's own call, and this looks like a token; type: git-credential-bitbucket store --token-stdin")
			return exitUsage
		}
		return exitOf(p.helper(c).Store(ctx, in))
	}
	return exitDone
}

// beginning is as much of the first line as tells a token's kind. It waits for no more
// than that line: a request ends at a blank one, not at the end of the input.
func beginning(in *bufio.Reader) secret.Secret {
	const tells = 5
	for n := 1; ; n++ {
		start, err := in.Peek(n)
		if err != nil || n == tells || start[n-1] == '\n' {
			return secret.New(string(start))
		}
	}
}

func (p *process) helper(c call) *helper.Helper {
	accounts := p.accounts()
	named := c.account
	if named == "" {
		named = p.env("BITBUCKET_ACCOUNT")
	}
	caller := p.caller()
	// git sets it for git-remote-https, and neither for git credential nor for libraries.
	caller.Transport = p.env("GIT_DIR") != ""
	seen := p.observations()
	source := p.cached(p.ambient(c.tokenCommand), c.cache, seen)
	return &helper.Helper{
		Accounts: accounts,
		Secrets:  store.NewVault(p.backend),
		Seen:     seen,
		Uses:     seen,
		Ambient:  source,
		Named:    named,
		Caller:   caller,
		Audience: p.audience,
		Now:      p.now,
		Parents:  parents,
		Say:      func(n helper.Notice) { p.tell(n, caller) },
		Adopt: func(ctx context.Context, a store.Account, token secret.Secret) (store.Account, error) {
			return p.keep(ctx, a, token, "git store")
		},
		Renew:  p.renew,
		Person: func() bool { return hasTerminal() || p.display() },
		Alone:  p.alone,
		Drop:   func(token secret.Secret) { p.dropKept(source, token) },
		Aside:  func(a store.Account) { p.record(wasSetAside, a.Name, "git credential reject", "") },
	}
}
