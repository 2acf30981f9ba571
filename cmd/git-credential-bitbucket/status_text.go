package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

func (p *process) printStatus(s statusReport) {
	out := &strings.Builder{}
	if len(s.Accounts) == 0 {
		fmt.Fprintln(out, "no account is stored")
	}
	for _, a := range s.Accounts {
		p.printAccount(out, a)
	}
	for _, r := range s.Routes {
		fmt.Fprintf(out, "workspace %s: account %s\n", r.Workspace, r.Account)
	}
	fmt.Fprintf(out, "source: %s, since %s\n", s.Source.Name, s.Source.Reason)
	if s.Source.Error != "" {
		fmt.Fprintf(out, "  but: %s\n", s.Source.Error)
	}
	switch cache := s.Source.Cache; {
	case cache == nil:
	case cache.Error != "":
		fmt.Fprintf(out, "  but its output is not cached: %s\n", cache.Error)
	default:
		fmt.Fprintf(out, "  its output is cached for %s, in the kernel's keyring\n", time.Duration(cache.Seconds)*time.Second)
	}
	if s.Source.Uses != nil {
		printUses(out, *s.Source.Uses, store.Account{})
	}
	if s.Repository != nil {
		printRepository(out, s.Repository)
	}
	if s.Records.Accounts == "" || !filepath.IsAbs(s.Records.Accounts) {
		fmt.Fprintln(out, "records: none, since there is no home directory; set HOME")
	} else {
		fmt.Fprintf(out, "records: %s\n", s.Records.Accounts)
	}
	if s.Records.Trouble != "" {
		fmt.Fprintf(out, "  but observations are not kept where they should be: %s\n", s.Records.Trouble)
	}
	fmt.Fprint(p.stdout, out.String())
}

func (p *process) printAccount(out *strings.Builder, a accountReport) {
	heading := "account " + a.Name
	if a.Default {
		heading += " (the default)"
	}
	if a.Token == "" {
		fmt.Fprintf(out, "%s: a store in %s that never came to its end; type: %s\n", heading, oneLine(backendName(a.Backend)), againCommand(store.Account{Name: a.Name, Kind: a.Kind}))
		return
	}
	fmt.Fprintf(out, "%s: %s %s in %s\n", heading, oneLine(bitbucket.Kind(a.Kind).String()), oneLine(a.Token), oneLine(backendName(a.Backend)))
	if a.Also != "" {
		fmt.Fprintf(out, "  a former token may still be in %s: store or forget tries again to remove it\n", oneLine(backendName(a.Also)))
	}
	switch a.Protection {
	case protectedByPassphrase:
		fmt.Fprintln(out, "  locked with your passphrase")
	case protectedByPermissions:
		fmt.Fprintln(out, "  "+permissionsOnly(a.Name))
	}
	for _, field := range []struct{ name, value string }{{"e-mail", a.Email}, {"username", a.Username}} {
		if field.value != "" {
			fmt.Fprintf(out, "  %s %s\n", field.name, oneLine(field.value))
		}
	}
	if len(a.Scopes) > 0 {
		fmt.Fprintf(out, "  scopes %s\n", strings.Join(a.Scopes, ", "))
	}
	printGrant(out, a.grantReport, a.Name)
	if a.Renewal != nil {
		text := p.renewalText(a.Renewal)
		if a.Renewal.Dead {
			text += "; to log in anew, type: " + loginCommand(a.record())
		}
		fmt.Fprintf(out, "  %s\n", text)
	}
	fmt.Fprintf(out, "  stored on %s, %s", date(a.Created), ago(a.AgeDays))
	switch {
	case a.Expires == nil:
		fmt.Fprintln(out, "; expiry unknown")
	case a.grantReport != nil:
		fmt.Fprintf(out, "; %s at %s (%s)\n", p.expires(*a.Expires), p.moment(*a.Expires), a.Expiry)
	default:
		fmt.Fprintf(out, "; expires on %s (%s, %d days)\n", date(*a.Expires), a.Expiry, *a.DaysLeft)
	}
	switch {
	case a.Dead && a.SetAside != nil:
		fmt.Fprintf(out, "  refused by Bitbucket in a check at %s, and set aside; %s\n", p.moment(*a.SetAside), asideRemedy(a.record()))
	case a.SetAside != nil:
		fmt.Fprintf(out, "  set aside at %s; %s\n", p.moment(*a.SetAside), asideRemedy(a.record()))
	case a.Succeeded != nil:
		fmt.Fprintf(out, "  seen to work on %s\n", date(*a.Succeeded))
	default:
		fmt.Fprintln(out, "  not seen to work yet")
	}
	if a.Checked != nil {
		fmt.Fprintf(out, "  found alive in a check on %s\n", minute(*a.Checked))
	}
	printUses(out, a.usesReport, store.Account{Name: a.Name})
	for _, r := range a.Rejections {
		fmt.Fprintf(out, "  refused %s%s, last at %s", times(r.Count), inWorkspace(helper.Notice{Workspace: oneLine(r.Workspace)}), p.moment(r.Last))
		if r.PausedUntil != nil {
			fmt.Fprintf(out, "; paused until %s", p.moment(*r.PausedUntil))
		}
		fmt.Fprintln(out)
	}
}

// printUses says when the token was last used, and where git asked for it in vain.
func printUses(out *strings.Builder, u usesReport, account store.Account) {
	if u.LastUsed != nil {
		fmt.Fprintf(out, "  last used on %s\n", minute(*u.LastUsed))
	}
	for _, s := range u.Silent {
		repository := ""
		if s.Workspace != "" {
			repository = s.Workspace + "/REPOSITORY"
		}
		fmt.Fprintf(out, "  asked for %s%s, last at %s, and git reported neither success nor refusal: mostly no access to the repository, or a scope that lacks; type: %s\n",
			times(s.Count), inWorkspace(helper.Notice{Workspace: s.Workspace}), minute(s.Last), verifyCommand(account, repository))
	}
}

// minute is the time in the person's zone.
func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }

func ago(days int) string {
	if days == 0 {
		return "today"
	}
	return inDays(days) + " ago"
}

// printRepository says who serves this repository, other remotes of it that are served
// otherwise, and its submodules, those in one line that are served alike.
func printRepository(out *strings.Builder, r *repositoryReport) {
	fmt.Fprintf(out, "this repository (%s, %s): %s\n", r.Remote, r.Path, r.serving())
	for _, other := range r.Remotes[1:] {
		if other.serving() != r.serving() {
			name := other.Remote
			if other.Push {
				name += " for a push"
			}
			fmt.Fprintf(out, "  remote %s (%s): %s\n", name, other.Path, other.serving())
		}
	}
	var order []string
	alike := map[string][]string{}
	for _, s := range r.Submodules {
		if alike[s.serving()] == nil {
			order = append(order, s.serving())
		}
		alike[s.serving()] = append(alike[s.serving()], fmt.Sprintf("%s (%s)", s.Submodule, s.Path))
	}
	for _, serving := range order {
		names := alike[serving]
		fmt.Fprintf(out, "  %s %s: %s\n", plural(len(names), "submodule", "submodules"), listed(names), serving)
	}
}

// serving is the account and why it serves, or why none does.
func (r servedReport) serving() string {
	if r.Account == "" {
		return r.Reason
	}
	return "account " + r.Account + ", since " + r.Reason
}
