package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
)

var statusRow = row{
	name:  "status",
	short: "Show what is stored, where, how old and how healthy; asks nobody",
	long: `Show what is stored, where, how old and how healthy it is, which source wins, and in a
repository which account serves it and why. Neither a keyring nor the network is asked.`,
	example: `  git-credential-bitbucket status
  git-credential-bitbucket status --json`,
	exits: []exitStatus{exitFailed, exitUnusable},
	build: func(p *process, c *cobra.Command) {
		asJSON := c.Flags().Bool("json", false, "print JSON")
		only := c.Flags().String("account", "", "of the account `NAME` alone")
		c.RunE = func(c *cobra.Command, _ []string) error {
			s, err := p.status(c.Context(), *only)
			if err != nil {
				return err
			}
			if *asJSON {
				out := json.NewEncoder(p.stdout)
				out.SetIndent("", "  ")
				return out.Encode(s)
			}
			p.printStatus(s)
			return nil
		}
	},
}

// statusReport is what status knows, in the shape of its JSON. It holds no secret.
type statusReport struct {
	Source     sourceReport      `json:"source"`
	Accounts   []accountReport   `json:"accounts"`
	Routes     []routeReport     `json:"routes"`
	Repository *repositoryReport `json:"repository,omitempty"`
	Records    recordsReport     `json:"records"`
}

// sourceReport says where the next get takes its token from.
type sourceReport struct {
	Name   string `json:"name"` // a variable's name, or "accounts"
	Reason string `json:"reason"`
	Error  string `json:"error,omitempty"`
}

type accountReport struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Token      string            `json:"token"` // "…" and its last four characters
	Backend    string            `json:"backend"`
	Also       string            `json:"also,omitempty"`       // a second backend that may still hold a token
	Protection string            `json:"protection,omitempty"` // of backend file: "passphrase" or "file permissions"
	Email      string            `json:"email,omitempty"`
	Username   string            `json:"username,omitempty"`
	Default    bool              `json:"default"`
	Created    time.Time         `json:"created"`
	Expires    *time.Time        `json:"expires"` // null: unknown
	Expiry     string            `json:"expiry"`  // "certain", "claimed", "guessed", "unknown"
	DaysLeft   *int              `json:"days_left"`
	SetAside   *time.Time        `json:"set_aside,omitempty"`
	Succeeded  *time.Time        `json:"last_succeeded"` // at day precision; null: never seen
	Rejections []rejectionReport `json:"rejections"`
}

// rejectionReport counts the rejections in a workspace since the last success there.
type rejectionReport struct {
	Workspace   string     `json:"workspace"` // "": git named none
	Count       int        `json:"count"`
	Last        time.Time  `json:"last"`
	PausedUntil *time.Time `json:"paused_until,omitempty"`
}

type routeReport struct {
	Workspace string `json:"workspace"`
	Account   string `json:"account"`
}

type repositoryReport struct {
	Remote  string `json:"remote"`
	Path    string `json:"path"`
	Account string `json:"account,omitempty"`
	Reason  string `json:"reason"`
}

type recordsReport struct {
	Accounts string `json:"accounts"`
	State    string `json:"state"`
	Trouble  string `json:"trouble,omitempty"`
}

func (p *process) status(ctx context.Context, only string) (statusReport, error) {
	report := statusReport{Accounts: []accountReport{}, Routes: []routeReport{}}
	records := p.accounts()
	report.Records = recordsReport{Accounts: records.Path(), State: p.stateDir()}
	if err := p.observations().Writable(); err != nil {
		report.Records.Trouble = oneLine(err.Error())
	}
	snapshot, err := records.Read()
	if err != nil {
		return report, p.backendFailure(err, store.Account{})
	}
	book, err := snapshot.Book()
	if err != nil {
		return report, p.backendFailure(err, store.Account{})
	}
	if only != "" && book.Account(only) == nil {
		return report, unknownAccount(only, book.Names())
	}
	for _, a := range book.Accounts {
		if only == "" || a.Name == only {
			report.Accounts = append(report.Accounts, p.accountReport(a))
		}
	}
	for _, r := range book.Routes {
		if only == "" || r.Account == only {
			report.Routes = append(report.Routes, routeReport{r.Workspace, r.Account})
		}
	}
	line := p.helperLine(ctx)
	report.Source = p.sourceReport(ctx, line)
	report.Repository = p.repositoryReport(ctx, snapshot, report.Source, line)
	return report, nil
}

