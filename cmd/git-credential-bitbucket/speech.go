package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
	"unicode"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// How this program speaks: to stderr, one line a subject, lower case, no full stop.
//
//	bitbucket: error: …     nothing usable was given
//	bitbucket: warning: …   git went on, and something will want attention
//	bitbucket: note: …      good to know
//
// A line says what is wrong and ends in what to type. No line holds a token, nor
// anything of a request but names that were checked to be harmless.
const (
	asError   = "error"
	asWarning = "warning"
	asNote    = "note"
)

// tell puts a notice into words.
func (p *process) tell(n helper.Notice, caller helper.Caller) {
	token := theToken(n)
	again := p.remedy(n, caller)
	switch n.What {
	case helper.PlainHTTP:
		p.say(asError, `no token is sent over plain http; type: git config --global url."https://%s/".insteadOf "http://%[1]s/"`, bitbucket.Host)
	case helper.DeadAppPassword:
		p.say(asError, "%s is an app password, and Bitbucket ended those on %s; %s", token, bitbucket.AppPasswordsEnded, again)
	case helper.OtherProduct:
		p.say(asError, "%s is of Bitbucket Data Center and is not sent to %s; %s", token, bitbucket.Host, again)
	case helper.NothingStored:
		p.say(asNote, "no token is stored for %s%s; %s", bitbucket.Host, inAccount(n.Account), again)
	case helper.AccountAside:
		if n.Account.Dead {
			p.say(asNote, "Bitbucket refused %s in a check at %s; %s", token, p.moment(n.At), again)
			return
		}
		p.say(asNote, "%s was set aside at %s; %s", token, p.moment(n.At), again)
	case helper.WhichAccount:
		p.say(asError, "no account is chosen among %s; %s", listed(n.Names), choiceRemedy(n.Workspace))
	case helper.UnknownAccount:
		p.say(asError, "there is no account %q: there are %s; type: git-credential-bitbucket status", n.Source, listed(n.Names))
	case helper.BadName:
		p.say(asError, "what --account or BITBUCKET_ACCOUNT holds is no account's name, and is not shown; type: git-credential-bitbucket status")
	case helper.WidePaused:
		p.say(asError, "Bitbucket refused %s in %d workspaces; set aside until %s wherever it was never seen to work, so that the account is not locked out; %s",
			token, n.Count, p.moment(n.Until), again)
	case helper.RejectionLost:
		p.say(asWarning, "this rejection cannot be recorded (%s), so that the token is not paused; %s", n.Err, makeRoom(n.Err, p.stateDir()))
	case helper.Unusable:
		p.say(asError, "%s", p.whyUnusable(n.Err, n.Account))
	case helper.RecordsUnusable:
		p.say(asError, "%s", recordTrouble(n.Err))
	case helper.Paused:
		if n.Burst {
			p.say(asError, "Bitbucket refused %s %s%s within a second; wait a second, then type the git command again", token, times(n.Count), inWorkspace(n))
			return
		}
		p.say(asError, "Bitbucket refused %s %s%s; set aside until %s, so that the account is not locked out; %s",
			token, times(n.Count), inWorkspace(n), p.moment(n.Until), again)
	case helper.OneMoreTry:
		p.say(asNote, "the pause is over: trying %s once more%s", token, inWorkspace(n))
	case helper.WasRejected:
		p.say(asWarning, "Bitbucket refused %s %s%s, last at %s; %s",
			token, times(n.Count), inWorkspace(n), p.moment(n.At), again)
	case helper.ExpiryPassed:
		if n.Account.Grant != "" {
			p.say(asWarning, "%s ended at %s; %s", token, p.moment(n.Account.Expires), again)
			return
		}
		p.say(asWarning, "%s expired on %s%s; %s", token, date(n.Account.Expires), guessed(n.Account), again)
	case helper.ExpiryNear:
		p.say(asWarning, "%s expires in %s, on %s%s; %s", token, inDays(n.Days), date(n.Account.Expires), guessed(n.Account), again)
	case helper.Cleaned:
		p.say(asNote, "took %s off the token in %s", fixes(n.Fixes), n.Source)
	case helper.CutOff:
		p.say(asWarning, "%s looks cut off or mistyped: its checksum does not fit; if Bitbucket refuses it: %s", token, again)
	case helper.KindGuessed:
		p.say(asNote, "%s has no beginning that tells its kind: taken for an %s", token, n.Kind)
	case helper.Rejected:
		pause := ""
		if !n.Until.IsZero() {
			pause = "; set aside until " + p.moment(n.Until)
		}
		p.say(asWarning, "Bitbucket refused %s%s: %s%s; %s", token, inWorkspace(n), meaning(n), pause, again)
	case helper.EmailRejected:
		p.say(asWarning, "Bitbucket refused a credential with an e-mail as username: git needs %s; %s", bitbucket.APIToken.GitUsername(), again)
	case helper.PasswordRejected:
		p.say(asWarning, "Bitbucket refused an app password, of which it ended all on %s; %s", bitbucket.AppPasswordsEnded, again)
	case helper.SetAsideNow:
		p.say(asNote, "%s is set aside until you store one again; type: %s", token, againCommand(n.Account))
	case helper.NoAsideAmbient:
		p.say(asNote, "the token in use comes from %s and cannot be set aside; unset %[1]s instead", n.Source)
	case helper.Adopted:
		p.say(asNote, "kept the %s %s as account %s in %s; to undo: git-credential-bitbucket forget %s",
			n.Kind, n.Account.Hint, n.Account.Name, backendName(n.Account.Backend), n.Account.Name)
	case helper.NotAdopted:
		p.say(asWarning, "the token that you typed could not be kept: %s", p.whyUnusable(n.Err, n.Account))
	case helper.Silent:
		p.say(asNote, "git asked %s for %s%s and reported neither success nor refusal; Bitbucket answers 403, 404, 410, 429 or 5xx then, which git tells no helper; to see why, type: %s",
			times(n.Count), token, inWorkspace(n), verifyCommand(n.Account, n.Repository))
	case helper.OtherAccounts:
		p.sayOthers(n)
	case helper.NotRenewed:
		p.say(asError, "%s", p.whyNotRenewed(n.Err, n.Account))
	case helper.RenewalFailed:
		p.say(asWarning, "the present token serves until %s, but %s", p.moment(n.At), p.whyNotRenewed(n.Err, n.Account))
	case helper.NotAdoptedDead:
		p.say(asWarning, "what you typed is an app password and is not kept: Bitbucket ended those on %s; %s", bitbucket.AppPasswordsEnded, again)
	}
}

