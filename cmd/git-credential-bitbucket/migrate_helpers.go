package main

import (
	"context"
	"errors"
	"slices"

	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store"
)

// helpers asks git's other helpers, for which e has a git.
func (m *migration) helpers(e *examination) leftovers.Helpers {
	return leftovers.Helpers{Git: e.git.Path, Paths: m.env("PATH"), Home: m.home(), Cache: m.folder("XDG_CACHE_HOME"), Run: e.ask}
}

// heldByHelpers asks git's other helpers what they have for the site. None is asked that
// would open a dialog for it, nor one started that does not run.
func (m *migration) heldByHelpers(ctx context.Context, e *examination, users []string) (items []*item) {
	helpers := m.helpers(e)
	for _, other := range leftovers.OtherHelpers() {
		if other.IsDaemon && !helpers.CacheRuns() || !helpers.Has(ctx, other.Name) {
			continue
		}
		if other.Keyring && m.keyringLocked(ctx) {
			if m.shown == nil {
				m.say(asWarning, "git credential-%s was not asked, since the system's keyring is locked; unlock it by logging in to the desktop", other.Name)
			}
			continue
		}
		for _, f := range helpers.Ask(ctx, other, users...) {
			items = append(items, &item{Finding: f, helper: other.Name})
		}
	}
	return items
}

// usernames are those that stand at the items.
func usernames(items []*item) (names []string) {
	const most = 20
	for _, i := range items {
		if i.User != "" && !slices.Contains(names, i.User) && len(names) < most {
			names = append(names, i.User)
		}
	}
	return names
}

// keyringLocked reports whether a look at the system's keyring would open a dialog.
func (m *migration) keyringLocked(ctx context.Context) bool {
	choice, _ := store.Choose(ctx, m.quietConfig())
	return slices.ContainsFunc(choice.Passed, func(err error) bool {
		var why *store.BackendError
		return errors.As(err, &why) && why.Backend == store.BackendKeyring && errors.Is(err, store.ErrLocked)
	})
}
