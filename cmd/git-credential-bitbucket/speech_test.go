package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// spoken is what a person reads of the notice.
func spoken(t *testing.T, n helper.Notice, caller helper.Caller) string {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p := &process{stderr: write, now: noonNow, lookup: func(string) (string, bool) { return "", false }}
	p.tell(n, caller)
	_ = write.Close()
	said, err := io.ReadAll(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

// storedAccount is an account as a person has it.
func storedAccount() store.Account {
	return store.Account{
		Name: "work", Kind: string(bitbucket.APIToken), Email: "alice@example.com", Backend: store.BackendKeyring,
		Fingerprint: apiToken.Fingerprint(), Hint: apiToken.Hint(), Created: noon.Add(-day), Expires: noon.Add(5 * day),
	}
}

// about is a notice of that subject with everything in it that one can have.
func about(what helper.What) helper.Notice {
	return helper.Notice{
		What: what, Account: storedAccount(), Kind: bitbucket.APIToken, Workspace: "acme", Repository: "acme/app", Names: []string{"a", "b"}, Fixes: []bitbucket.Fix{bitbucket.FixQuotes, bitbucket.FixUser},
		Err: &store.BackendError{Backend: store.BackendKeyring, Err: store.ErrLocked}, At: noon.Add(-time.Hour), Until: noon.Add(time.Minute), Days: 5, Count: 3, Cause: helper.CauseWorked,
	}
}

// The words that make each subject what it is.
func TestSpeech(t *testing.T) {
	words := map[helper.What]string{
		helper.PlainHTTP:        `^error: no token is sent over plain http; type: git config --global url\."https://bitbucket\.org/"\.insteadOf "http://bitbucket\.org/"$`,
		helper.DeadAppPassword:  `^error: the token ….{4} of account work is an app password, and Bitbucket ended those on 2026-07-28; make an API token .* type: git-credential-bitbucket store --account work$`,
		helper.OtherProduct:     `^error: .* is of Bitbucket Data Center and is not sent to bitbucket\.org; `,
		helper.NothingStored:    `^note: no token is stored for bitbucket\.org in account work; make an API token .*type: git-credential-bitbucket store --account work$`,
		helper.AccountAside:     `^note: the token .* was set aside at \d.*; `,
		helper.WhichAccount:     `^error: no account is chosen among a, b; type: git-credential-bitbucket route acme NAME, or for all that has no route: git-credential-bitbucket default NAME$`,
		helper.UnknownAccount:   `^error: there is no account "": there are a, b; type: git-credential-bitbucket status$`,
		helper.Unusable:         `^error: the system's keyring is locked; unlock it .*git-credential-bitbucket store --account work --backend file$`,
		helper.RecordsUnusable:  `^error: the accounts cannot be written: keyring: locked; make their folder writable, and type the command again$`,
		helper.Paused:           `^error: Bitbucket refused the token .* 3 times in workspace acme; set aside until \d\d:\d\d:\d\d, so that the account is not locked out; to see why: git-credential-bitbucket verify --account work --repo acme/app$`,
		helper.BadName:          `^error: what --account or BITBUCKET_ACCOUNT holds is no account's name, and is not shown; type: git-credential-bitbucket status$`,
		helper.WidePaused:       `^error: Bitbucket refused the token .* in 3 workspaces; set aside until \d\d:\d\d:\d\d wherever it was never seen to work, so that the account is not locked out; `,
		helper.RejectionLost:    `^warning: this rejection cannot be recorded \(keyring: locked\), so that the token is not paused; make .*writable$`,
		helper.OneMoreTry:       `^note: the pause is over: trying the token .* once more in workspace acme$`,
		helper.WasRejected:      `^warning: Bitbucket refused the token .* 3 times in workspace acme, last at .*; to see why: git-credential-bitbucket verify --account work --repo acme/app$`,
		helper.ExpiryPassed:     `^warning: the token .* expired on 2026-11-28 \(by the date that you gave\); .* type: git-credential-bitbucket rotate --account work$`,
		helper.ExpiryNear:       `^warning: the token .* expires in 5 days, on 2026-11-28 \(by the date that you gave\); `,
		helper.Cleaned:          `^note: took quotes and the username before it off the token in $`,
		helper.CutOff:           `^warning: the token .* looks cut off or mistyped: its checksum does not fit; `,
		helper.KindGuessed:      `^note: the token .* has no beginning that tells its kind: taken for an API token$`,
		helper.Rejected:         `^warning: Bitbucket refused the token .* in workspace acme: it worked before, so that it may be revoked or expired, .*stray.*; `,
		helper.EmailRejected:    `^warning: .* e-mail as username: git needs x-bitbucket-api-token-auth; `,
		helper.PasswordRejected: `^warning: Bitbucket refused an app password, of which it ended all on 2026-07-28; `,
		helper.SetAsideNow:      `^note: the token .* is set aside until you store one again; type: git-credential-bitbucket store --account work$`,
		helper.NoAsideAmbient:   `^note: the token in use comes from .* and cannot be set aside; `,
		helper.Adopted:          `^note: kept the API token ….{4} as account work in the system's keyring; to undo: git-credential-bitbucket forget work$`,
		helper.NotAdopted:       `^warning: the token that you typed could not be kept: the system's keyring is locked; `,
		helper.NotRenewed:       `^error: the system's keyring is locked; `,
		helper.RenewalFailed:    `^warning: the present token serves until 11:00:00, but the system's keyring is locked; `,
		helper.Silent:           `^note: git asked 3 times for the token ….{4} of account work in workspace acme and reported neither success nor refusal; Bitbucket answers 403, 404, 410, 429 or 5xx then, which git tells no helper; to see why, type: git-credential-bitbucket verify --account work --repo acme/app$`,
		helper.OtherAccounts:    `^note: accounts a, b are stored too, and may have access to workspace acme; to use one there, type: git-credential-bitbucket route acme NAME$`,
		helper.NotAdoptedDead:   `^warning: what you typed is an app password and is not kept: `,
	}
	for _, what := range everyWhat(t) {
		line := strings.TrimSuffix(spoken(t, about(what), helper.Caller{}), "\n")
		text, ours := strings.CutPrefix(line, "bitbucket: ")
		if words[what] == "" || !ours || !regexp.MustCompile(words[what]).MatchString(text) {
			t.Errorf("%d: %q is not like %q", what, line, words[what])
		}
	}
	if got := spoken(t, about(helper.OtherAccounts+1), helper.Caller{}); got != "" {
		t.Errorf("something that is not there: %q", got)
	}
}

// everyWhat is each value of helper.What, as many as its source declares.
func everyWhat(t *testing.T) (all []helper.What) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "helper", "notice.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST || group.Specs[0].(*ast.ValueSpec).Names[0].Name != "PlainHTTP" {
			continue
		}
		for i := range group.Specs {
			all = append(all, helper.PlainHTTP+helper.What(i))
		}
	}
	if len(all) < 20 {
		t.Fatalf("%d subjects", len(all))
	}
	return all
}

