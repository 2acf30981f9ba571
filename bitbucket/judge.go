package bitbucket

import (
	"slices"
	"strings"
)

// Cause is one reason why a token does not do what is wanted of it. The words are
// stable: they stand in JSON.
type Cause string

const (
	CauseDead        Cause = "dead"           // revoked or expired
	CauseUnscoped    Cause = "unscoped"       // made without scopes
	CauseEmailForGit Cause = "email-for-git"  // git sends an e-mail as username
	CauseOverridden  Cause = "overridden"     // git sends a credential from its config, and asks no helper
	CauseRESTEmail   Cause = "email-for-rest" // REST is asked with a username, or another's e-mail
	CauseNoEmail     Cause = "no-email"       // REST cannot be asked, nor was git's door
	CauseScope       Cause = "missing-scope"
	CauseNoAccess    Cause = "no-access"
	CauseWorkspace   Cause = "workspace" // limited to another workspace, or no access
	CauseAllowlist   Cause = "allowlist"
	CauseTwoStep     Cause = "two-step"
	CauseAppPassword Cause = "app-password"
	CauseDataCenter  Cause = "data-center"
	CauseKind        Cause = "wrong-kind"
	CauseRateLimit   Cause = "rate-limit"
	CauseOutage      Cause = "outage"
	CauseUnreachable Cause = "unreachable" // nobody answered
)

// Life says whether a token is alive.
type Life string

const (
	Alive   Life = "yes"
	Dead    Life = "no"      // for certain
	Refused Life = "refused" // dead, or asked about in the wrong way
	Unknown Life = "unknown" // nobody answered that
)

// Evidence is what is known of a token and what the site answered about it. A Reply
// that is nil was not asked for, or did not come. One that is refused has been
// refused several times, since one 401 proves nothing (Bitbucket's BCLOUD-24107).
type Evidence struct {
	Kind        Kind
	Email       string // with which REST was asked
	User        *Reply // REST's, asked as for Kind
	Bearer      *Reply // REST's, asked as for an access token, after User was refused
	Fetch, Push *Reply // git's doors to a repository
	AskedGit    bool   // git's doors were knocked at, even if nobody answered
	Proven      bool   // REST took the token with this e-mail before
	Worked      bool   // git was seen to work with it
	WorkedHere  bool   // in the repository's workspace
	Expired     bool   // its date has passed
}

// Verdict is what the evidence shows.
type Verdict struct {
	Life        Life
	Kind        Kind     // as the site has it, else as it was taken for
	Causes      []Cause  // of what does not work, the likeliest first
	Scopes      []string // that the token has; nil: not told
	MissingRead []string // scopes that it lacks for clone and fetch, as far as told
	MissingPush []string // for push
	Usable      bool     // git can read with it: the repository, or any where none was asked
}

// Judge reads the evidence.
func Judge(e Evidence) Verdict {
	v := Verdict{Life: Unknown, Kind: e.Kind}
	switch {
	case e.Kind == AppPassword:
		v.Life, v.Causes = Dead, []Cause{CauseAppPassword}
		return v
	case e.Kind == DataCenterToken:
		v.Causes = []Cause{CauseDataCenter}
		return v
	}
	v.look(e)
	switch {
	case e.alive():
		v.Life = Alive
		v.Causes = e.hindrances(v)
		v.Usable = e.Fetch != nil && e.Fetch.Answer == AnswerOK || e.Fetch == nil && !e.AskedGit && len(v.MissingRead) == 0
	case e.any(AnswerRateLimited):
		v.Causes = []Cause{CauseRateLimit}
	case e.any(AnswerOutage):
		v.Causes = []Cause{CauseOutage}
	case e.any(AnswerRefused):
		v.Life, v.Causes = e.refusal()
	case e.any(AnswerAppPasswordsOver):
		v.Life, v.Causes = Refused, []Cause{CauseAppPassword}
	case e.foreign() || e.any(AnswerMoved):
		v.Causes = []Cause{CauseUnreachable}
	case e.any(AnswerNoAccess) || e.any(AnswerRejected):
		v.Causes = []Cause{CauseOutage}
	case e.User == nil && e.Fetch == nil && e.Kind == APIToken && e.Email == "":
		v.Causes = []Cause{CauseNoEmail}
	default:
		v.Causes = []Cause{CauseUnreachable}
	}
	return v
}

func (e Evidence) replies() []*Reply {
	return slices.DeleteFunc([]*Reply{e.User, e.Bearer, e.Fetch, e.Push}, func(r *Reply) bool { return r == nil })
}

func (e Evidence) any(a Answer) bool {
	return slices.ContainsFunc(e.replies(), func(r *Reply) bool { return r.Answer == a })
}

// alive: somebody let the token in, or kept it out for what it may not do. A 404 is no
// sign of either: in an outage everything answers so (Atlassian's incident of
// 2025-02-11).
func (e Evidence) alive() bool {
	return slices.ContainsFunc(e.replies(), func(r *Reply) bool {
		switch r.Answer {
		case AnswerOK, AnswerLacksScope, AnswerNotListed, AnswerWantsTwoStep:
			return true
		case AnswerNoAccess:
			return r.Status == 403 && r.Known
		}
		return false
	})
}

// foreign: a 403 came that is not in Bitbucket's words, from a firewall for instance.
func (e Evidence) foreign() bool {
	return slices.ContainsFunc(e.replies(), func(r *Reply) bool { return r.Status == 403 && !r.Known })
}

