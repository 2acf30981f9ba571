package bitbuckettest

import (
	"net/http"
	"strings"
)

// serveREST answers GET /2.0/user, the call that says whether a token is alive and whose it is.
func (s *Server) serveREST(w http.ResponseWriter, r *http.Request, cred credential) {
	goal := target{at: atREST}
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
	if s.strike(w, r, Logins, goal, token.Name) {
		return
	}
	if r.Method != http.MethodGet || r.URL.Path != "/2.0/user" {
		refuseNotFound.write(w, atREST)
		return
	}
	describe(w, token, scopeNames(token.Kind)[mayReadUser])
	if required := token.lacks(mayReadUser); required != nil {
		refuseScope(required, token.Scopes).write(w, atREST)
		return
	}
	writeJSON(w, "application/json", http.StatusOK, map[string]string{
		"type": "user", "username": token.Username, "nickname": token.Username, "display_name": token.Username,
	})
}

// describe sets the headers in which REST says what token it was given.
func describe(w http.ResponseWriter, token Token, accepted string) {
	types := map[Kind]string{
		KindAPI: "api_token", KindRepository: "repo_access_token",
		KindProject: "project_access_token", KindWorkspace: "workspace_access_token",
	}
	header := w.Header()
	header.Set("X-Oauth-Scopes", strings.Join(token.Scopes, ", "))
	header.Set("X-Accepted-Oauth-Scopes", accepted)
	if name, ok := types[token.Kind]; ok {
		header.Set("X-Credential-Type", name)
	}
}
