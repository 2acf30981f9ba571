package main

import (
	"context"
	"encoding/json"
	"math"
	"regexp"
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
repository which account serves it and why. Neither a keyring nor the network is asked.

With --expiring it shows the tokens alone that have expired or will have within that
time, by what is known or guessed of their dates, and the logins that Bitbucket renews no
more, and exits with 6 where there are any.`,
	example: `  git-credential-bitbucket status
  git-credential-bitbucket status --json
  git-credential-bitbucket status --expiring 30d`,
	exits: []exitStatus{exitFailed, exitUnusable, exitDue},
	build: func(p *process, c *cobra.Command) {
		asJSON := c.Flags().Bool("json", false, "print JSON")
		only := c.Flags().String("account", "", "of the account `NAME` alone")
		expiring := c.Flags().String("expiring", "", "what expires within `WHEN`: 30d, 12w, 2027-01-31")
		c.RunE = func(c *cobra.Command, _ []string) error {
			var until time.Time
			if c.Flags().Changed("expiring") {
				var err error
				if until, err = p.expiringUntil(*expiring); err != nil {
					return err
				}
			}
			s, err := p.status(c.Context(), *only)
			if err != nil {
				return err
			}
			if !until.IsZero() {
				s.Due = s.due(until)
			}
			switch {
			case *asJSON:
				out := json.NewEncoder(p.stdout)
				out.SetIndent("", "  ")
				if err := out.Encode(s); err != nil {
					return err
				}
			case until.IsZero():
				p.printStatus(s)
			default:
				p.printDue(s, until)
			}
			if len(s.Due) > 0 {
				return &failure{status: exitDue}
			}
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
	Due        []string          `json:"due,omitzero"` // accounts' names; only with --expiring
}

// sourceReport says where the next get takes its token from.
type sourceReport struct {
	Name   string       `json:"name"` // a variable's name, or "accounts"
	Reason string       `json:"reason"`
	Error  string       `json:"error,omitempty"`
	Cache  *cacheReport `json:"cache,omitempty"` // of a token command, if one is asked for
	Uses   *usesReport  `json:"uses,omitempty"`  // of a token outside the accounts, if it takes no command to have it
}

// usesReport says what became of a token after git asked for it.
type usesReport struct {
	LastUsed *time.Time     `json:"last_used"` // null: not known
	Silent   []silentReport `json:"silent"`
}

// silentReport counts the times in a row that git asked for the token in a workspace and
// reported neither success nor refusal.
type silentReport struct {
	Workspace string    `json:"workspace"` // "": git named none
	Count     int       `json:"count"`
	Last      time.Time `json:"last"`
}

type accountReport struct {
	Name       string     `json:"name"`
	Kind       string     `json:"kind"`
	Token      string     `json:"token"` // "…" and its last four characters
	Backend    string     `json:"backend"`
	Also       string     `json:"also,omitempty"`       // a second backend that may still hold a token
	Protection string     `json:"protection,omitempty"` // of backend file: "passphrase" or "file permissions"
	Email      string     `json:"email,omitempty"`
	Username   string     `json:"username,omitempty"`
	Default    bool       `json:"default"`
	Created    time.Time  `json:"created"`
	AgeDays    int        `json:"age_days"`
	Scopes     []string   `json:"scopes,omitempty"` // as a check found them
	Expires    *time.Time `json:"expires"`          // null: unknown
	Expiry     string     `json:"expiry"`           // "certain", "claimed", "guessed", "unknown"
	DaysLeft   *int       `json:"days_left"`
	SetAside   *time.Time `json:"set_aside,omitempty"`
	Dead       bool       `json:"dead,omitempty"`         // set aside, since Bitbucket refused it in a check
	Succeeded  *time.Time `json:"last_succeeded"`         // at day precision; null: never seen
	Checked    *time.Time `json:"last_checked,omitempty"` // when a check found it alive
	*grantReport
	Renewal *renewalReport `json:"renewal,omitempty"` // what keeps an OAuth account from another token
	usesReport
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
		return report, p.unknownAccount(only, book.Names())
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
	report.Repository = p.repositoryReport(ctx, snapshot)
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
	return ourLine(helpers)
}

// ourLine is that of the first of the helpers that is this program.
func ourLine(helpers []install.Helper) call {
	for _, h := range helpers {
		if h.Command.Ours {
			return lineOf(h)
		}
	}
	return call{}
}

var cacheInLine = regexp.MustCompile(regexp.QuoteMeta(cacheFlag) + `[ =]([^\s"']*)`)

func lineOf(h install.Helper) call {
	line, ok := parseCall(append(strings.Fields(h.Command.Flags), "get"), func() bool { return false })
	if !ok && strings.Contains(h.Command.Flags, "--token-command") {
		line.tokenCommand = &h.Command.Flags
		if found := cacheInLine.FindStringSubmatch(h.Command.Flags); found != nil {
			line.cache = &found[1]
		}
	}
	return line
}

// storedSource stands for the stored accounts, in the place of an ambient source's name.
const storedSource = "accounts"

// sourceFor says where a get by that line takes its token from, and reads nothing.
func (p *process) sourceFor(line call) sourceReport {
	if line.account != "" {
		return sourceReport{Name: storedSource, Reason: "--account stands in git's config"}
	}
	if named := p.env("BITBUCKET_ACCOUNT"); named != "" {
		if store.ValidName(named) != nil {
			return sourceReport{Name: storedSource, Reason: "BITBUCKET_ACCOUNT is set", Error: "what it holds is no account's name, and is not shown"}
		}
		return sourceReport{Name: storedSource, Reason: "BITBUCKET_ACCOUNT names " + named}
	}
	source := p.ambient(line.tokenCommand).Name()
	if source == "" {
		return sourceReport{Name: storedSource, Reason: "no variable with a token is set"}
	}
	if line.tokenCommand != nil {
		return sourceReport{Name: source, Reason: "it stands in git's config, and wins over stored accounts"}
	}
	return sourceReport{Name: source, Reason: "it is set, and wins over stored accounts"}
}

// sourceReport is sourceFor with what became of a token outside the accounts, or whether
// a command's is cached.
func (p *process) sourceReport(ctx context.Context, line call) sourceReport {
	report := p.sourceFor(line)
	source := p.ambient(line.tokenCommand)
	switch {
	case report.Name == storedSource:
		return report
	case isAsked(source.Name()):
		if source.Name() != clientVariable {
			report.Cache = p.cacheReport(line.cache)
		}
		return report
	}
	token, err := source.Token(ctx)
	if err != nil {
		report.Error = p.whyUnusable(err, store.Account{})
		return report
	}
	uses := p.usesReport(token.Token.Fingerprint())
	report.Uses = &uses
	return report
}

func (p *process) accountReport(a store.Account) accountReport {
	now := p.now()
	r := accountReport{
		Name: a.Name, Kind: a.Kind, Token: oneLine(a.Hint), Backend: a.Backend, Also: a.Also, Email: oneLine(a.Email), Username: oneLine(a.Username),
		Default: a.Default, Created: a.Created, AgeDays: max(0, int(now.Sub(a.Created)/day)), Expiry: "unknown", Rejections: []rejectionReport{},
		SetAside: present(a.SetAside), Dead: a.Dead, Expires: present(a.Expires),
	}
	if !a.Expires.IsZero() {
		left := wholeDays(a.Expires.Sub(now))
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
	if a.Scopes != "" {
		r.Scopes = strings.Split(oneLine(a.Scopes), ",")
	}
	r.grantReport, r.Renewal = newGrantReport(a), p.renewalReport(a)
	r.usesReport = p.usesReport(a.Fingerprint)
	log := p.observations().Read(a.Fingerprint)
	whole := log.Health("", now)
	r.Succeeded, r.Checked = present(whole.LastSuccess), present(whole.Cleared)
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

func (p *process) usesReport(fingerprint string) usesReport {
	uses := p.observations().Uses(fingerprint, p.now())
	report := usesReport{present(uses.Last.UTC()), []silentReport{}}
	for _, s := range uses.Silent {
		report.Silent = append(report.Silent, silentReport{oneLine(s.Workspace), s.Count, s.Last.UTC()})
	}
	return report
}

// wholeDays rounds up, as get's warnings do.
func wholeDays(d time.Duration) int { return int(math.Ceil(d.Hours() / 24)) }

// present is t, or nil for the zero time.
func present(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
