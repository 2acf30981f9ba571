package main

import (
	"fmt"
	"time"

	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// renewalReport says that an OAuth account got no other token when Bitbucket was last
// asked for one.
type renewalReport struct {
	Trouble string     `json:"trouble"`                // "dead", "rate-limit", "answer", "network"
	Dead    bool       `json:"dead"`                   // only a new login helps
	Until   *time.Time `json:"paused_until,omitempty"` // before then Bitbucket is not asked again
}

// renewalReport is nil where nothing is known against the account's renewal.
func (p *process) renewalReport(a store.Account) *renewalReport {
	if !helper.Renewable(a) {
		return nil
	}
	found := p.pauses(renewalKey(a.Name))
	for _, trouble := range helper.Troubles {
		until := found[trouble]
		if until.IsZero() {
			continue
		}
		r := &renewalReport{Trouble: string(trouble), Dead: trouble == helper.DeadGrant}
		if r.Dead {
			r.Trouble = "dead"
		}
		// As renewing has it: no network is no pause where no token serves.
		if p.now().Before(until) && (trouble != helper.Unreachable || p.now().Before(a.Expires)) {
			r.Until = &until
		}
		return r
	}
	return nil
}

// renewalText says it without a remedy.
func (p *process) renewalText(r *renewalReport) string {
	text, subject := "Bitbucket renews its token no more", ""
	if !r.Dead {
		text, subject = "its token could not be renewed: "+pausedBy[helper.Trouble(r.Trouble)].Error(), "Bitbucket "
	}
	if r.Until != nil {
		text += fmt.Sprintf(", and %sis not asked again until %s", subject, p.moment(*r.Until))
	}
	return text
}
