package main

import (
	"context"
	"errors"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store"
)

// routeAll sends the workspaces of the tokens that were stored to their accounts, where
// several accounts are. One that two of them have is sent to neither: there the
// repositories name their account, see nameAccount.
func (m *migration) routeAll(tokens []*looseToken) {
	var order []string
	owners := map[string][]string{}
	for _, t := range tokens {
		for _, workspace := range t.workspaces {
			if workspace, err := workspaceName(workspace); err == nil && t.account != "" {
				if owners[workspace] == nil {
					order = append(order, workspace)
				}
				owners[workspace] = append(owners[workspace], t.account)
			}
		}
	}
	for _, workspace := range order {
		if names := owners[workspace]; len(names) == 1 {
			m.routeWorkspace(workspace, names[0])
		}
	}
}

// routeUser does the same for an address's username that goes, where it chose an account.
func (m *migration) routeUser(i *item) {
	if i.token != nil || i.User == "" || i.Workspace == "" {
		return
	}
	book, err := m.book()
	if err != nil {
		return
	}
	if name := accountOf(book, i.User); name != "" {
		if workspace, err := workspaceName(i.Workspace); err == nil {
			m.routeWorkspace(workspace, name)
		}
	}
}

// routeWorkspace sets a route, unless the account serves there anyway, or another was
// chosen before.
func (m *migration) routeWorkspace(workspace, name string) {
	routed := false
	err := m.changeBook(func(b *store.Book) error {
		for _, r := range b.Routes {
			if bitbucket.EqualASCII(r.Workspace, workspace) {
				return nil
			}
		}
		if a := b.Account(name); a == nil || a.Default || len(b.Accounts) < 2 {
			return nil
		}
		routed = true
		return b.Route(workspace, name)
	})
	switch {
	case err != nil:
		m.say(asWarning, "workspace %s was not routed to account %s: %s", workspace, name, m.public(err.Error()))
	case routed:
		m.record(wasRouted, name, "migrate", workspace)
		m.say("", "workspace %s is served by account %s", workspace, name)
	}
}

// nameAccount lets git name the account of the token that stood in a repository's
// address, where another one serves the workspace.
func (m *migration) nameAccount(ctx context.Context, i *item) {
	name := i.accountName()
	if i.Place != leftovers.Remote && i.Place != leftovers.Submodule || i.Workspace == "" {
		return
	}
	book, err := m.book()
	if i.token == nil && err == nil {
		name = accountOf(book, i.User)
	}
	if name == "" || err != nil {
		return
	}
	snapshot, err := m.accounts().Read()
	if err != nil {
		return
	}
	serving, _, err := snapshot.Which(store.Query{Workspace: i.Workspace})
	var several *store.AmbiguousError
	if err == nil && serving.Name == name || err != nil && !errors.As(err, &several) {
		return
	}
	const key = "credential.https://" + bitbucket.Host + ".username"
	if git, gitErr := m.git(); gitErr == nil && i.Place == leftovers.Remote && !routed(book, i.Workspace) {
		e := &examination{process: m.process}
		if _, err := e.ask(ctx, "", git.Path, "config", "--file", i.Path, key, name); err == nil {
			m.say("", "%s: set %s to %s, since another account serves the rest of workspace %s", m.shownPath(i.Path), key, name, oneLine(i.Workspace))
			return
		}
	}
	m.say(asNote, "workspace %s is not served by account %s; to change that, type: git-credential-bitbucket route %[1]s %[2]s", oneLine(i.Workspace), name)
}

func routed(book store.Book, workspace string) bool {
	for _, r := range book.Routes {
		if bitbucket.EqualASCII(r.Workspace, workspace) {
			return true
		}
	}
	return false
}

// accountOf is the account that a request's username names, "" if none.
func accountOf(book store.Book, user string) string {
	for _, a := range book.Accounts {
		for _, name := range []string{a.Name, a.Username, a.Email} {
			if name != "" && strings.EqualFold(name, user) {
				return a.Name
			}
		}
	}
	return ""
}
