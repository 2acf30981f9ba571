package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
)

// verifyReport is what verify found, in the shape of its JSON. It holds no secret.
type verifyReport struct {
	Account    string          `json:"account,omitempty"`
	Source     string          `json:"source"` // a variable's name, or "accounts"
	Kind       string          `json:"kind"`
	Token      string          `json:"token"`  // "…" and its last four characters
	Alive      bitbucket.Life  `json:"alive"`  // "yes", "no", "refused", "unknown"
	Usable     bool            `json:"usable"` // git can read with it
	Owner      *bitbucket.User `json:"owner"`  // null: not told
	Scopes     []string        `json:"scopes"` // null: not told
	Missing    missingReport   `json:"missing"`
	Repository *accessReport   `json:"repository,omitempty"`
	Causes     []causeReport   `json:"causes"`           // what is wrong, the likeliest first
	Others     []otherReport   `json:"others,omitempty"` // accounts that were asked about, where this one may not read the repository
	Status     exitStatus      `json:"status"`           // the exit status
}

// missingReport lists the scopes that the token lacks, as far as told.
type missingReport struct {
	Read []string `json:"read"`
	Push []string `json:"push"`
}

// accessReport says what the token may do in a repository: "yes", "no" or "unknown".
type accessReport struct {
	Name string `json:"name"`
	Read string `json:"read"`
	Push string `json:"push"`
}

type causeReport struct {
	Cause  bitbucket.Cause `json:"cause"`
	Text   string          `json:"text"`
	Remedy string          `json:"remedy"`
}

func (p *process) verifyReport(q *inquiry, causes []bitbucket.Cause) verifyReport {
	s, v := q.subject, q.verdict
	r := verifyReport{
		Account: s.account.Name, Source: s.source, Kind: string(v.Kind), Token: s.token.Hint(),
		Alive: v.Life, Usable: v.Usable, Scopes: oneLines(v.Scopes),
		Missing: missingReport{noNil(v.MissingRead), noNil(v.MissingPush)}, Causes: []causeReport{},
	}
	if s.source == "" {
		r.Source = storedSource
	}
	if user := q.evidence.User; user != nil && user.User != (bitbucket.User{}) {
		r.Owner = &user.User
	}
	if q.repository != (bitbucket.Repository{}) {
		r.Repository = &accessReport{q.repository.String(), may(q.evidence.Fetch), may(q.evidence.Push)}
		switch {
		case v.Life == bitbucket.Unknown:
			r.Repository.Read, r.Repository.Push = "unknown", "unknown"
		case r.Repository.Read == "no":
			r.Repository.Push = "no"
		}
	}
	concern := q.concern()
	for _, cause := range causes {
		row := rowOf(cause)
		r.Causes = append(r.Causes, causeReport{cause, q.means(row), p.remedyOf(row, concern)})
	}
	if len(causes) > 0 && (!v.Usable || q.misleads(causes)) {
		r.Status = rowOf(causes[0]).status
	}
	return r
}

// misleads reports whether git sends another username than the token wants. The record
// of an account is mended; a variable is not ours to mend.
func (q *inquiry) misleads(causes []bitbucket.Cause) bool {
	return slices.Contains(causes, bitbucket.CauseEmailForGit) || q.subject.source != "" && slices.Contains(causes, bitbucket.CauseKind)
}

// override puts first what keeps git from asking for the token at all.
func (r *verifyReport) override(problems []finding) {
	row := rowOf(bitbucket.CauseOverridden)
	for i, f := range problems {
		r.Causes = slices.Insert(r.Causes, i, causeReport{row.cause, f.Text, f.Remedy})
		r.Status = row.status
	}
}

func (q *inquiry) concern() concern {
	return concern{subject: q.subject, repository: q.repository, verdict: q.verdict, retryAfter: q.retryAfter, trouble: q.trouble}
}

func noNil(list []string) []string { return append([]string{}, list...) }

func oneLines(list []string) []string {
	for i := range list {
		list[i] = oneLine(list[i])
	}
	return list
}

func may(r *bitbucket.Reply) string {
	switch {
	case r == nil:
		return "unknown"
	case r.Answer == bitbucket.AnswerOK:
		return "yes"
	case r.Answer == bitbucket.AnswerRateLimited, r.Answer == bitbucket.AnswerOutage:
		return "unknown"
	}
	return "no"
}

// means is what the cause means for this token.
func (q *inquiry) means(row causeRow) string {
	v := q.verdict
	switch {
	case row.cause == bitbucket.CauseScope && len(v.MissingRead) > 0:
		return fmt.Sprintf("it lacks the scope %s for clone and fetch, and none can be added to it", strings.Join(v.MissingRead, ", "))
	case row.cause == bitbucket.CauseScope && len(v.MissingPush) > 0:
		return fmt.Sprintf("it lacks the scope %s for push, and none can be added to it", strings.Join(v.MissingPush, ", "))
	case row.cause == bitbucket.CauseKind:
		return fmt.Sprintf("it is an %s, and was taken for an %s", v.Kind, q.subject.kind)
	}
	return row.means
}

// printVerify writes what was found to stdout, and what is wrong to stderr.
func (p *process) printVerify(r verifyReport) error {
	out := &strings.Builder{}
	heading := "account " + r.Account
	if r.Account == "" {
		heading = r.Source
	}
	fmt.Fprintf(out, "%s: %s %s\n", heading, oneLine(bitbucket.Kind(r.Kind).String()), oneLine(r.Token))
	switch r.Alive {
	case bitbucket.Alive:
		fmt.Fprintln(out, "  alive: yes, Bitbucket takes it")
	case bitbucket.Dead:
		fmt.Fprint(out, "  alive: no, Bitbucket refuses it")
		if r.Account != "" {
			fmt.Fprint(out, "; set aside")
		}
		fmt.Fprintln(out)
	case bitbucket.Refused:
		fmt.Fprintln(out, "  alive: perhaps not, Bitbucket refuses it")
	default:
		fmt.Fprintln(out, "  alive: unknown")
	}
	if r.Owner != nil {
		fmt.Fprintf(out, "  owner: %s\n", ownerName(*r.Owner))
	}
	if r.Scopes != nil {
		fmt.Fprintf(out, "  scopes: %s\n", cmp.Or(strings.Join(r.Scopes, ", "), "none"))
	}
	if r.Repository != nil {
		fmt.Fprintf(out, "  %s: read %s, push %s\n", r.Repository.Name, r.Repository.Read, r.Repository.Push)
	}
	if _, err := fmt.Fprint(p.stdout, out.String()); err != nil {
		return err
	}
	for i, c := range r.Causes {
		level := asWarning
		if i == 0 && r.Status != exitDone {
			level = asError
		}
		text := c.Text
		if i > 0 && r.Alive == bitbucket.Refused {
			text = "or " + text
		}
		p.say(level, "%s; %s", text, c.Remedy)
	}
	p.sayReaders(r)
	return nil
}

// ownerName is whose the token is, for people.
func ownerName(u bitbucket.User) string {
	switch {
	case u.Username == "":
		return oneLine(u.DisplayName)
	case u.DisplayName == "" || u.DisplayName == u.Username:
		return oneLine(u.Username)
	}
	return oneLine(u.Username + " (" + u.DisplayName + ")")
}
