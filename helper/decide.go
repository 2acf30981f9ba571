package helper

import (
	"errors"
	"strconv"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// An Outcome is how an operation ended; cmd has the exit status for each.
type Outcome int

const (
	Done         Outcome = iota // answered, or nothing to say
	Failed                      // the answer could not be written
	NoCredential                // nothing that could be used: dead, ambiguous, set aside
	SourceFailed                // the token's place, or the accounts file, cannot be used
)

// Caller is what is known of whoever waits for git.
type Caller struct {
	CI         bool // the environment has CI set
	Terminal   bool // stderr is a terminal
	PromptsOff bool // GIT_TERMINAL_PROMPT=0
	Reachable  bool // a controlling terminal or an askpass program could ask somebody
	QuietFetch bool // an editor's background fetch (VSCODE_GIT_FETCH_SILENT)
	// Transport: git itself is about to talk to Bitbucket and will report what came of it,
	// other than a program that only wants the token (git credential fill, libgit2).
	Transport bool
}

// hears reports whether a word on what is missing reaches somebody who needs it.
// Otherwise git or its askpass asks, and says enough by that.
func (c Caller) hears() bool { return c.Terminal || c.CI || c.PromptsOff || !c.Reachable }

// Facts is everything that an answer depends on.
type Facts struct {
	Request Request
	Caller  Caller
	Now     time.Time

	Account store.Account // the account that serves; zero for an ambient source
	Source  string        // the ambient source's name; "" for an account
	Kind    bitbucket.Kind
	Token   secret.Secret
	Health  store.Health // of the token, in the request's workspace
	Err     error        // why there is no token
	Renewal error        // why an OAuth token that still lives could not be renewed
}

// A Decision is what to do about a get.
type Decision struct {
	Answer     Message
	Outcome    Outcome
	Notices    []Notice
	Unanswered bool      // git was left to ask for the token: remember that
	Claim      string    // holds only for the one process that wins this claim
	Otherwise  *Decision // for all others
}

const (
	// rejectionsUntilPause is how often a token may be rejected in a row.
	rejectionsUntilPause = 3
	// workspacesUntilPause is in how many workspaces a token may be refused before those
	// in which it never worked are paused together: a repository can name submodules in
	// any number of workspaces.
	workspacesUntilPause = 5
	// claimLife is how long the one get after a pause has to bring an outcome.
	claimLife = 60 * time.Second
	// burst is how long one burst of rejections lasts; see store.Health.
	burst = time.Second

	day = 24 * time.Hour
)

// pauses follow the third, fourth, fifth rejection, the last one each further.
var pauses = [...]time.Duration{30 * time.Second, 2 * time.Minute, 8 * time.Minute, 15 * time.Minute}

// decide answers a get for Bitbucket. The rows stand in the order of their weight:
// the first that fits decides.
func decide(f Facts) Decision {
	notice := Notice{Account: f.Account, Source: f.Source, Kind: f.Kind, Workspace: f.Request.Workspace(), Repository: f.Request.Repository()}
	say := func(what What) Notice { n := notice; n.What = what; return n }

	if f.Request.Protocol == "http" && f.Request.ForBitbucket() {
		return Decision{Notices: []Notice{say(PlainHTTP)}}
	}
	if !f.Request.Ours() {
		return Decision{}
	}
	switch f.Kind {
	case bitbucket.AppPassword:
		return Decision{Outcome: NoCredential, Notices: []Notice{say(DeadAppPassword)}}
	case bitbucket.DataCenterToken:
		return Decision{Outcome: NoCredential, Notices: []Notice{say(OtherProduct)}}
	}
	if f.Err != nil {
		return decideWithout(f, say)
	}
	if !f.Account.SetAside.IsZero() {
		n := say(AccountAside)
		n.At = f.Account.SetAside
		return ask(f, n)
	}

	health := f.Health
	expired := hasExpired(f.Account, f.Now)
	if expired && f.Account.Certain {
		n := say(ExpiryPassed)
		n.Days = days(f.Now.Sub(f.Account.Expires))
		return Decision{Outcome: NoCredential, Notices: []Notice{n}}
	}
	if count, until := widePause(health); f.Now.Before(until) {
		return refuse(say(WidePaused), count, until)
	}
	count, until := Pause(health, expired)
	if end := health.BurstBegan.Add(burst); until.IsZero() && health.InBurst >= rejectionsUntilPause && f.Now.Before(end) {
		n := say(Paused)
		n.Burst = true
		return refuse(n, health.InBurst, end)
	}
	if !until.IsZero() {
		if f.Now.Before(until) {
			return refuse(say(Paused), count, until)
		}
		retry := answer(f, []Notice{say(OneMoreTry)})
		retry.Claim = f.Token.Fingerprint() + "/retry." + notice.Workspace
		others := refuse(say(Paused), count, f.Now.Add(claimLife))
		retry.Otherwise = &others
		return retry
	}

	notices := renewalWarning(f, say)
	if count > 0 {
		n := say(WasRejected)
		n.Count, n.At = count, health.LastRejected
		notices = append(notices, n)
	}
	if n, due := expiryWarning(f, say, expired); due {
		notices = append(notices, n)
	}
	return answer(f, notices)
}

func decideWithout(f Facts, say func(What) Notice) Decision {
	var unknown *store.UnknownAccountError
	var ambiguous *store.AmbiguousError
	var records *store.RecordError
	var renewal *RenewalError
	switch {
	case errors.Is(f.Err, store.ErrNoAccounts):
		return ask(f, say(NothingStored))
	case errors.Is(f.Err, errBadName):
		return Decision{Outcome: NoCredential, Notices: []Notice{say(BadName)}}
	case errors.As(f.Err, &unknown):
		n := say(UnknownAccount)
		n.Source, n.Names = unknown.Name, unknown.Names
		return Decision{Outcome: NoCredential, Notices: []Notice{n}}
	case errors.As(f.Err, &ambiguous):
		n := say(WhichAccount)
		n.Names = ambiguous.Names
		return Decision{Outcome: NoCredential, Notices: []Notice{n}}
	case errors.As(f.Err, &records):
		n := say(RecordsUnusable)
		n.Err = f.Err
		return Decision{Outcome: SourceFailed, Notices: []Notice{n}}
	case errors.As(f.Err, &renewal):
		n := say(NotRenewed)
		n.Err = f.Err
		if renewal.Dead {
			return Decision{Outcome: NoCredential, Notices: []Notice{n}}
		}
		return Decision{Outcome: SourceFailed, Notices: []Notice{n}}
	case f.Account.Name != "" && errors.Is(f.Err, store.ErrNotFound):
		return ask(f, say(NothingStored))
	}
	n := say(Unusable)
	n.Err = f.Err
	return Decision{Outcome: SourceFailed, Notices: []Notice{n}}
}

// ask leaves it to git to ask for the token, with the username that fits an API
// token, so that one that is pasted there works.
func ask(f Facts, n Notice) Decision {
	d := Decision{Answer: Message{{"username", bitbucket.APIToken.GitUsername()}}, Unanswered: true}
	if f.Caller.hears() {
		d.Notices = []Notice{n}
	}
	return d
}

func hasExpired(a store.Account, now time.Time) bool {
	return !a.Expires.IsZero() && !now.Before(a.Expires)
}

// refuse keeps git from asking anybody else, so that the account is not locked out.
func refuse(paused Notice, count int, until time.Time) Decision {
	paused.Count, paused.Until = count, until
	return Decision{Answer: Message{{"quit", "1"}}, Outcome: NoCredential, Notices: []Notice{paused}}
}

func answer(f Facts, notices []Notice) Decision {
	m := Message{{"username", f.Kind.GitUsername()}, {"password", f.Token.Reveal()}}
	if f.Account.Certain && !f.Account.Expires.IsZero() {
		m = append(m, Field{"password_expiry_utc", strconv.FormatInt(f.Account.Expires.Unix(), 10)})
	}
	return Decision{Answer: m, Notices: notices}
}

// Pause returns for how many the rejections since the last success count, and until
// when they set the token aside; the zero time if they do not. Rejections within one
// second are one burst and count once, for stray 401s hit parallel jobs together
// (Bitbucket's BCLOUD-24107); decide stops whoever asks in a loop within that second.
func Pause(h store.Health, expired bool) (count int, until time.Time) {
	count = h.Bursts
	if count > 0 && expired {
		count += rejectionsUntilPause - 1
	}
	if count >= rejectionsUntilPause {
		return count, h.LastRejected.Add(pauses[min(count-rejectionsUntilPause, len(pauses)-1)])
	}
	return count, time.Time{}
}

// widePause returns in how many workspaces a token is refused, and until when that sets
// it aside in this one, if it never worked here; the zero time if it does not. This
// workspace counts as well, or the very ones that made up the number would go on.
func widePause(h store.Health) (workspaces int, until time.Time) {
	workspaces, last := h.Elsewhere, h.ElsewhereLast
	if h.Bursts > 0 {
		workspaces++
		if h.LastRejected.After(last) {
			last = h.LastRejected
		}
	}
	if h.Worked || workspaces < workspacesUntilPause {
		return workspaces, time.Time{}
	}
	return workspaces, last.Add(pauses[len(pauses)-1])
}

// expiryWarning is due when the 30th, 14th and 7th day before the date are crossed,
// and on each day below. An OAuth token lives for hours and is renewed by us. A stage
// names the date, since a person who amends it is to be warned again.
func expiryWarning(f Facts, say func(What) Notice, expired bool) (Notice, bool) {
	expires := f.Account.Expires
	left := expires.Sub(f.Now)
	if expires.IsZero() || left > 30*day || f.Kind == bitbucket.OAuthToken || f.Caller.QuietFetch {
		return Notice{}, false
	}
	n := say(ExpiryNear)
	n.Days = days(left)
	today, date := f.Now.UTC().Format(time.DateOnly), expires.UTC().Format(time.DateOnly)
	switch {
	case expired:
		n = say(ExpiryPassed)
		n.Days = days(-left)
		n.Stage = "expired-" + today
	case left > 14*day:
		n.Stage = "30-" + date
	case left > 7*day:
		n.Stage = "14-" + date
	default:
		n.Stage = today
	}
	if !f.Caller.CI {
		if n.Stage == f.Health.WarnedNote {
			return Notice{}, false
		}
		n.Claim = f.Token.Fingerprint() + "/warn." + n.Stage
	}
	return n, true
}

// days rounds up to whole days.
func days(d time.Duration) int { return int((d + day - 1) / day) }
