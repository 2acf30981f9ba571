package main

import (
	"fmt"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
)

// A causeRow puts a cause into words. README's section "When it does not work" is
// written from these rows, in their order; see TestReadmeCauses.
type causeRow struct {
	cause  bitbucket.Cause
	sign   string // what git or Bitbucket shows
	means  string
	remedy string // {…} stands for a command or address: see remedies
	status exitStatus
}

var causeRows = []causeRow{
	{bitbucket.CauseDead, "401 everywhere, for a token that worked", "it was revoked, or it has expired", "{new}", exitNoCredential},
	{bitbucket.CauseUnscoped, "401 everywhere, for a token that never worked", "it was made without scopes, is not whole, or was revoked", "{new}", exitNoCredential},
	{bitbucket.CauseEmailForGit, "401 from git, while the token is alive", "git sends an e-mail as username, with which Bitbucket never takes a token from git", "{doctor}", exitNoCredential},
	{bitbucket.CauseOverridden, "401 from git, while the token is alive", "git sends a credential from an address, from `http.extraHeader` or from `.netrc`, and asks no helper", "{doctor}", exitNoCredential},
	{bitbucket.CauseRESTEmail, "401 from REST, while git works or was not asked", "REST wants the e-mail of the token's owner with it: no username, no other's e-mail", "{email}", exitNoCredential},
	{bitbucket.CauseNoEmail, "`alive: unknown`", "REST wants the e-mail of an API token's owner, and none is known", "{ask}", exitFailed},
	{bitbucket.CauseScope, "403 `Your credentials lack one or more required privilege scopes.`", "the token lacks scopes, and none can be added to it", "{new}", exitNoCredential},
	{bitbucket.CauseNoAccess, "403 `The requested repository either does not exist or you do not have access.`, or 404", "the token's owner may not see this repository, or it does not exist", "{route}", exitNoCredential},
	{bitbucket.CauseWorkspace, "401 for one repository, while the token is alive", "the token is limited to another workspace or repository, or has no access to this one", "{route}", exitNoCredential},
	{bitbucket.CauseAllowlist, "403 `To access this repository, an admin must whitelist your IP.`", "the workspace admits certain networks only, and this is none of them", "use such a network, or ask the workspace's admin", exitNoCredential},
	{bitbucket.CauseTwoStep, "403 `… enable two-step authentication.`", "the workspace demands two-step verification of the token's owner", "switch it on at {security}", exitNoCredential},
	{bitbucket.CauseAppPassword, "410 `App passwords are deprecated and must be replaced with API tokens.`", "it is an app password, and Bitbucket ended those on " + bitbucket.AppPasswordsEnded, "{new}", exitNoCredential},
	{bitbucket.CauseDataCenter, "nothing: it is never sent", "the token is of Bitbucket Data Center, another product", "{new}", exitNoCredential},
	{bitbucket.CauseKind, "401 from git, for a token that REST takes otherwise", "it is another kind of token than it was taken for, so that git sends the wrong username", "{kind}", exitNoCredential},
	{bitbucket.CauseRateLimit, "429 `Rate limit for this resource has been exceeded`", "there were too many requests: 60,000 of git and 1,000 of REST an hour are allowed", "wait {wait}, and type the command again", exitUnreachable},
	{bitbucket.CauseOutage, "404 or 5xx for everything", "Bitbucket has an outage, which says nothing of the token", "see {status}, and type the command again", exitUnreachable},
	{bitbucket.CauseUnreachable, "no answer", "Bitbucket was not reached, which says nothing of the token", "{network}", exitUnreachable},
}

// Addresses that remedies name.
const (
	securityPage = "https://id.atlassian.com/manage-profile/security"
	statusPage   = "https://bitbucket.status.atlassian.com"
)

func rowOf(cause bitbucket.Cause) causeRow {
	for _, row := range causeRows {
		if row.cause == cause {
			return row
		}
	}
	return causeRow{cause: cause, means: string(cause), status: exitFailed}
}

// A concern is what a remedy is about.
type concern struct {
	subject    subject
	repository bitbucket.Repository
	verdict    bitbucket.Verdict
	retryAfter time.Duration
	trouble    string // of the network
}

