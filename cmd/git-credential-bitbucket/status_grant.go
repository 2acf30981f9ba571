package main

import (
	"fmt"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// grantReport says by which of OAuth's grants an account logged in, and what came of the
// scopes that were asked for.
type grantReport struct {
	Grant   string   `json:"grant"`           // "code", "client-credentials", "jwt", "implicit"
	Renewed bool     `json:"renewed"`         // without a person
	Asked   []string `json:"asked,omitempty"` // scopes; none: all that the consumer has
	Missing []string `json:"missing"`         // of those asked for, and of those that git needs
	lacks   string   // what git needs, for people
	vain    []string // asked for and not granted
}

// newGrantReport is nil for an account that did not log in.
func newGrantReport(a store.Account) *grantReport {
	if a.Grant == "" {
		return nil
	}
	r := &grantReport{Grant: oneLine(a.Grant), Renewed: a.Grant != store.GrantImplicit, vain: oneLines(missingScopes(a))}
	r.Missing = noNil(r.vain)
	if a.Asked != "" {
		r.Asked = oneLines(strings.Split(a.Asked, ","))
	}
	if a.Scopes == "" {
		return r
	}
	read, push := bitbucket.Missing(bitbucket.OAuthToken, strings.Split(a.Scopes, ","))
	if len(read) > 0 || len(push) > 0 {
		r.lacks = lacking(read, push)
	}
	for _, scope := range append(read, push...) {
		if !slices.Contains(r.Missing, scope) {
			r.Missing = append(r.Missing, scope)
		}
	}
	return r
}

// printGrant adds the lines of an account that logged in.
func printGrant(out *strings.Builder, r *grantReport, name string) {
	if r == nil {
		return
	}
	a := store.Account{Name: name, Grant: r.Grant, Asked: strings.Join(r.Asked, ",")}
	if len(r.Asked) > 0 {
		fmt.Fprintf(out, "  asked for %s\n", strings.Join(r.Asked, ", "))
	}
	if len(r.vain) > 0 {
		fmt.Fprintf(out, "  not granted: %s; tick it at the consumer, then type: %s\n", strings.Join(r.vain, ", "), loginCommand(a))
	}
	if r.lacks != "" {
		fmt.Fprintf(out, "  lacks %s; %s\n", oneLine(r.lacks), consumerRemedy(a))
	}
	if r.Renewed {
		fmt.Fprintf(out, "  logged in by grant %s, and renewed by itself\n", r.Grant)
		return
	}
	fmt.Fprintf(out, "  logged in by grant %s, and not renewed; when it has expired, type: %s --client-id KEY\n", r.Grant, loginCommand(a))
}

// record is as much of the account's record as remedies need.
func (a accountReport) record() store.Account {
	record := store.Account{Name: a.Name, Dead: a.Dead}
	if a.grantReport != nil {
		record.Grant, record.Asked = a.Grant, strings.Join(a.Asked, ",")
	}
	return record
}