// Whatever a notice holds, it becomes one line without a token, a control character or
// a full stop.
func TestSpeechIsOneLine(t *testing.T) {
	hostile := errors.New("line one\nline two\x1b[31m\x00\r\u009b31m")
	var notices []helper.Notice
	subjects := everyWhat(t)
	for _, change := range []func(*helper.Notice){
		func(*helper.Notice) {},
		func(n *helper.Notice) { n.Source, n.Account = "BITBUCKET_TOKEN", store.Account{} },
		func(n *helper.Notice) { n.Source, n.Account = commandVariable, store.Account{} },
		func(n *helper.Notice) { n.Source = "nobody\n\x1b[31m" },
		func(n *helper.Notice) { n.Account, n.Workspace, n.Repository, n.Names = store.Account{}, "", "", nil },
		func(n *helper.Notice) { n.Account.Hint, n.Account.Name = "", helper.DefaultAccount },
		func(n *helper.Notice) { n.Account.Guessed = true },
		func(n *helper.Notice) { n.Account.Certain = true },
		func(n *helper.Notice) { n.Cause, n.Count, n.Days = helper.CauseExpired, 1, 1 },
		func(n *helper.Notice) { n.Cause, n.Count, n.Days = helper.CauseNew, 2, 0 },
		func(n *helper.Notice) { n.Cause = helper.CauseOther },
		func(n *helper.Notice) { n.Cause = helper.CauseUnknown },
		func(n *helper.Notice) { n.At, n.Until = noon.AddDate(0, 0, -3), noon.AddDate(0, 0, 3) },
		func(n *helper.Notice) { n.Err = hostile },
		func(n *helper.Notice) { n.Err = &store.RecordError{Path: "a\nb", Line: 3, Err: hostile} },
		func(n *helper.Notice) { n.Err = bitbucket.ErrBrokenToken },
		func(n *helper.Notice) { n.Err = &sourceError{"BITBUCKET_TOKEN", "is\nset", "unset\nit"} },
	} {
		for _, what := range subjects {
			n := about(what)
			change(&n)
			notices = append(notices, n)
		}
	}
	for _, backend := range []string{store.BackendKeyring, store.BackendFile, store.BackendPass, store.BackendKeyctl, "other"} {
		for _, why := range []error{store.ErrLocked, store.ErrAbsent, store.ErrNoKeyring, store.ErrRefused, store.ErrDamaged, store.ErrTimeout, hostile} {
			n := about(helper.Unusable)
			n.Err = fmt.Errorf("around: %w", &store.BackendError{Backend: backend, After: 2 * time.Second, Err: why})
			notices = append(notices, n)
		}
	}
	beginning := regexp.MustCompile(`^bitbucket: (error|warning|note): \S`)
	for _, n := range notices {
		for _, caller := range []helper.Caller{{}, {CI: true}} {
			line, ended := strings.CutSuffix(spoken(t, n, caller), "\n")
			if !ended || !beginning.MatchString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 }) || strings.HasSuffix(line, ".") || strings.Contains(line, "%!") {
				t.Errorf("%d: %q", n.What, line)
			}
			if strings.Contains(line, apiToken.Reveal()) || strings.Contains(line, apiToken.Fingerprint()) || strings.Contains(line, "alice@") {
				t.Errorf("%d says too much: %q", n.What, line)
			}
		}
	}
}

