package bitbuckettest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
)

// target is where a request wants to go.
type target struct {
	repo  string // "workspace/repo"
	rest  string // of the path, behind the repository's
	at    string
	write bool
	grant string // at the token endpoint, one of grantTypes
}

// targetOf understands /workspace/repo.git/… and, as Bitbucket does, /workspace/repo/….
func targetOf(r *http.Request) (target, bool) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) < 3 {
		return target{}, false
	}
	goal := target{repo: lower(parts[0] + "/" + strings.TrimSuffix(parts[1], ".git")), rest: parts[2]}
	service := r.URL.Query().Get("service")
	switch {
	case r.Method == http.MethodGet && goal.rest == "info/refs" && (service == "git-upload-pack" || service == "git-receive-pack"):
		goal.at, goal.write = atRefs, service == "git-receive-pack"
	case r.Method == http.MethodPost && goal.rest == "git-upload-pack":
		goal.at = atFetch
	case r.Method == http.MethodPost && goal.rest == "git-receive-pack":
		goal.at, goal.write = atPush, true
	case strings.HasPrefix(goal.rest, "info/lfs/"):
		goal.at, goal.rest = atLFS, strings.TrimPrefix(goal.rest, "info/lfs/")
	default:
		return target{}, false
	}
	return goal, true
}

// serveSite answers git and git-lfs. The order of the checks is the order of this function:
// faults for all, who is it, faults for logins, may they.
func (s *Server) serveSite(w http.ResponseWriter, r *http.Request, cred credential) {
	if s.serveOAuth(w, r, cred) {
		return
	}
	goal, ok := targetOf(r)
	if s.strike(w, r, All, goal, "") {
		return
	}
	if !ok {
		refuseNotFound.write(w, atRefs)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var batch batchRequest
	if goal.at == atLFS && goal.rest == "objects/batch" {
		if batch, err = readBatch(body); err != nil {
			refusal{status: http.StatusUnprocessableEntity, text: err.Error()}.write(w, atLFS)
			return
		}
		goal.write = batch.Operation == "upload"
	}
	repo, _ := s.repo(goal.repo)
	user := ""
	if cred.scheme == "" {
		if s.strike(w, r, Anonymous, goal, "") {
			return
		}
		if repo == nil || !repo.public || goal.write {
			refuseLogin.write(w, goal.at)
			return
		}
	} else {
		token, refused := s.login(cred, goal.at)
		if refused == nil {
			if s.strike(w, r, Logins, goal, token.Name) {
				return
			}
			refused = token.mayNot(repo, goal)
		}
		if refused != nil {
			refused.write(w, goal.at)
			return
		}
		user = token.Name
	}
	if goal.at == atLFS {
		s.serveLFS(w, repo, goal, batch)
		return
	}
	s.serveGit(w, r, goal, user, body)
}

// mayNot says why the token may not go there, nil if it may. A repository that is absent reads like one that is hidden.
func (t Token) mayNot(repo *repository, goal target) *refusal {
	if refused := t.keptFrom(goal.repo); refused != nil {
		return refused
	}
	if repo == nil {
		return &refuseNoAccess
	}
	actions := []string{mayRead}
	if goal.write {
		actions = append(actions, mayWrite)
	}
	if required := t.lacks(actions...); required != nil {
		refused := refuseScope(required, t.Scopes)
		return &refused
	}
	return nil
}

// keptFrom says how the token's own limits keep it from "workspace/repo" or "workspace", nil if they do not.
func (t Token) keptFrom(name string) *refusal {
	workspace, _, one := strings.Cut(name, "/")
	switch {
	case len(t.Workspaces) > 0 && !slices.Contains(t.Workspaces, workspace):
		return &refuseLogin
	case one && len(t.Repos) > 0 && !slices.Contains(t.Repos, name):
		return &refuseNoAccess
	}
	return nil
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