// theToken names the token that a notice is about.
func theToken(n helper.Notice) string {
	switch {
	case n.Source != "":
		return "the token from " + n.Source
	case n.Account.Name == "":
		return "a token that is no longer stored"
	case n.Account.Hint != "":
		return fmt.Sprintf("the token %s of account %s", n.Account.Hint, n.Account.Name)
	}
	return "the token of account " + n.Account.Name
}

func meaning(n helper.Notice) string {
	switch n.Cause {
	case helper.CauseExpired:
		return fmt.Sprintf("it expired on %s%s", date(n.Account.Expires), guessed(n.Account))
	case helper.CauseNew:
		return "it was never seen to work, so that it may lack its scopes, be cut off, or be revoked"
	case helper.CauseOther:
		return "it works elsewhere, so that it may have no access here"
	case helper.CauseWorked:
		return "it worked before, so that it may be revoked or expired, or this was one of Bitbucket's stray refusals"
	}
	return "it may be expired, revoked or without access"
}

// whyUnusable says what keeps a token from being read, and what to do.
func (p *process) whyUnusable(err error, account store.Account) string {
	var source *sourceError
	if errors.As(err, &source) {
		return source.Error() + "; " + source.remedy
	}
	if errors.Is(err, bitbucket.ErrBrokenToken) {
		return fmt.Sprintf("the token of account %s has a character in it that no token has; type: %s", account.Name, againCommand(account))
	}
	var failed *store.BackendError
	if !errors.As(err, &failed) {
		return err.Error()
	}
	name := backendName(failed.Backend)
	another := "or keep the token elsewhere: " + againCommand(account) + " --backend " + store.BackendFile
	switch {
	case errors.Is(err, store.ErrLocked) && failed.Backend == store.BackendFile:
		return "the encrypted file needs its passphrase; set BITBUCKET_CREDENTIAL_PASSPHRASE_FILE to a file that holds it"
	case errors.Is(err, store.ErrLocked) && failed.Backend == store.BackendPass:
		return "gpg's key for pass is locked and nobody can be asked here; unlock it first: pass show git-credential-bitbucket"
	case errors.Is(err, store.ErrLocked):
		return name + " is locked; unlock it by logging in to the desktop, " + another
	case errors.Is(err, store.ErrAbsent):
		return name + " is not to be had here (" + detail(failed) + "); start it, " + another
	case errors.Is(err, store.ErrRefused) && failed.Backend == store.BackendFile && p.lockedByPassphrase(account.Name):
		return "the encrypted file's passphrase is wrong; correct BITBUCKET_CREDENTIAL_PASSPHRASE"
	case errors.Is(err, store.ErrRefused) && failed.Backend == store.BackendFile:
		return "the encrypted file is not opened (" + detail(failed) + "); make that file yours alone with chmod 600, and if somebody may have read it, revoke the token"
	case errors.Is(err, store.ErrRefused):
		return name + " refused (" + detail(failed) + "); allow it, " + another
	case errors.Is(err, store.ErrTimeout):
		return fmt.Sprintf("%s did not answer within %s; unlock or restart it, %s", name, failed.After.Round(time.Second/10), another)
	}
	again := "store the token again: "
	if account.Grant != "" {
		again = "log in again: "
	}
	return name + " failed (" + detail(failed) + "); " + again + againCommand(account)
}