// Each trouble of a backend has a message of its own.
func TestSpeechTellsTroublesApart(t *testing.T) {
	for _, backend := range []string{store.BackendKeyring, store.BackendFile, store.BackendPass, store.BackendKeyctl} {
		seen := map[string]error{}
		for _, why := range []error{store.ErrLocked, store.ErrAbsent, store.ErrRefused, store.ErrTimeout, store.ErrDamaged} {
			line := inside(t, nil).whyUnusable(&store.BackendError{Backend: backend, After: 2 * time.Second, Err: why}, storedAccount())
			if seen[line] != nil {
				t.Errorf("%s: %v and %v are both %q", backend, seen[line], why, line)
			}
			seen[line] = why
		}
	}
}

// In CI the remedy is a variable, and of a source it is that source.
func TestSpeechOfAFullDisk(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "accounts.json", Err: syscall.ENOSPC}
	for what, want := range map[helper.What]string{
		helper.RecordsUnusable: "; free some space for their folder, and type the command again\n",
		helper.RejectionLost:   "; free some space for ",
	} {
		n := about(what)
		n.Err = full
		if line := spoken(t, n, helper.Caller{}); !strings.Contains(line, want) {
			t.Errorf("%d: %q", what, line)
		}
	}
}

func TestSpeechRemedies(t *testing.T) {
	nothing := about(helper.NothingStored)
	nothing.Account = store.Account{Name: helper.DefaultAccount}
	source, command := about(helper.ExpiryNear), about(helper.ExpiryNear)
	source.Source, command.Source = "BITBUCKET_TOKEN_FILE", "--token-command"
	refused := about(helper.Rejected)
	refused.Source, refused.Account = "BITBUCKET_TOKEN", store.Account{}
	for _, c := range []struct {
		notice helper.Notice
		caller helper.Caller
		ends   string
	}{
		{nothing, helper.Caller{}, "then type: git-credential-bitbucket store"},
		{nothing, helper.Caller{CI: true}, "set BITBUCKET_API_TOKEN, or BITBUCKET_ACCESS_TOKEN, for this job"},
		{refused, helper.Caller{CI: true}, "to see why: git-credential-bitbucket verify --repo acme/app"},
		{source, helper.Caller{CI: true}, "and put that into BITBUCKET_TOKEN_FILE"},
		{command, helper.Caller{}, "and let the command print that"},
	} {
		if line := spoken(t, c.notice, c.caller); !strings.HasSuffix(line, c.ends+"\n") {
			t.Errorf("%q does not end in %q", line, c.ends)
		}
	}
}