// helperLine is what the line in git's config by which git calls this program here says
// before the operation. Of a line with quotes, which only a shell can read, it says
// whether there is a token command.
func (p *process) helperLine(ctx context.Context) call {
	git, err := p.git()
	if err != nil {
		return call{}
	}
	helpers, err := install.Effective(ctx, git, "https://"+bitbucket.Host+"/")
	if err != nil {
		return call{}
	}
	for _, h := range helpers {
		if !h.Command.Ours {
			continue
		}
		line, ok := parseCall(append(strings.Fields(h.Command.Flags), "get"), func() bool { return false })
		if !ok && strings.Contains(h.Command.Flags, "--token-command") {
			line.tokenCommand = &h.Command.Flags
		}
		return line
	}
	return call{}
}

func (p *process) sourceReport(ctx context.Context, line call) sourceReport {
	if line.account != "" {
		return sourceReport{Name: "accounts", Reason: "--account stands in git's config"}
	}
	if named := p.env("BITBUCKET_ACCOUNT"); named != "" {
		if store.ValidName(named) != nil {
			return sourceReport{Name: "accounts", Reason: "BITBUCKET_ACCOUNT is set", Error: "what it holds is no account's name, and is not shown"}
		}
		return sourceReport{Name: "accounts", Reason: "BITBUCKET_ACCOUNT names " + named}
	}
	source := p.ambient(line.tokenCommand)
	if source.Name() == "" {
		return sourceReport{Name: "accounts", Reason: "no variable with a token is set"}
	}
	if line.tokenCommand != nil {
		return sourceReport{Name: source.Name(), Reason: "it stands in git's config, and wins over stored accounts"}
	}
	report := sourceReport{Name: source.Name(), Reason: "it is set, and wins over stored accounts"}
	if source.Name() == commandVariable {
		return report
	}
	if _, err := source.Token(ctx); err != nil {
		report.Error = p.whyUnusable(err, store.Account{})
	}
	return report
}

func (p *process) accountReport(a store.Account) accountReport {
	now := p.now()
	r := accountReport{
		Name: a.Name, Kind: a.Kind, Token: a.Hint, Backend: a.Backend, Also: a.Also, Email: a.Email, Username: a.Username,
		Default: a.Default, Created: a.Created, Expiry: "unknown", Rejections: []rejectionReport{},
		SetAside: present(a.SetAside), Expires: present(a.Expires),
	}
	if !a.Expires.IsZero() {
		left := int(math.Ceil(a.Expires.Sub(now).Hours() / 24)) // as get's warnings round
		r.DaysLeft = &left
		switch {
		case a.Certain:
			r.Expiry = "certain"
		case a.Guessed:
			r.Expiry = "guessed"
		default:
			r.Expiry = "claimed"
		}
	}
	if a.Backend == store.BackendFile {
		r.Protection = p.fileProtection(a.Name)
	}
	log := p.observations().Read(a.Fingerprint)
	r.Succeeded = present(log.Health("", now).LastSuccess)
	var workspaces []string
	for _, e := range log {
		if e.What == store.EventRejected && !slices.ContainsFunc(workspaces, func(w string) bool { return bitbucket.EqualASCII(w, e.Workspace) }) {
			workspaces = append(workspaces, e.Workspace)
		}
	}
	for _, workspace := range workspaces {
		health := log.Health(workspace, now)
		if health.Bursts == 0 {
			continue
		}
		count, until := helper.Pause(health, !a.Expires.IsZero() && !now.Before(a.Expires))
		rejection := rejectionReport{Workspace: workspace, Count: count, Last: health.LastRejected}
		if now.Before(until) {
			rejection.PausedUntil = &until
		}
		r.Rejections = append(r.Rejections, rejection)
	}
	return r
}

