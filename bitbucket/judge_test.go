package bitbucket

import (
	"slices"
	"testing"
)

func TestJudge(t *testing.T) {
	answered := func(status int, a Answer) *Reply { return &Reply{Status: status, Answer: a, Known: true} }
	ok, refused := answered(200, AnswerOK), answered(401, AnswerRefused)
	lacking := &Reply{Status: 403, Answer: AnswerLacksScope, Required: []string{"write:repository:bitbucket"}}
	scoped := func(scopes ...string) *Reply { return &Reply{Status: 200, Answer: AnswerOK, Scopes: scopes} }
	both := scoped("read:repository:bitbucket", "write:repository:bitbucket")
	outage, limited := answered(503, AnswerOutage), answered(429, AnswerRateLimited)
	const email = "alice@example.com"

	for _, c := range []struct {
		name   string
		e      Evidence
		life   Life
		usable bool
		causes []Cause
	}{
		{"all is well", Evidence{Kind: APIToken, Email: email, User: both, Fetch: ok, Push: ok}, Alive, true, nil},
		{"REST alone", Evidence{Kind: APIToken, Email: email, User: both}, Alive, true, nil},
		{"git alone", Evidence{Kind: APIToken, Fetch: ok, Push: ok}, Alive, true, nil},
		{"REST's scope for the owner is no matter", Evidence{Kind: APIToken, Email: email, User: answered(403, AnswerLacksScope)}, Alive, true, nil},

		{"dead at both doors, the e-mail proven", Evidence{Kind: APIToken, Email: email, User: refused, Fetch: refused, AskedGit: true, Proven: true}, Dead, false, []Cause{CauseDead}},
		{"the e-mail proven, git not asked", Evidence{Kind: APIToken, Email: email, User: refused, Proven: true}, Refused, false, []Cause{CauseDead, CauseRESTEmail}},
		{"its day over, by a person's word", Evidence{Kind: APIToken, Email: email, User: refused, Expired: true}, Refused, false, []Cause{CauseDead, CauseRESTEmail}},
		{"a former e-mail, and git works", Evidence{Kind: APIToken, Email: email, User: refused, Fetch: ok, Push: ok, AskedGit: true, Proven: true, Worked: true, WorkedHere: true}, Alive, true, []Cause{CauseRESTEmail}},
		{"dead, an access token", Evidence{Kind: AccessToken, User: refused, Worked: true}, Dead, false, []Cause{CauseDead}},
		{"dead at both doors", Evidence{Kind: APIToken, Email: email, User: refused, Fetch: refused, Worked: true, WorkedHere: true}, Dead, false, []Cause{CauseDead}},
		{"an access token that never worked", Evidence{Kind: AccessToken, User: refused}, Dead, false, []Cause{CauseUnscoped}},
		{"dead, or another's e-mail", Evidence{Kind: APIToken, Email: email, User: refused, Worked: true}, Refused, false, []Cause{CauseRESTEmail, CauseDead}},
		{"never worked", Evidence{Kind: APIToken, Email: email, User: refused}, Refused, false, []Cause{CauseUnscoped, CauseRESTEmail}},
		{"never worked, at both doors", Evidence{Kind: APIToken, Email: email, User: refused, Fetch: refused}, Refused, false, []Cause{CauseUnscoped, CauseRESTEmail}},
		{"a username for an e-mail", Evidence{Kind: APIToken, Email: "alice", User: refused}, Refused, false, []Cause{CauseRESTEmail, CauseUnscoped}},
		{"git refuses where it worked", Evidence{Kind: APIToken, Fetch: refused, Worked: true, WorkedHere: true}, Refused, false, []Cause{CauseDead}},
		{"git refuses here, and worked elsewhere", Evidence{Kind: APIToken, Fetch: refused, Worked: true}, Refused, false, []Cause{CauseWorkspace, CauseDead}},
		{"git refuses, and never worked", Evidence{Kind: APIToken, Fetch: refused}, Refused, false, []Cause{CauseUnscoped, CauseWorkspace}},

		{"alive, another's e-mail", Evidence{Kind: APIToken, Email: email, User: refused, Fetch: ok, Push: ok}, Alive, true, []Cause{CauseRESTEmail}},
		{"alive, limited elsewhere", Evidence{Kind: APIToken, Email: email, User: both, Fetch: refused}, Alive, false, []Cause{CauseWorkspace}},
		{"no access", Evidence{Kind: APIToken, Email: email, User: both, Fetch: answered(403, AnswerNoAccess), Push: answered(403, AnswerNoAccess)}, Alive, false, []Cause{CauseNoAccess}},
		{"no access tells of life", Evidence{Kind: APIToken, Fetch: answered(403, AnswerNoAccess)}, Alive, false, []Cause{CauseNoAccess}},
		{"not found, and REST takes it", Evidence{Kind: APIToken, Email: email, User: both, Fetch: answered(404, AnswerNoAccess)}, Alive, false, []Cause{CauseNoAccess}},
		{"reads, and may not push", Evidence{Kind: APIToken, Fetch: ok, Push: lacking}, Alive, true, []Cause{CauseScope}},
		{"may do nothing here", Evidence{Kind: APIToken, Fetch: lacking, Push: lacking}, Alive, false, []Cause{CauseScope}},
		{"lacks a scope, by REST's word", Evidence{Kind: APIToken, Email: email, User: scoped("write:repository:bitbucket")}, Alive, false, []Cause{CauseScope}},
		{"reads only, by REST's word", Evidence{Kind: APIToken, Email: email, User: scoped("read:repository:bitbucket")}, Alive, true, []Cause{CauseScope}},
		{"allowlist", Evidence{Kind: APIToken, Fetch: answered(403, AnswerNotListed)}, Alive, false, []Cause{CauseAllowlist}},
		{"two-step", Evidence{Kind: APIToken, Fetch: answered(403, AnswerWantsTwoStep)}, Alive, false, []Cause{CauseTwoStep}},

		{"taken as bearer", Evidence{Kind: APIToken, Email: email, User: refused, Bearer: &Reply{Status: 200, Answer: AnswerOK, Credential: "repo_access_token"}}, Alive, true, []Cause{CauseKind}},
		{"taken as bearer, unnamed", Evidence{Kind: APIToken, Bearer: ok}, Alive, true, []Cause{CauseKind}},
		{"an app password", Evidence{Kind: AppPassword}, Dead, false, []Cause{CauseAppPassword}},
		{"an app password, by its answer", Evidence{Kind: APIToken, Fetch: answered(410, AnswerAppPasswordsOver), AskedGit: true}, Refused, false, []Cause{CauseAppPassword}},
		{"410 for one repository", Evidence{Kind: APIToken, Email: email, User: both, Fetch: answered(410, AnswerAppPasswordsOver), AskedGit: true}, Alive, false, []Cause{CauseNoAccess}},
		{"a firewall's 403", Evidence{Kind: APIToken, Email: email, User: &Reply{Status: 403, Answer: AnswerNoAccess}}, Unknown, false, []Cause{CauseUnreachable}},
		{"git's door gives no answer", Evidence{Kind: APIToken, Email: email, User: both, AskedGit: true}, Alive, false, []Cause{CauseUnreachable}},
		{"REST is down, and git refuses", Evidence{Kind: APIToken, Email: email, User: outage, Fetch: refused, AskedGit: true}, Unknown, false, []Cause{CauseOutage}},
		{"of Data Center", Evidence{Kind: DataCenterToken}, Unknown, false, []Cause{CauseDataCenter}},

		{"limited", Evidence{Kind: APIToken, Email: email, User: limited}, Unknown, false, []Cause{CauseRateLimit}},
		{"limited, and alive", Evidence{Kind: APIToken, Email: email, User: limited, Fetch: ok, Push: ok}, Alive, true, nil},
		{"alive, and limited", Evidence{Kind: APIToken, Email: email, User: both, Fetch: limited, Push: limited}, Alive, false, []Cause{CauseRateLimit}},
		{"an outage", Evidence{Kind: APIToken, Email: email, User: outage, Fetch: outage, Push: outage}, Unknown, false, []Cause{CauseOutage}},
		{"an outage with 404", Evidence{Kind: APIToken, Email: email, User: answered(404, AnswerNoAccess), Fetch: answered(404, AnswerNoAccess)}, Unknown, false, []Cause{CauseOutage}},
		{"an outage here", Evidence{Kind: APIToken, Email: email, User: both, Fetch: outage, Push: outage}, Alive, false, []Cause{CauseOutage}},
		{"nobody answers", Evidence{Kind: APIToken, Email: email}, Unknown, false, []Cause{CauseUnreachable}},
		{"nobody can be asked", Evidence{Kind: APIToken}, Unknown, false, []Cause{CauseNoEmail}},
	} {
		v := Judge(c.e)
		if v.Life != c.life || v.Usable != c.usable || !slices.Equal(v.Causes, c.causes) {
			t.Errorf("%s: life %s, usable %t, causes %q", c.name, v.Life, v.Usable, v.Causes)
		}
	}
}

