package bitbuckettest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Who a fault strikes.
const (
	Logins    = "login"     // requests whose token is good
	All       = "all"       // every request, before anyone looks at its token
	Anonymous = "anonymous" // requests without a token

	pages   = "pages"   // REST's answers that have a next page: foreignnext's own
	replies = "replies" // the token endpoint's answers that hold a token
)

// Where a request is going, for Fault.At.
const (
	atRefs  = "refs"  // GET info/refs: the first of each clone, fetch and push
	atFetch = "fetch" // POST git-upload-pack
	atPush  = "push"  // POST git-receive-pack
	atLFS   = "lfs"
	atREST  = "rest"

	atOAuth     = "oauth"     // the next two
	atAuthorize = "authorize" // the page that a browser sees
	atToken     = "token"     // POST access_token
)

// Fault makes the server answer otherwise than it would. The package comment lists the kinds.
type Fault struct {
	Kind     string
	Repo     string // "workspace/repo", "workspace", or "" for everything
	Token    string // only for the token of this name
	At       string // only there: refs, fetch, push, lfs, rest, oauth, authorize, token
	Grant    string // only where a token is asked for with this grant type
	Requests string // login, all or anonymous; "" is as the kind has it

	After int           // let so many fitting requests pass first
	Times int           // strike so often, 0 for ever
	For   time.Duration // strike so long from the first strike on, 0 for ever

	RetryAfter time.Duration // of 429 and 503, in whole seconds; 0 leaves the header out
	Delay      time.Duration // of slow and late
	To         string        // of redirect and foreignnext: the host, or scheme and host
	By         time.Duration // of skew: how far the server's clock is ahead, or behind if negative
	Status     int           // of html, big and message, 0 for the kind's own
	Field      string        // of missing and odd: the reply's field; missing's own is access_token
	Value      string        // of odd: what the field holds, in JSON
}

type activeFault struct {
	Fault
	passed, struck int
	first          time.Time
	cleared        chan struct{}
}

// faultKind is the answer of a kind and the requests it strikes unless told otherwise.
// Those without a status do not refuse; those that pass let the request go on.
type faultKind struct {
	requests string
	refusal  refusal
	passes   bool
}

var faultKinds = map[string]faultKind{
	"401":         {requests: Logins, refusal: refuseLogin},
	"stray401":    {requests: Logins, refusal: refuseLogin},
	"revoke":      {requests: Logins, refusal: refuseLogin},
	"scope":       {requests: Logins, refusal: refuseScope([]string{"write:repository:bitbucket"}, []string{})},
	"noaccess":    {requests: Logins, refusal: refuseNoAccess},
	"allowlist":   {requests: Logins, refusal: refusal{status: http.StatusForbidden, text: TextAllowlist}},
	"twostep":     {requests: Logins, refusal: refusal{status: http.StatusForbidden, text: TextTwoStep}},
	"404":         {requests: Logins, refusal: plain(http.StatusNotFound)},
	"410":         {requests: Logins, refusal: refuseAppPassword},
	"429":         {requests: Logins, refusal: refusal{status: http.StatusTooManyRequests, text: TextRateLimit}},
	"500":         {requests: Logins, refusal: plain(http.StatusInternalServerError)},
	"503":         {requests: Logins, refusal: plain(http.StatusServiceUnavailable)},
	"outage":      {requests: All, refusal: plain(http.StatusServiceUnavailable)},
	"lfs403":      {requests: Anonymous, refusal: refusal{status: http.StatusForbidden, text: http.StatusText(http.StatusForbidden)}},
	"message":     {requests: Logins, refusal: refusal{status: http.StatusForbidden}},
	"big":         {requests: Logins, refusal: refusal{status: http.StatusOK}},
	"html":        {requests: All, refusal: refusal{status: http.StatusOK}},
	"redirect":    {requests: All},
	"hang":        {requests: All},
	"slow":        {requests: All, passes: true},
	"skew":        {requests: All, passes: true},
	"nearlimit":   {requests: Logins, passes: true},
	"foreignnext": {requests: pages, passes: true},
	"missing":     {requests: replies, passes: true},
	"odd":         {requests: replies, passes: true},
	"truncated":   {requests: replies, passes: true},
	"lost":        {requests: replies, passes: true},
	"late":        {requests: replies, passes: true},
}