// present is t, or nil for the zero time.
func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// repositoryReport says which account serves the repository in the working directory;
// nil outside one, or where none of its remotes is at Bitbucket.
func (p *process) repositoryReport(ctx context.Context, snapshot store.Snapshot, source sourceReport, line call) *repositoryReport {
	name, address := p.bitbucketRemote(ctx)
	if address == nil {
		return nil
	}
	request := helper.Request{Protocol: "https", Host: address.Host, Path: strings.TrimPrefix(address.Path, "/"), Username: address.User.Username()}
	report := &repositoryReport{Remote: name, Path: request.Repository()}
	if source.Name != "accounts" {
		report.Reason = source.Name + " " + source.Reason
		return report
	}
	named := line.account
	if named == "" {
		named = p.env("BITBUCKET_ACCOUNT")
	}
	account, reason, err := snapshot.Which(store.Query{Named: named, Workspace: request.Workspace(), Username: request.Username})
	var ambiguous *store.AmbiguousError
	switch {
	case errors.Is(err, store.ErrNoAccounts):
		report.Reason = "nothing is stored; type: git-credential-bitbucket store"
	case errors.As(err, &ambiguous):
		report.Reason = fmt.Sprintf("none is chosen among %s; type: git-credential-bitbucket route %s NAME", strings.Join(ambiguous.Names, ", "), request.Workspace())
	case err != nil:
		report.Reason = oneLine(err.Error())
	default:
		report.Account, report.Reason = account.Name, reasonWords(reason, request.Workspace())
	}
	return report
}

func reasonWords(reason store.Reason, workspace string) string {
	switch reason {
	case store.ReasonNamed:
		return "--account or BITBUCKET_ACCOUNT names it"
	case store.ReasonRoute:
		return "workspace " + workspace + " is routed to it"
	case store.ReasonUsername:
		return "the remote's address names its user"
	case store.ReasonOnly:
		return "it is the only one"
	}
	return "it is the default"
}

// bitbucketRemote is the first remote of this repository, origin before others, whose
// address as git rewrites it is at Bitbucket.
func (p *process) bitbucketRemote(ctx context.Context) (string, *url.URL) {
	git, err := p.git()
	if err != nil {
		return "", nil
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(ctx, git.Path, args...)
		cmd.Env = git.Env
		out, err := cmd.Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	names := strings.Fields(run("remote"))
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == "origin":
			return -1
		case b == "origin":
			return 1
		}
		return 0
	})
	for _, name := range names {
		address, err := url.Parse(run("remote", "get-url", name))
		if err == nil && address.Scheme == "https" && bitbucket.IsHost(address.Host) {
			return oneLine(name), address
		}
	}
	return "", nil
}

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
	switch r := s.Repository; {
	case r == nil:
	case r.Account != "":
		fmt.Fprintf(out, "this repository (%s, %s): account %s, since %s\n", r.Remote, r.Path, r.Account, r.Reason)
	default:
		fmt.Fprintf(out, "this repository (%s, %s): %s\n", r.Remote, r.Path, r.Reason)
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
		fmt.Fprintf(out, "%s: a store in %s that never came to its end; type: %s\n", heading, oneLine(backendName(a.Backend)), storeCommand(store.Account{Name: a.Name}))
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
		fmt.Fprintln(out, "  "+permissionsOnly)
	}
	for _, field := range []struct{ name, value string }{{"e-mail", a.Email}, {"username", a.Username}} {
		if field.value != "" {
			fmt.Fprintf(out, "  %s %s\n", field.name, oneLine(field.value))
		}
	}
	fmt.Fprintf(out, "  stored on %s", date(a.Created))
	if a.Expires == nil {
		fmt.Fprintln(out, "; expiry unknown")
	} else {
		fmt.Fprintf(out, "; expires on %s (%s, %d days)\n", date(*a.Expires), a.Expiry, *a.DaysLeft)
	}
	switch {
	case a.SetAside != nil:
		fmt.Fprintf(out, "  set aside at %s; to use it again: %s\n", p.moment(*a.SetAside), storeCommand(store.Account{Name: a.Name}))
	case a.Succeeded != nil:
		fmt.Fprintf(out, "  seen to work on %s\n", date(*a.Succeeded))
	default:
		fmt.Fprintln(out, "  not seen to work yet")
	}
	for _, r := range a.Rejections {
		fmt.Fprintf(out, "  refused %s%s, last at %s", times(r.Count), inWorkspace(helper.Notice{Workspace: oneLine(r.Workspace)}), p.moment(r.Last))
		if r.PausedUntil != nil {
			fmt.Fprintf(out, "; paused until %s", p.moment(*r.PausedUntil))
		}
		fmt.Fprintln(out)
	}
}