func TestJudgeTells(t *testing.T) {
	v := Judge(Evidence{Kind: APIToken, Bearer: &Reply{Status: 200, Answer: AnswerOK, Credential: "repo_access_token", Scopes: []string{"repository"}}})
	if v.Kind != AccessToken || !slices.Equal(v.MissingPush, []string{"repository:write"}) || v.MissingRead != nil {
		t.Errorf("%+v", v)
	}
	v = Judge(Evidence{Kind: APIToken, Fetch: &Reply{Status: 200, Answer: AnswerOK},
		Push: &Reply{Status: 403, Answer: AnswerLacksScope, Required: []string{"write:repository:bitbucket"}}})
	if v.Scopes != nil || v.MissingRead != nil || !slices.Equal(v.MissingPush, []string{"write:repository:bitbucket"}) {
		t.Errorf("%+v", v)
	}
}

func TestMissing(t *testing.T) {
	for _, c := range []struct {
		kind       Kind
		has        []string
		read, push []string
	}{
		{APIToken, []string{"read:repository:bitbucket", "write:repository:bitbucket"}, nil, nil},
		{APIToken, []string{"read:repository:bitbucket"}, nil, []string{"write:repository:bitbucket"}},
		{APIToken, []string{"write:repository:bitbucket", "admin:repository:bitbucket"}, []string{"read:repository:bitbucket"}, []string{"read:repository:bitbucket"}},
		{APIToken, nil, []string{"read:repository:bitbucket"}, []string{"read:repository:bitbucket", "write:repository:bitbucket"}},
		{AccessToken, []string{"repository:write"}, nil, nil},
		{AccessToken, []string{"repository"}, nil, []string{"repository:write"}},
		{OAuthToken, []string{"account", "pullrequest"}, nil, []string{"repository:write"}},
		{OAuthToken, []string{"pullrequest:write"}, nil, nil},
		{OAuthToken, []string{"account"}, []string{"repository"}, []string{"repository:write"}},
	} {
		read, push := Missing(c.kind, c.has)
		if !slices.Equal(read, c.read) || !slices.Equal(push, c.push) {
			t.Errorf("%s %q: %q, %q", c.kind, c.has, read, push)
		}
	}
}
