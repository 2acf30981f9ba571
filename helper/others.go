package helper

import (
	"slices"
	"time"
)

// offer names the accounts that may serve the workspace in the place of the one that n is
// about: those seen to work there, or else all that are of use. Their tokens are not read.
// An ambient source wins over every account, so that none can take its place.
func (h *Helper) offer(n Notice, now time.Time) {
	if n.Workspace == "" || n.Account.Name == "" {
		return
	}
	accounts, err := h.Accounts.Read()
	if err != nil || accounts.Len() < 2 {
		return
	}
	book, err := accounts.Book()
	if err != nil {
		return
	}
	var worked, all []string
	for _, a := range book.Accounts {
		if a.Fingerprint == "" || a.Fingerprint == n.Account.Fingerprint || !a.SetAside.IsZero() || hasExpired(a, now) && !Renewable(a) {
			continue
		}
		all = append(all, a.Name)
		if health := h.Seen.Read(a.Fingerprint).Health(n.Workspace, now); health.Worked && health.Bursts == 0 {
			worked = append(worked, a.Name)
		}
	}
	n.What, n.Names, n.Worked, n.Named = OtherAccounts, all, len(worked) > 0, h.Named != ""
	if n.Worked {
		n.Names = worked
	}
	if len(n.Names) > 0 {
		slices.Sort(n.Names)
		h.Say(n)
	}
}
