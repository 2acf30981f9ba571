package bitbuckettest

import (
	"net/http"
	"strings"
)

const mediaTypeREST = "application/json"

// call is what a request to REST asks for.
type call struct {
	repo   string // "workspace/repo", "workspace" for its list, "" for what belongs to none
	branch string
	action string                                                                       // that the token's scopes must allow
	serve  func(s *Server, w http.ResponseWriter, r *http.Request, c call, token Token) // nil: REST has no such call
}

// callOf understands /2.0/user and /2.0/repositories/…. Of a path that REST has not it tells the repository still, for the faults.
func callOf(r *http.Request) call {
	path, ok := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/"), "/2.0/")
	if !ok {
		return call{}
	}
	if path == "user" && r.Method == http.MethodGet {
		return call{action: mayReadUser, serve: (*Server).serveUser}
	}
	parts := strings.SplitN(path, "/", 4)
	if parts[0] != "repositories" || len(parts) == 1 {
		return call{}
	}
	if len(parts) == 2 {
		c := call{repo: lower(parts[1])}
		if r.Method == http.MethodGet {
			c.action, c.serve = mayRead, (*Server).serveList
		}
		return c
	}
	c := call{repo: lower(parts[1] + "/" + parts[2])}
	rest := ""
	if len(parts) == 4 {
		rest = parts[3]
	}
	name, one := strings.CutPrefix(rest, "refs/branches/")
	switch {
	case rest == "" && r.Method == http.MethodGet:
		c.action, c.serve = mayRead, (*Server).serveRepository
	case rest == "refs/branches" && r.Method == http.MethodPost:
		c.action, c.serve = mayWrite, (*Server).createBranch
	case one && r.Method == http.MethodGet:
		c.branch, c.action, c.serve = name, mayRead, (*Server).serveBranch
	case one && r.Method == http.MethodDelete:
		c.branch, c.action, c.serve = name, mayWrite, (*Server).deleteBranch
	}
	return c
}

// serveREST answers REST. The order of the checks is the order of this function.
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request, cred credential) {
	c := callOf(r)
	goal := target{repo: c.repo, at: atREST}
	if s.strike(w, r, All, goal, "") {
		return
	}
	if cred.scheme == "" && s.strike(w, r, Anonymous, goal, "") {
		return
	}
	token, refused := s.login(cred, atREST)
	if refused != nil {
		refused.write(w, atREST)
		return
	}
	if c.repo != "" {
		tellLimit(w, token)
	}
	if s.strike(w, r, Logins, goal, token.Name) {
		return
	}
	if c.serve == nil {
		refuseNotFound.write(w, atREST)
		return
	}
	describe(w, token, scopeNames(token.Kind)[c.action])
	if refused := s.restMayNot(token, c); refused != nil {
		refused.write(w, atREST)
		return
	}
	c.serve(s, w, r, c, token)
}

// restMayNot says why the token may not make the call, nil if it may. Unlike git's push, a call to write wants the scope to write alone.
func (s *Server) restMayNot(token Token, c call) *refusal {
	if c.repo != "" {
		if refused := token.keptFrom(c.repo); refused != nil {
			return refused
		}
	}
	if strings.Contains(c.repo, "/") {
		if _, err := s.repo(c.repo); err != nil {
			return &refuseNoAccess
		}
	}
	if required := token.lacks(c.action); required != nil {
		refused := refuseScope(required, token.Scopes)
		return &refused
	}
	return nil
}

// credentialTypes are the values of X-Credential-Type.
var credentialTypes = map[Kind]string{
	KindAPI: "api_token", KindRepository: "repo_access_token",
	KindProject: "project_access_token", KindWorkspace: "workspace_access_token",
}

// describe sets the headers in which REST says what token it was given.
func describe(w http.ResponseWriter, token Token, accepted string) {
	header := w.Header()
	header.Set("X-Oauth-Scopes", strings.Join(token.Scopes, ", "))
	header.Set("X-Accepted-Oauth-Scopes", accepted)
	if name, ok := credentialTypes[token.Kind]; ok {
		header.Set("X-Credential-Type", name)
	}
}

const headerNearLimit = "X-Ratelimit-Nearlimit"

// tellLimit sets the headers in which REST says how many calls an hour it allows, to access tokens and below /2.0/repositories
// alone: bitbucket.org/blog, "Introducing Scaled Rate Limits for Bitbucket Cloud API"; community.atlassian.com, qaa-p/3218562.
// How many are left it never says, only, in the last, whether they are few.
func tellLimit(w http.ResponseWriter, token Token) {
	switch token.Kind {
	case KindRepository, KindProject, KindWorkspace:
		header := w.Header()
		header.Set("X-Ratelimit-Limit", "1000")
		header.Set("X-Ratelimit-Resource", "api")
		header.Set(headerNearLimit, "false")
	}
}

// link is how REST writes an address.
type link struct {
	Href string `json:"href"`
	Name string `json:"name,omitempty"`
}

func restURL(path string) string { return "https://" + RESTHost + "/2.0" + path }