// AddFault switches a fault on, from the next request to come. Several may be on: the earliest that fits strikes.
func (s *Server) AddFault(f Fault) error {
	kind, ok := faultKinds[f.Kind]
	if !ok {
		return fmt.Errorf("no kind of fault %q", f.Kind)
	}
	if f.Requests == "" || kind.requests == pages || kind.requests == replies {
		f.Requests = kind.requests
	} else if !slices.Contains([]string{Logins, All, Anonymous}, f.Requests) {
		return fmt.Errorf("fault %s: requests %q: want login, all or anonymous", f.Kind, f.Requests)
	}
	if f.At != "" && !slices.Contains([]string{atRefs, atFetch, atPush, atLFS, atREST, atOAuth, atAuthorize, atToken}, f.At) {
		return fmt.Errorf("fault %s: at %q: want refs, fetch, push, lfs, rest, oauth, authorize or token", f.Kind, f.At)
	}
	if err := f.checkOAuth(); err != nil {
		return fmt.Errorf("fault %s: %w", f.Kind, err)
	}
	switch {
	case f.Kind == "lfs403":
		f.At = atLFS
	case f.Kind == "nearlimit":
		f.At = atREST
	case f.Kind == "revoke" && f.Times == 0:
		f.Times = 1
	case (f.Kind == "redirect" || f.Kind == "foreignnext") && f.To == "":
		return fmt.Errorf("fault %s: want to=HOST", f.Kind)
	case f.Kind == "skew" && f.By == 0:
		return fmt.Errorf("fault skew: want by=DURATION, such as +10m or -10m")
	case f.Status != 0 && !slices.Contains([]string{"html", "big", "message"}, f.Kind):
		return fmt.Errorf("fault %s has a status of its own", f.Kind)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("fault %s: status %d: want 200 to 599", f.Kind, f.Status)
	case (f.Kind == "slow" || f.Kind == "late") && f.Delay <= 0:
		return fmt.Errorf("fault %s: want delay=DURATION", f.Kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &activeFault{Fault: f, cleared: make(chan struct{})})
	return nil
}

// ClearFaults switches all faults off. Requests that a fault holds up go on, or end if they hang.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		close(f.cleared)
	}
	s.faults = nil
}

// struckBy counts the request and returns what strikes it: all that let it pass, then at most one other.
func (s *Server) struckBy(requests string, goal target, token string) []*activeFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck(requests, goal, token)
}

// struck needs s.mu.
func (s *Server) struck(requests string, goal target, token string) []*activeFault {
	var struck []*activeFault
	var last *activeFault
	for _, f := range s.faults {
		passes := faultKinds[f.Kind].passes
		if f.Requests != requests || !f.fits(goal, token) || !passes && last != nil || !f.due(time.Now()) {
			continue
		}
		if passes {
			struck = append(struck, f)
		} else {
			last = f
		}
	}
	if last != nil {
		struck = append(struck, last)
	}
	return struck
}

func (f *activeFault) fits(goal target, token string) bool {
	workspace, _, one := strings.Cut(goal.repo, "/")
	if f.Kind == "noaccess" && goal.at == atREST && !one {
		return false
	}
	return (f.Repo == "" || f.Repo == goal.repo || f.Repo == workspace && workspace != "") &&
		(f.Token == "" || f.Token == token) &&
		f.fitsPlace(goal)
}

// due counts the request and reports whether the fault is past After and within Times and For.
func (f *activeFault) due(now time.Time) bool {
	switch {
	case f.passed < f.After:
		f.passed++
		return false
	case f.Times > 0 && f.struck >= f.Times:
		return false
	case f.struck > 0 && f.For > 0 && now.Sub(f.first) > f.For:
		return false
	}
	if f.struck == 0 {
		f.first = now
	}
	f.struck++
	return true
}