// detail is the backend's own word, on one line.
func detail(err *store.BackendError) string { return oneLine(err.Err.Error()) }

// makeRoom is what helps where nothing can be written.
func makeRoom(err error, folder string) string {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return "free some space for " + folder
	}
	return "make " + folder + " writable"
}

func recordTrouble(err error) string {
	if errors.Is(err, store.ErrBusy) {
		return "another git-credential-bitbucket holds the accounts; type the command again"
	}
	var record *store.RecordError
	if errors.As(err, &record) {
		if errors.Is(err, store.ErrFormat) {
			return err.Error() + "; upgrade git-credential-bitbucket to the version that wrote it"
		}
		return err.Error() + "; mend or remove that file, then type: git-credential-bitbucket store"
	}
	return "the accounts cannot be written: " + oneLine(err.Error()) + "; " + makeRoom(err, "their folder") + ", and type the command again"
}

// oneLine makes text fit for a terminal: no line ends, no control characters, and none
// that turn the direction of writing.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, text)
}

func backendName(backend string) string {
	switch backend {
	case store.BackendKeyring:
		return "the system's keyring"
	case store.BackendFile:
		return "the encrypted file"
	case store.BackendPass:
		return "pass"
	case store.BackendKeyctl:
		return "the kernel's keyring"
	}
	return backend
}

// inAccount names an account that somebody chose.
func inAccount(a store.Account) string {
	if a.Name == "" || a.Name == helper.DefaultAccount {
		return ""
	}
	return " in account " + a.Name
}

func inWorkspace(n helper.Notice) string {
	if n.Workspace == "" {
		return ""
	}
	return " in workspace " + n.Workspace
}

func guessed(a store.Account) string {
	switch {
	case a.Certain:
		return ""
	case a.Guessed:
		return " (a guess: nobody gave its date)"
	}
	return " (by the date that you gave)"
}

func fixes(list []bitbucket.Fix) string {
	var words []string
	for _, fix := range list {
		words = append(words, string(fix))
	}
	return strings.Join(words, " and ")
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

func inDays(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// date is the day in UTC, as the site shows a token's.
func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// moment is the time in the person's zone, without the day if that is today.
func (p *process) moment(t time.Time) string {
	t = t.Local()
	if t.Format(time.DateOnly) == p.now().Local().Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}
