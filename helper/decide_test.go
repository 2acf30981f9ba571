package helper

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

var (
	apiToken    = made("ATATT", "work")
	accessToken = made("ATCTT", "pipeline")
	appPassword = made("ATBB", "old")
)

// good is a request that a stored API token answers, for a person at a terminal.
func good(change ...func(*Facts)) Facts {
	f := Facts{
		Request: Request{Protocol: "https", Host: "bitbucket.org", Path: "acme/app.git"},
		Caller:  Caller{Terminal: true, Reachable: true},
		Now:     noon,
		Account: store.Account{Name: "work", Kind: string(bitbucket.APIToken), Backend: store.BackendKeyring, Fingerprint: apiToken.Fingerprint()},
		Kind:    bitbucket.APIToken,
		Token:   apiToken,
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func rejected(times int, ago time.Duration) func(*Facts) {
	return func(f *Facts) {
		f.Health.Bursts, f.Health.InBurst = times, 1
		f.Health.LastRejected, f.Health.BurstBegan = f.Now.Add(-ago), f.Now.Add(-ago)
	}
}

func expires(in time.Duration) func(*Facts) {
	return func(f *Facts) { f.Account.Expires = f.Now.Add(in) }
}

func certain(f *Facts) { f.Account.Certain = true }

func failing(err error) func(*Facts) {
	return func(f *Facts) { f.Err, f.Token = err, secret.Secret{} }
}

func host(protocol, name string) func(*Facts) {
	return func(f *Facts) { f.Request.Protocol, f.Request.Host = protocol, name }
}

func kind(k bitbucket.Kind) func(*Facts) { return func(f *Facts) { f.Kind = k } }

var (
	given  = Message{{"username", sentinel}, {"password", apiToken.Reveal()}}
	askFor = Message{{"username", sentinel}}
	quit   = Message{{"quit", "1"}}
	locked = &store.BackendError{Backend: store.BackendKeyring, Err: store.ErrLocked}
)

// The rows of the design's table of a get, in its order.
func TestDecideRows(t *testing.T) {
	aside := func(f *Facts) { f.Account.SetAside, f.Token = noon.Add(-time.Hour), secret.Secret{} }
	ambient := func(f *Facts) { f.Account, f.Source = store.Account{}, "BITBUCKET_API_TOKEN" }
	for _, c := range []struct {
		name       string
		facts      Facts
		answer     Message
		outcome    Outcome
		told       []What
		unanswered bool
	}{
		{"another host", good(host("https", "example.com")), nil, Done, nil, false},
		{"a subdomain", good(host("https", "www.bitbucket.org")), nil, Done, nil, false},
		{"another port", good(host("https", "bitbucket.org:444")), nil, Done, nil, false},
		{"an empty request", Facts{Now: noon}, nil, Done, nil, false},
		{"the port of https", good(host("https", "BitBucket.ORG:443")), given, Done, nil, false},
		{"http", good(host("http", "bitbucket.org")), nil, Done, []What{PlainHTTP}, false},
		{"http to another host", good(host("http", "example.com")), nil, Done, nil, false},
		{"another protocol", good(host("smtp", "bitbucket.org")), nil, Done, nil, false},
		{"no protocol", good(host("", "bitbucket.org")), nil, Done, nil, false},
		{"a protocol in capitals", good(host("HTTPS", "bitbucket.org")), nil, Done, nil, false},
		{"an app password", good(kind(bitbucket.AppPassword)), nil, NoCredential, []What{DeadAppPassword}, false},
		{"an app password that was recorded as such and is gone", good(kind(bitbucket.AppPassword), failing(locked)), nil, NoCredential, []What{DeadAppPassword}, false},
		{"a token of another product", good(kind(bitbucket.DataCenterToken)), nil, NoCredential, []What{OtherProduct}, false},
		{"nothing stored", good(failing(store.ErrNoAccounts)), askFor, Done, []What{NothingStored}, true},
		{"an account without its token", good(failing(store.ErrNotFound)), askFor, Done, []What{NothingStored}, true},
		{"set aside by a person", good(aside), askFor, Done, []What{AccountAside}, true},
		{"no account of that name", good(failing(&store.UnknownAccountError{Name: "x", Names: []string{"work"}})), nil, NoCredential, []What{UnknownAccount}, false},
		{"no account of that name, nor any", good(failing(&store.UnknownAccountError{Name: "x"})), askFor, Done, []What{NothingStored}, true},
		{"several accounts", good(failing(&store.AmbiguousError{Names: []string{"a", "b"}})), nil, NoCredential, []What{WhichAccount}, false},
		{"broken records", good(failing(&store.RecordError{Path: "p", Line: 2, Err: store.ErrFormat})), nil, SourceFailed, []What{RecordsUnusable}, false},
		{"keyring locked", good(failing(locked)), nil, SourceFailed, []What{Unusable}, false},
		{"keyring absent", good(failing(&store.BackendError{Err: store.ErrAbsent})), nil, SourceFailed, []What{Unusable}, false},
		{"keyring silent", good(failing(&store.BackendError{Err: store.ErrTimeout})), nil, SourceFailed, []What{Unusable}, false},
		{"token command failed", good(ambient, failing(errors.New("exit status 1"))), nil, SourceFailed, []What{Unusable}, false},
		{"a command's ErrNotFound is a failure", good(ambient, failing(store.ErrNotFound)), nil, SourceFailed, []What{Unusable}, false},
		{"a broken token", good(failing(bitbucket.ErrBrokenToken)), nil, SourceFailed, []What{Unusable}, false},
		{"a pause runs", good(rejected(3, 29*time.Second)), quit, NoCredential, []What{Paused}, false},
		{"the pause is over", good(rejected(3, 30*time.Second)), given, Done, []What{OneMoreTry}, false},
		{"rejected once", good(rejected(1, time.Minute)), given, Done, []What{WasRejected}, false},
		{"rejected twice", good(rejected(2, 0)), given, Done, []What{WasRejected}, false},
		{"claimed expiry passed", good(expires(-time.Hour)), given, Done, []What{ExpiryPassed}, false},
		{"claimed expiry passed, rejected once", good(expires(-time.Hour), rejected(1, time.Second)), quit, NoCredential, []What{Paused}, false},
		{"certain expiry passed", good(expires(-time.Hour), certain), nil, NoCredential, []What{ExpiryPassed}, false},
		{"expiry near", good(expires(20 * 24 * time.Hour)), given, Done, []What{ExpiryNear}, false},
		{"rejected, and expiry near", good(expires(time.Hour), rejected(2, time.Minute)), given, Done, []What{WasRejected, ExpiryNear}, false},
		{"good", good(), given, Done, nil, false},
		{"a good access token", good(kind(bitbucket.AccessToken)), Message{{"username", accessUser}, given[1]}, Done, nil, false},
		{"a good OAuth token", good(kind(bitbucket.OAuthToken)), Message{{"username", accessUser}, given[1]}, Done, nil, false},
		{"a good ambient token", good(ambient), given, Done, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(c.facts)
			var told []What
			for _, n := range d.Notices {
				told = append(told, n.What)
			}
			if !reflect.DeepEqual(d.Answer, c.answer) || d.Outcome != c.outcome || !reflect.DeepEqual(told, c.told) || d.Unanswered != c.unanswered {
				t.Errorf("answer %v, outcome %d, told %v, unanswered %v\nwant   %v, outcome %d, told %v, unanswered %v",
					d.Answer, d.Outcome, told, d.Unanswered, c.answer, c.outcome, c.told, c.unanswered)
			}
		})
	}
}

// Where several rows fit, the upper one decides.
func TestDecideOrder(t *testing.T) {
	everything := func(f *Facts) {
		rejected(5, time.Second)(f)
		expires(-time.Hour)(f)
	}
	for _, c := range []struct {
		name  string
		facts Facts
		first What // 0: silence
	}{
		{"a foreign host before all", good(everything, kind(bitbucket.AppPassword), failing(locked), host("https", "example.com")), 0},
		{"http before an app password", good(everything, kind(bitbucket.AppPassword), host("http", "bitbucket.org")), PlainHTTP},
		{"an app password before set aside", good(everything, kind(bitbucket.AppPassword), func(f *Facts) { f.Account.SetAside = noon }), DeadAppPassword},
		{"an app password before a locked keyring", good(everything, kind(bitbucket.AppPassword), failing(locked)), DeadAppPassword},
		{"set aside before a pause", good(everything, func(f *Facts) { f.Account.SetAside = noon }), AccountAside},
		{"a locked keyring before a pause", good(everything, failing(locked)), Unusable},
		{"nothing stored before a pause", good(everything, failing(store.ErrNoAccounts)), NothingStored},
		{"a certain date before a pause", good(everything, certain), ExpiryPassed},
		{"a pause before the claimed date", good(everything), Paused},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := decide(c.facts)
			var first What
			if len(d.Notices) > 0 {
				first = d.Notices[0].What
			}
			if first != c.first || len(d.Notices) > 1 {
				t.Errorf("told %v, want %d first and alone", d.Notices, c.first)
			}
		})
	}
}

