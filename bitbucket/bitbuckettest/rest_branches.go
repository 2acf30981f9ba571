package bitbuckettest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// branchJSON is a branch as REST shows it.
type branchJSON struct {
	Type   string          `json:"type"`
	Name   string          `json:"name"`
	Target commitJSON      `json:"target"`
	Links  map[string]link `json:"links"`
}

type commitJSON struct {
	Type string `json:"type"`
	Hash string `json:"hash"`
}

// commitHash is a whole or shortened one. Nothing else is handed to git.
var commitHash = regexp.MustCompile(`^[0-9a-f]{7,40}$`)

func (s *Server) serveBranch(w http.ResponseWriter, _ *http.Request, c call, _ Token) {
	s.writeBranch(w, http.StatusOK, c.repo, c.branch)
}

func (s *Server) writeBranch(w http.ResponseWriter, status int, repo, name string) {
	hash, err := s.git(repo, "rev-parse", "--verify", "--quiet", branches+name)
	if err != nil {
		refuseNoBranch(name).write(w, atREST)
		return
	}
	writeJSON(w, mediaTypeREST, status, branchJSON{
		Type: "branch", Name: name, Target: commitJSON{"commit", strings.TrimSpace(hash)},
		Links: map[string]link{"self": {Href: restURL("/repositories/" + repo + "/refs/branches/" + url.PathEscape(name))}},
	})
}

// createBranch takes {"name": …, "target": {"hash": …}} and wants it called JSON: without that
// Bitbucket says "Bad Request" (bitbucket.org/site/master/issues/14276).
func (s *Server) createBranch(w http.ResponseWriter, r *http.Request, c call, _ Token) {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != mediaTypeREST {
		refuseBody("The body must be "+mediaTypeREST+".", nil).write(w, atREST)
		return
	}
	var wanted struct {
		Name   string     `json:"name"`
		Target commitJSON `json:"target"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = json.Unmarshal(body, &wanted)
	}
	if err != nil {
		refuseBody("The body is no JSON: "+err.Error(), nil).write(w, atREST)
		return
	}
	missing := map[string][]string{}
	for field, value := range map[string]string{"name": wanted.Name, "target.hash": wanted.Target.Hash} {
		if value == "" {
			missing[field] = []string{"This field is required."}
		}
	}
	if len(missing) > 0 {
		refuseBody("You must specify a name and a target.", missing).write(w, atREST)
		return
	}
	hash, known := "", false
	if commitHash.MatchString(wanted.Target.Hash) {
		hash, err = s.git(c.repo, "rev-parse", "--verify", "--quiet", wanted.Target.Hash+"^{commit}")
		known = err == nil
	}
	if !known {
		refuseBody("There is no such commit.", map[string][]string{"target.hash": {"Unknown commit."}}).write(w, atREST)
		return
	}
	// The zeros let git make it only if it is not there yet.
	if _, err := s.git(c.repo, "update-ref", branches+wanted.Name, strings.TrimSpace(hash), strings.Repeat("0", 40)); err != nil {
		refuseBody("The branch exists, or its name will not do.", map[string][]string{"name": {"Invalid branch name."}}).write(w, atREST)
		return
	}
	s.writeBranch(w, http.StatusCreated, c.repo, wanted.Name)
}

// deleteBranch refuses to delete main with 400: developer.atlassian.com/cloud/bitbucket/rest/api-group-refs.
func (s *Server) deleteBranch(w http.ResponseWriter, _ *http.Request, c call, _ Token) {
	ref := branches + c.branch
	if ref == branch {
		refuseBody("The main branch cannot be deleted.", nil).write(w, atREST)
		return
	}
	if _, err := s.git(c.repo, "rev-parse", "--verify", "--quiet", ref); err != nil {
		refuseNoBranch(c.branch).write(w, atREST)
		return
	}
	if _, err := s.git(c.repo, "update-ref", "-d", ref); err != nil {
		plain(http.StatusInternalServerError).write(w, atREST)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func refuseNoBranch(name string) refusal {
	return refusal{status: http.StatusNotFound, text: "Branch \"" + name + "\" not found"}
}
