package bitbuckettest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// repositoryJSON is a repository as REST shows it.
type repositoryJSON struct {
	Type       string         `json:"type"`
	UUID       string         `json:"uuid"`
	Name       string         `json:"name"`
	Slug       string         `json:"slug"`
	FullName   string         `json:"full_name"`
	IsPrivate  bool           `json:"is_private"`
	SCM        string         `json:"scm"`
	MainBranch named          `json:"mainbranch"`
	Links      map[string]any `json:"links"`
}

type named struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

func (r *repository) json() repositoryJSON {
	_, slug, _ := strings.Cut(r.name, "/")
	return repositoryJSON{
		Type: "repository", UUID: uuid("repository " + r.name), Name: slug, Slug: slug, FullName: r.name,
		IsPrivate: !r.public, SCM: "git", MainBranch: named{"branch", strings.TrimPrefix(branch, branches)},
		Links: map[string]any{
			"self":  link{Href: restURL("/repositories/" + r.name)},
			"html":  link{Href: "https://" + SiteHost + "/" + r.name},
			"clone": []link{{"https://" + SiteHost + "/" + r.name + ".git", "https"}, {"git@" + SiteHost + ":" + r.name + ".git", "ssh"}},
		},
	}
}

func (s *Server) serveRepository(w http.ResponseWriter, _ *http.Request, c call, _ Token) {
	repo, err := s.repo(c.repo)
	if err != nil {
		refuseNoAccess.write(w, atREST)
		return
	}
	writeJSON(w, mediaTypeREST, http.StatusOK, repo.json())
}

// page is one part of a list: developer.atlassian.com/cloud/bitbucket/rest/intro, "Pagination". The last has no Next.
type page struct {
	Values  []repositoryJSON `json:"values"`
	Pagelen int              `json:"pagelen"`
	Size    int              `json:"size"`
	Page    int              `json:"page"`
	Next    string           `json:"next,omitempty"`
}

// serveList lists those of a workspace's repositories that the token may see, by name, 10 a page unless asked for up to 100.
func (s *Server) serveList(w http.ResponseWriter, r *http.Request, c call, token Token) {
	all, known := s.visible(c.repo, token)
	if !known {
		text := fmt.Sprintf("No workspace with identifier '%s'.", c.repo)
		refusal{status: http.StatusNotFound, text: text}.write(w, atREST)
		return
	}
	number, ok := queryNumber(r, "page", 1, 1<<20)
	pagelen, fits := queryNumber(r, "pagelen", 10, 100)
	switch {
	case !ok:
		refusal{status: http.StatusBadRequest, text: "Invalid page"}.write(w, atREST)
		return
	case !fits:
		// jenkinsci/bitbucket-branch-source-plugin#1182
		refusal{status: http.StatusBadRequest, text: "Invalid pagelen"}.write(w, atREST)
		return
	}
	from := min((number-1)*pagelen, len(all))
	to := min(from+pagelen, len(all))
	answer := page{Values: all[from:to], Pagelen: pagelen, Size: len(all), Page: number}
	if to < len(all) {
		path := fmt.Sprintf("/2.0/repositories/%s?page=%d&pagelen=%d", url.PathEscape(c.repo), number+1, pagelen)
		answer.Next = origin(RESTHost) + path
		for _, f := range s.struckBy(pages, target{repo: c.repo, at: atREST}, token.Name) {
			answer.Next = origin(f.To) + path
		}
	}
	writeJSON(w, mediaTypeREST, http.StatusOK, answer)
}

// visible also reports whether there is such a workspace.
func (s *Server) visible(workspace string, token Token) (list []repositoryJSON, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list = []repositoryJSON{}
	for _, name := range slices.Sorted(maps.Keys(s.repos)) {
		if !strings.HasPrefix(name, workspace+"/") {
			continue
		}
		known = true
		if token.keptFrom(name) == nil {
			list = append(list, s.repos[name].json())
		}
	}
	return list, known
}

func queryNumber(r *http.Request, key string, otherwise, most int) (n int, ok bool) {
	text := r.URL.Query().Get(key)
	if text == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= most
}

// origin takes a host for https on that host.
func origin(host string) string {
	if strings.Contains(host, "://") {
		return host
	}
	return "https://" + host
}
