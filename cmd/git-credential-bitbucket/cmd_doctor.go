package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"git-credential-bitbucket/bitbucket"
)

var doctorRow = row{
	name:  "doctor",
	short: "Look for whatever keeps git and this helper from working, and say what mends it",
	long: `Look for whatever keeps git and this helper from working, and say what mends it: git's
config as git reads it here, the accounts and where their tokens are, this repository's
remotes, other places with secrets for Bitbucket, the way to the site, the environment.

Each line is a finding: ok, note or problem. The report holds no token, no full e-mail
address and no name of your home directory: it can be shown to others. It asks
you nothing, changes nothing, and sends no token anywhere. It ends with status 1 if there is a problem.`,
	example: `  git-credential-bitbucket doctor
  git-credential-bitbucket doctor --repo WORKSPACE/REPOSITORY --json`,
	exits: []exitStatus{exitFailed},
	build: func(p *process, c *cobra.Command) {
		asJSON := c.Flags().Bool("json", false, "print JSON")
		repo := c.Flags().String("repo", "", "how git would treat `WORKSPACE/REPOSITORY`, in place of this repository's remote")
		c.RunE = func(c *cobra.Command, _ []string) error {
			var about bitbucket.Repository
			if *repo != "" {
				var err error
				if about, err = bitbucket.ParseRepository(*repo); err != nil {
					return fail(exitUsage, "--repo: %s", err)
				}
			}
			return p.doctor(c.Context(), about, *asJSON)
		}
	},
}

// The levels of a finding.
const (
	levelOK      = "ok"
	levelNote    = "note"
	levelProblem = "problem" // makes doctor exit 1
)

// A finding is one line of the report. The id is stable, text and remedy are for people.
type finding struct {
	Level  string `json:"level"`
	ID     string `json:"id"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

type doctorReport struct {
	Version  versionInfo `json:"version"`
	Findings []finding   `json:"findings"`
}

func (p *process) doctor(ctx context.Context, about bitbucket.Repository, asJSON bool) error {
	report := doctorReport{thisVersion(), p.examine(ctx, about)}
	for i, f := range report.Findings {
		report.Findings[i].Text, report.Findings[i].Remedy = p.public(f.Text), p.public(f.Remedy)
	}
	if asJSON {
		out := json.NewEncoder(p.stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		if err := written(out.Encode(report)); err != nil {
			return err
		}
	} else if err := written(p.printFindings(report)); err != nil {
		return err
	}
	for _, f := range report.Findings {
		if f.Level == levelProblem {
			return fail(exitFailed, "")
		}
	}
	return nil
}

func (p *process) printFindings(report doctorReport) error {
	colours := map[string]string{levelOK: "32", levelNote: "33", levelProblem: "31"}
	coloured := term.IsTerminal(int(p.stdout.Fd())) && p.env("NO_COLOR") == "" && p.env("TERM") != "dumb"
	out := &strings.Builder{}
	v := report.Version
	fmt.Fprintf(out, "git-credential-bitbucket %s (%s, %s)\n", v.Version, v.Go, v.Platform)
	for _, f := range report.Findings {
		level := fmt.Sprintf("%-8s", f.Level)
		if coloured {
			level = "\x1b[" + colours[f.Level] + "m" + level + "\x1b[0m"
		}
		fmt.Fprintf(out, "%s %s", level, f.Text)
		if f.Remedy != "" {
			fmt.Fprintf(out, "; %s", f.Remedy)
		}
		fmt.Fprintln(out)
	}
	_, err := fmt.Fprint(p.stdout, out.String())
	return err
}

// written is the failure of a report that could not be written, or nil.
func written(err error) error {
	if err == nil {
		return nil
	}
	return fail(exitFailed, "the report could not be written: %v; check where it goes", cause(err))
}