// Which accounts may take the place of one that was refused, and how.
func TestSpeechOfOthers(t *testing.T) {
	many := []string{"a", "b", "c", "d", "e", "f"}
	for _, c := range []struct {
		names         []string
		worked, named bool
		says          string
	}{
		{many[:1], true, false, "account a was seen to work in workspace acme; to use it there, type: git-credential-bitbucket route acme a"},
		{many[:2], true, false, "accounts a, b were seen to work in workspace acme; to use one there, type: git-credential-bitbucket route acme NAME"},
		{many, false, false, "accounts a, b, c, d and 2 more are stored too, and may have access to workspace acme; to use one there, type: git-credential-bitbucket route acme NAME"},
		{many[:1], false, true, "account a is stored too, and may have access to workspace acme; account work is used since --account or BITBUCKET_ACCOUNT names it: name a there"},
	} {
		n := about(helper.OtherAccounts)
		n.Names, n.Worked, n.Named = c.names, c.worked, c.named
		if line := spoken(t, n, helper.Caller{}); line != "bitbucket: note: "+c.says+"\n" {
			t.Errorf("%q is not %q", line, c.says)
		}
	}
}

// Of many accounts a line shows the first.
func TestSpeechOfManyAccounts(t *testing.T) {
	n := about(helper.WhichAccount)
	n.Names = nil
	for i := range 40 {
		n.Names = append(n.Names, fmt.Sprintf("a%02d", i))
	}
	line := spoken(t, n, helper.Caller{})
	if line != "bitbucket: error: no account is chosen among a00, a01, a02, a03, a04, a05, a06, a07 and 32 more; type: git-credential-bitbucket route acme NAME, or for all that has no route: git-credential-bitbucket default NAME\n" {
		t.Errorf("%q", line)
	}
}

// Who set a token aside.
func TestSpeechOfTheDead(t *testing.T) {
	n := about(helper.AccountAside)
	n.Account.Dead = true
	line := spoken(t, n, helper.Caller{})
	if !regexp.MustCompile(`^bitbucket: note: Bitbucket refused the token ….{4} of account work in a check at \d\d:\d\d:\d\d; make an API token .* type: git-credential-bitbucket store --account work\n$`).MatchString(line) {
		t.Errorf("%q", line)
	}
}

// How sure a date is: the site's is not called anybody's guess.
func TestSpeechOfDates(t *testing.T) {
	for _, c := range []struct {
		change func(*store.Account)
		says   string
	}{
		{func(a *store.Account) {}, "2026-11-28 (by the date that you gave);"},
		{func(a *store.Account) { a.Guessed = true }, "2026-11-28 (a guess: nobody gave its date);"},
		{func(a *store.Account) { a.Certain = true }, "2026-11-28;"},
	} {
		n := about(helper.ExpiryNear)
		c.change(&n.Account)
		if line := spoken(t, n, helper.Caller{}); !strings.Contains(line, c.says) {
			t.Errorf("%q does not say %q", line, c.says)
		}
	}
}
