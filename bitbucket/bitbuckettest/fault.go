package bitbuckettest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Who a fault strikes.
const (
	Logins    = "login"     // requests whose token is good
	All       = "all"       // every request, before anyone looks at its token
	Anonymous = "anonymous" // requests without a token
)

// Where a request is going, for Fault.At.
const (
	atRefs  = "refs"  // GET info/refs: the first of each clone, fetch and push
	atFetch = "fetch" // POST git-upload-pack
	atPush  = "push"  // POST git-receive-pack
	atLFS   = "lfs"
	atREST  = "rest"
)

// Fault makes the server answer otherwise than it would. The package comment lists the kinds.
type Fault struct {
	Kind     string
	Repo     string // "workspace/repo", "workspace", or "" for everything
	Token    string // only for the token of this name
	At       string // only there: refs, fetch, push, lfs, rest
	Requests string // login, all or anonymous; "" is as the kind has it

	After int           // let so many fitting requests pass first
	Times int           // strike so often, 0 for ever
	For   time.Duration // strike so long from the first strike on, 0 for ever

	RetryAfter time.Duration // of 429 and 503, in whole seconds; 0 leaves the header out
	Delay      time.Duration // of slow
	To         string        // of redirect: the host
}

type activeFault struct {
	Fault
	passed, struck int
	first          time.Time
	cleared        chan struct{}
}

// faultKind is the answer of a kind and the requests it strikes unless told otherwise. Those without a status do not refuse.
type faultKind struct {
	requests string
	refusal  refusal
}

var faultKinds = map[string]faultKind{
	"401":       {Logins, refuseLogin},
	"stray401":  {Logins, refuseLogin},
	"revoke":    {Logins, refuseLogin},
	"scope":     {Logins, refuseScope([]string{"write:repository:bitbucket"}, []string{})},
	"noaccess":  {Logins, refuseNoAccess},
	"allowlist": {Logins, refusal{status: http.StatusForbidden, text: TextAllowlist}},
	"twostep":   {Logins, refusal{status: http.StatusForbidden, text: TextTwoStep}},
	"404":       {Logins, refuseNotFound},
	"410":       {Logins, refuseAppPassword},
	"429":       {Logins, refusal{status: http.StatusTooManyRequests, text: TextRateLimit}},
	"500":       {Logins, plain(http.StatusInternalServerError)},
	"503":       {Logins, plain(http.StatusServiceUnavailable)},
	"outage":    {All, plain(http.StatusServiceUnavailable)},
	"lfs403":    {Anonymous, refusal{status: http.StatusForbidden, text: http.StatusText(http.StatusForbidden)}},
	"redirect":  {All, refusal{}},
	"slow":      {All, refusal{}},
	"hang":      {All, refusal{}},
}

// AddFault switches a fault on, from the next request to come. Several may be on: the earliest that fits strikes.
func (s *Server) AddFault(f Fault) error {
	kind, ok := faultKinds[f.Kind]
	if !ok {
		return fmt.Errorf("no kind of fault %q", f.Kind)
	}
	if f.Requests == "" {
		f.Requests = kind.requests
	}
	if !slices.Contains([]string{Logins, All, Anonymous}, f.Requests) {
		return fmt.Errorf("fault %s: requests %q: want login, all or anonymous", f.Kind, f.Requests)
	}
	if f.At != "" && !slices.Contains([]string{atRefs, atFetch, atPush, atLFS, atREST}, f.At) {
		return fmt.Errorf("fault %s: at %q: want refs, fetch, push, lfs or rest", f.Kind, f.At)
	}
	switch {
	case f.Kind == "lfs403":
		f.At = atLFS
	case f.Kind == "revoke" && f.Times == 0:
		f.Times = 1
	case f.Kind == "redirect" && f.To == "":
		return fmt.Errorf("fault redirect: want to=HOST")
	case f.Kind == "slow" && f.Delay <= 0:
		return fmt.Errorf("fault slow: want delay=DURATION")
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

// strike lets the faults at one request and reports whether one of them has answered it.
func (s *Server) strike(w http.ResponseWriter, r *http.Request, requests string, goal target, token string) bool {
	for _, f := range s.struckBy(requests, goal, token) {
		switch f.Kind {
		case "slow":
			s.hold(f, time.After(f.Delay))
			continue
		case "hang":
			s.hold(f, nil)
			panic(http.ErrAbortHandler)
		case "redirect":
			http.Redirect(w, r, "https://"+f.To+r.URL.RequestURI(), http.StatusMovedPermanently)
			return true
		case "revoke":
			_ = s.Revoke(token)
		}
		answer := faultKinds[f.Kind].refusal
		if f.RetryAfter > 0 {
			answer.retryAfter = strconv.Itoa(int(f.RetryAfter.Round(time.Second) / time.Second))
		}
		answer.write(w, goal.at)
		return true
	}
	return false
}

// hold waits until the time is over, the fault is cleared or the server closed.
func (s *Server) hold(f *activeFault, over <-chan time.Time) {
	select {
	case <-over:
	case <-f.cleared:
	case <-s.done:
	}
}

// struckBy counts the request and returns what strikes it: any number of slow ones, then at most one other.
func (s *Server) struckBy(requests string, goal target, token string) []*activeFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var struck []*activeFault
	for _, f := range s.faults {
		if f.Requests != requests || !f.fits(goal, token) || !f.due(time.Now()) {
			continue
		}
		struck = append(struck, f)
		if f.Kind != "slow" {
			break
		}
	}
	return struck
}

func (f *activeFault) fits(goal target, token string) bool {
	workspace, _, _ := strings.Cut(goal.repo, "/")
	return (f.Repo == "" || f.Repo == goal.repo || f.Repo == workspace && workspace != "") &&
		(f.Token == "" || f.Token == token) &&
		(f.At == "" || f.At == goal.at)
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