// What a notice carries, so that its words can be right.
func TestDecideNotices(t *testing.T) {
	boom := &store.RecordError{Path: "p", Line: 2, Err: store.ErrFormat}
	account := good().Account
	dated := account
	dated.Expires = noon.Add(-36 * time.Hour)
	named := good(failing(&store.UnknownAccountError{Name: "x", Names: []string{"work"}}), func(f *Facts) { f.Account = store.Account{} })
	for _, c := range []struct {
		name  string
		facts Facts
		want  Notice
	}{
		{"set aside", good(func(f *Facts) { f.Account.SetAside = noon.Add(-time.Hour) }), Notice{What: AccountAside, At: noon.Add(-time.Hour)}},
		{"unknown", named, Notice{What: UnknownAccount, Source: "x", Names: []string{"work"}}},
		{"several", good(failing(&store.AmbiguousError{Names: []string{"a", "b"}})), Notice{What: WhichAccount, Names: []string{"a", "b"}}},
		{"records", good(failing(boom)), Notice{What: RecordsUnusable, Err: boom}},
		{"keyring", good(failing(locked)), Notice{What: Unusable, Err: locked}},
		{"pause", good(rejected(3, time.Second)), Notice{What: Paused, Count: 3, Until: noon.Add(29 * time.Second)}},
		{"rejected", good(rejected(2, time.Minute)), Notice{What: WasRejected, Count: 2, At: noon.Add(-time.Minute)}},
		{"certain date", good(expires(-36*time.Hour), certain), Notice{What: ExpiryPassed, Days: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Account, c.want.Kind, c.want.Workspace, c.want.Repository = c.facts.Account, bitbucket.APIToken, "acme", "acme/app"
			got := decide(c.facts).Notices
			if len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
				t.Errorf("%+v\nwant %+v", got, c.want)
			}
		})
	}
}

// What is missing is told where it reaches somebody who needs it.
func TestCallerHears(t *testing.T) {
	for bits := range 1 << 5 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		c := Caller{CI: on(0), Terminal: on(1), PromptsOff: on(2), Reachable: on(3), QuietFetch: on(4)}
		// A silent one is a graphical client or an editor, whose askpass asks by itself.
		silent := c == Caller{Reachable: true} || c == Caller{Reachable: true, QuietFetch: true}
		for what, f := range map[What]Facts{
			NothingStored: good(failing(store.ErrNoAccounts)),
			AccountAside:  good(func(f *Facts) { f.Account.SetAside = noon }),
		} {
			f.Caller = c
			d := decide(f)
			if told := len(d.Notices) == 1 && d.Notices[0].What == what; told == silent || !reflect.DeepEqual(d.Answer, askFor) || !d.Unanswered {
				t.Errorf("%+v: told %v, answer %v", c, d.Notices, d.Answer)
			}
		}
		// What keeps git from working is told to everybody.
		f := good(failing(locked))
		f.Caller = c
		if d := decide(f); len(d.Notices) != 1 {
			t.Errorf("%+v: a locked keyring is not told", c)
		}
	}
}