// remedyOf is what to type about the cause.
func (p *process) remedyOf(row causeRow, a concern) string {
	return strings.NewReplacer(
		"{new}", p.newToken(a),
		"{doctor}", "to see where: git-credential-bitbucket doctor",
		"{email}", emailRemedy(a.subject),
		"{ask}", askRemedy(a.subject),
		"{route}", routeRemedy(a.subject, a.repository),
		"{security}", securityPage,
		"{kind}", kindRemedy(a),
		"{wait}", waiting(a.retryAfter),
		"{status}", statusPage,
		"{network}", networkRemedy(a.trouble),
	).Replace(row.remedy)
}

// genericRemedies are the same in README, which is about nobody's token.
var genericRemedies = strings.NewReplacer(
	"{new}", "make an API token with scopes, then `git-credential-bitbucket rotate`",
	"{doctor}", "`git-credential-bitbucket doctor` says where, and how to end it",
	"{email}", "`git-credential-bitbucket store --email E-MAIL`, or set `BITBUCKET_EMAIL`",
	"{ask}", "`git-credential-bitbucket verify --repo WORKSPACE/REPOSITORY`, or `store --email E-MAIL`",
	"{route}", "check the address, or send the workspace to another account: `git-credential-bitbucket route WORKSPACE NAME`",
	"{security}", "<"+securityPage+">",
	"{kind}", "`git-credential-bitbucket verify` corrects a stored account; a variable's token belongs into `BITBUCKET_ACCESS_TOKEN`, or `BITBUCKET_API_TOKEN`",
	"{wait}", "as long as it says",
	"{status}", "<"+statusPage+">",
	"{network}", "`git-credential-bitbucket doctor`",
)

func (p *process) newToken(a concern) string {
	scopes := ""
	if wanted := a.verdict.Wanted(); len(wanted) > 0 {
		scopes = " (" + strings.Join(wanted, ", ") + ")"
	}
	made := "make an API token with scopes" + scopes + " at " + bitbucket.TokenPage
	if a.subject.kind == bitbucket.AccessToken || a.subject.kind == bitbucket.OAuthToken {
		made = "make an access token in the settings of its repository, project or workspace"
	}
	switch source := a.subject.source; {
	case source == clientVariable:
		return "check in its workspace's settings what that consumer may do" + scopes
	case a.subject.account.Grant != "" && (len(a.verdict.MissingRead) > 0 || len(a.verdict.MissingPush) > 0):
		return consumerRemedy(a.subject.account)
	case a.subject.account.Grant != "":
		return "log in anew" + scopes + ", type: " + loginCommand(a.subject.account)
	case source == commandVariable || source == "--token-command":
		return made + ", and let the command print that"
	case source != "":
		return made + ", and put that into " + source
	case a.subject.account.Fingerprint == "":
		return made + ", then type: " + storeCommand(a.subject.account)
	}
	return made + ", then type: " + rotateCommand(a.subject.account)
}

func emailRemedy(s subject) string {
	if s.source != "" {
		return "set " + emailVariable + " to that e-mail"
	}
	return "type: " + storeCommand(s.account) + " --email E-MAIL"
}

func askRemedy(s subject) string {
	verify := "type: " + verifyCommand(s.account, "")
	if s.source != "" {
		return verify + ", or set " + emailVariable
	}
	return verify + ", or: " + storeCommand(s.account) + " --email E-MAIL"
}

func routeRemedy(s subject, r bitbucket.Repository) string {
	if s.source != "" {
		return "check the address, or put a token that may into " + s.source
	}
	return "check the address, or send the workspace to another account: " + routeCommand(r.Workspace, "NAME")
}

func kindRemedy(a concern) string {
	if a.subject.source == "" {
		return "type the command again"
	}
	variable := "BITBUCKET_ACCESS_TOKEN"
	if a.verdict.Kind == bitbucket.APIToken {
		variable = "BITBUCKET_API_TOKEN"
	}
	return fmt.Sprintf("move it from %s to %s", a.subject.source, variable)
}

func waiting(d time.Duration) string {
	if d <= 0 {
		return "some minutes"
	}
	return d.Round(time.Second).String()
}

func networkRemedy(trouble string) string {
	if trouble == "" {
		return "type: git-credential-bitbucket doctor"
	}
	return trouble
}
