package main

import (
	"fmt"
	"strings"

	"git-credential-bitbucket/helper"
)

// offeredMost is how many accounts are offered in the place of one that was refused.
const offeredMost = 4

// sayOthers offers the accounts that may serve the workspace in the place of the one that
// was refused there.
func (p *process) sayOthers(n helper.Notice) {
	one := "NAME"
	if len(n.Names) == 1 {
		one = n.Names[0]
	}
	accounts := offered(n.Names)
	switch {
	case n.Worked:
		accounts += " " + plural(len(n.Names), "was", "were") + " seen to work in workspace " + n.Workspace
	default:
		accounts += " " + plural(len(n.Names), "is", "are") + " stored too, and may have access to workspace " + n.Workspace
	}
	if n.Named {
		p.say(asNote, "%s; account %s is used since --account or BITBUCKET_ACCOUNT names it: name %s there", accounts, n.Account.Name, one)
		return
	}
	p.say(asNote, "%s; to use %s there, type: %s", accounts, plural(len(n.Names), "it", "one"), routeCommand(n.Workspace, one))
}

func offered(names []string) string {
	text := plural(len(names), "account ", "accounts ") + strings.Join(names[:min(len(names), offeredMost)], ", ")
	if left := len(names) - offeredMost; left > 0 {
		text += fmt.Sprintf(" and %d more", left)
	}
	return text
}