// look takes over what the replies tell of the token: its kind and its scopes.
func (v *Verdict) look(e Evidence) {
	for _, r := range e.replies() {
		if kind := r.Kind(); kind != UnknownKind {
			v.Kind = kind
		}
		if r.Scopes != nil {
			v.Scopes = r.Scopes
		} else if r.Granted != nil && v.Scopes == nil {
			v.Scopes = r.Granted
		}
	}
	if e.Bearer != nil && e.Bearer.Answer == AnswerOK && v.Kind == e.Kind {
		v.Kind = AccessToken
	}
	if v.Scopes != nil {
		v.MissingRead, v.MissingPush = Missing(v.Kind, v.Scopes)
	}
	for _, door := range []struct {
		reply *Reply
		lacks *[]string
	}{{e.Fetch, &v.MissingRead}, {e.Push, &v.MissingPush}} {
		if door.reply != nil && door.reply.Answer == AnswerLacksScope && len(*door.lacks) == 0 {
			*door.lacks = door.reply.Required
		}
	}
}

// refusal tells what a token that nobody let in most likely is. That it is dead is
// certain only where every door says so that ought to know it: REST for an access token;
// for an API token, of which REST may be given a former e-mail, git's door as well.
func (e Evidence) refusal() (Life, []Cause) {
	refused := func(r *Reply) bool { return r != nil && r.Answer == AnswerRefused }
	died := CauseUnscoped
	if e.Worked || e.Proven || e.Expired {
		died = CauseDead
	}
	atREST, atGit := refused(e.User), refused(e.Fetch)
	switch {
	case atREST && (e.Kind != APIToken || atGit && (e.Proven || e.WorkedHere)):
		return Dead, []Cause{died}
	case atREST && (e.Worked || !strings.Contains(e.Email, "@")):
		return Refused, []Cause{CauseRESTEmail, died}
	case atREST:
		return Refused, []Cause{died, CauseRESTEmail}
	case e.WorkedHere || e.Expired:
		return Refused, []Cause{died}
	case e.Worked:
		return Refused, []Cause{CauseWorkspace, died}
	}
	return Refused, []Cause{died, CauseWorkspace}
}

// hindrances is what keeps a token that is alive from its work. What git's doors say
// comes first, for they are what it is for.
func (e Evidence) hindrances(v Verdict) (causes []Cause) {
	add := func(c Cause) {
		if !slices.Contains(causes, c) {
			causes = append(causes, c)
		}
	}
	if e.AskedGit && e.Fetch == nil {
		add(CauseUnreachable)
	}
	for _, r := range []*Reply{e.Fetch, e.Push} {
		if r == nil {
			continue
		}
		switch r.Answer {
		case AnswerRefused:
			if v.Kind != e.Kind {
				add(CauseKind)
			} else {
				add(CauseWorkspace)
			}
		case AnswerLacksScope:
			add(CauseScope)
		case AnswerNoAccess, AnswerMoved, AnswerRejected, AnswerAppPasswordsOver:
			add(CauseNoAccess)
		case AnswerNotListed:
			add(CauseAllowlist)
		case AnswerWantsTwoStep:
			add(CauseTwoStep)
		case AnswerRateLimited:
			add(CauseRateLimit)
		case AnswerOutage:
			add(CauseOutage)
		}
	}
	if v.Kind != e.Kind {
		add(CauseKind)
	} else if e.User != nil && e.User.Answer == AnswerRefused {
		add(CauseRESTEmail)
	}
	if len(v.MissingRead) > 0 || len(v.MissingPush) > 0 {
		add(CauseScope)
	}
	return causes
}

// readScopes and writeScopes are the older scopes that let a token read and write, by
// themselves or by what they imply (Bitbucket's REST documentation, "OAuth 2.0 scopes").
const (
	readScopes  = " repository pullrequest project "
	writeScopes = " repository:write pullrequest:write "
)

// Missing returns the scopes that a token of this kind lacks for clone and fetch, and
// for push. Of an API token's none implies another (Bitbucket's "API token
// permissions"); the older ones, of access tokens and OAuth, imply read by write.
func Missing(kind Kind, has []string) (read, push []string) {
	if kind != APIToken {
		among := func(scopes string) bool {
			return slices.ContainsFunc(has, func(scope string) bool { return strings.Contains(scopes, " "+scope+" ") })
		}
		if among(writeScopes) {
			return nil, nil
		}
		if !among(readScopes) {
			read = []string{"repository"}
		}
		return read, []string{"repository:write"}
	}
	for _, scope := range []string{"read:repository:bitbucket", "write:repository:bitbucket"} {
		if !slices.Contains(has, scope) {
			push = append(push, scope)
		}
	}
	if slices.Contains(push, "read:repository:bitbucket") {
		read = push[:1:1]
	}
	return read, push
}

// Wanted returns the scopes that a new API token should have, where this one lacks any:
// those of the present one and what it lacks for push.
func (v Verdict) Wanted() []string {
	if v.Kind != APIToken || len(v.MissingPush) == 0 && len(v.MissingRead) == 0 {
		return nil
	}
	wanted := slices.Clone(v.Scopes)
	for _, scope := range slices.Concat([]string{"read:repository:bitbucket"}, v.MissingRead, v.MissingPush) {
		if !slices.Contains(wanted, scope) {
			wanted = append(wanted, scope)
		}
	}
	return wanted
}

// Lacking returns the scopes that the answer wants and the token has not.
func (r Reply) Lacking() []string {
	return slices.DeleteFunc(slices.Clone(r.Required), func(scope string) bool { return slices.Contains(r.Granted, scope) })
}
