package helper

import (
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// What tells a Notice's subject.
type What int

const (
	PlainHTTP        What = iota + 1 // a token is not sent over http
	DeadAppPassword                  // Source holds an app password
	OtherProduct                     // Source holds a Data Center token
	NothingStored                    // no account at all, or one without a token
	AccountAside                     // a person set Account aside At; with Dead, Bitbucket refused it in a check then
	WhichAccount                     // none of Names is chosen
	UnknownAccount                   // Source names an account that is none of Names
	Unusable                         // Err: the token's place cannot give it
	RecordsUnusable                  // Err: the accounts file cannot be read or written
	Paused                           // after Count rejections, until Until
	OneMoreTry                       // the pause is over
	WasRejected                      // Count times since the last success, last At
	ExpiryPassed                     // Account's date, Days ago
	ExpiryNear                       // Account's date, in Days
	Cleaned                          // Fixes were taken off Source
	CutOff                           // Source's checksum does not fit
	KindGuessed                      // taken for Kind by Source's name alone
	BadName                          // what names the account is no name; it is not shown
	WidePaused                       // refused in Count workspaces; until Until set aside where it never worked
	RejectionLost                    // Err: why a rejection could not be recorded
	Rejected                         // git reports a rejection; Cause says what it may mean
	EmailRejected                    // another's credential with an e-mail as username was rejected
	PasswordRejected                 // another's app password was rejected
	SetAsideNow                      // by a person's `git credential reject`
	NoAsideAmbient                   // the token in use comes from Source and cannot be set aside
	Adopted                          // a token typed at git's prompt is now Account's
	NotAdopted                       // Err: why a typed token could not be kept
	NotAdoptedDead                   // an app password was typed
	NotRenewed                       // Err: why an OAuth account got no other token, where the present one is at its end
	RenewalFailed                    // the same where the present one goes out, until At
	Silent                           // git asked Count times and reported nothing
	OtherAccounts                    // Names may serve Workspace, where Account did not
)

// Cause is what the rejection of a token most likely means.
type Cause int

const (
	CauseUnknown Cause = iota
	CauseExpired       // its date has passed
	CauseNew           // never seen to work: scopes, a cut-off paste
	CauseOther         // it works in other workspaces: no access to this one
	CauseWorked        // it worked before: revoked, or a stray 401
)

// A Notice is something that a person should know; cmd puts it into words.
type Notice struct {
	What       What
	Account    store.Account   // its Name is "" for an ambient source
	Source     string          // the ambient source's name, else ""
	Kind       bitbucket.Kind  // of the token
	Workspace  string          // lower case, fit to be shown; "" unknown
	Repository string          // as Request.Repository; "" unknown
	Names      []string        // accounts to choose from
	Worked     bool            // of OtherAccounts: each of Names was seen to work in Workspace
	Named      bool            // of OtherAccounts: Account was named, so that no route wins over it
	Fixes      []bitbucket.Fix // of Cleaned
	Err        error           // of Unusable, RecordsUnusable, NotAdopted, NotRenewed, RenewalFailed
	At, Until  time.Time
	Days       int // whole days, rounded up
	Count      int
	Burst      bool // of Paused: all of Count within one second
	Cause      Cause
	Renews     bool   // of Rejected: the next get renews the token
	Claim      string // print only if this claim is won; "" always
	Stage      string // recorded as warned once printed
}
