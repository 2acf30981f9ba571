package bitbuckettest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
)

const mediaTypeLFS = "application/vnd.git-lfs+json"

type batchRequest struct {
	Operation string      `json:"operation"`
	Objects   []lfsObject `json:"objects"`
}

type lfsObject struct {
	OID  string `json:"oid"`
	Size int64  `json:"size"`
}

type batchResponse struct {
	Transfer string        `json:"transfer"`
	Objects  []batchObject `json:"objects"`
}

type batchObject struct {
	lfsObject
	Authenticated bool                 `json:"authenticated,omitempty"`
	Actions       map[string]lfsAction `json:"actions,omitempty"`
	Error         *lfsError            `json:"error,omitempty"`
}

type lfsAction struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

type lfsError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func readBatch(body []byte) (batchRequest, error) {
	var batch batchRequest
	if err := json.Unmarshal(body, &batch); err != nil {
		return batch, err
	}
	if batch.Operation != "upload" && batch.Operation != "download" {
		return batch, errors.New("operation must be upload or download")
	}
	return batch, nil
}

// serveLFS answers the batch call with places on the media host, and knows no locks but that there are none.
func (s *Server) serveLFS(w http.ResponseWriter, repo *repository, goal target, batch batchRequest) {
	switch goal.rest {
	case "objects/batch":
		answer := batchResponse{Transfer: "basic", Objects: []batchObject{}}
		for _, object := range batch.Objects {
			answer.Objects = append(answer.Objects, s.offer(repo, batch.Operation, object))
		}
		writeJSON(w, mediaTypeLFS, http.StatusOK, answer)
	case "locks/verify":
		writeJSON(w, mediaTypeLFS, http.StatusOK, map[string][]string{"ours": {}, "theirs": {}})
	default:
		refuseNotFound.write(w, atLFS)
	}
}

func (s *Server) offer(repo *repository, operation string, object lfsObject) batchObject {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := batchObject{lfsObject: object, Authenticated: true}
	_, have := repo.objects[object.OID]
	switch {
	case operation == "download" && have:
		answer.Actions = map[string]lfsAction{"download": action(repo, "get", object)}
	case operation == "download":
		answer.Error = &lfsError{http.StatusNotFound, "Object does not exist"}
	case !have:
		answer.Actions = map[string]lfsAction{"upload": action(repo, "put", object), "verify": action(repo, "verify", object)}
	}
	return answer
}

// action has a header that is a ticket for this one address, with nothing in it of the token that asked.
func action(repo *repository, verb string, object lfsObject) lfsAction {
	path := "/" + verb + "/" + repo.name + "/" + object.OID
	return lfsAction{Href: "https://" + MediaHost + path, Header: map[string]string{"Authorization": ticketFor(path)}}
}

func ticketFor(path string) string {
	sum := sha256.Sum256([]byte("ticket for " + path))
	return "Media " + hex.EncodeToString(sum[:16])
}

// serveMedia is the other host: it knows tickets and no tokens.
func (s *Server) serveMedia(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status, content := s.media(r, body)
	w.WriteHeader(status)
	_, _ = w.Write(content)
}

func (s *Server) media(r *http.Request, body []byte) (status int, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	verb, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, oid := path.Split(rest)
	repo := s.repos[strings.TrimSuffix(name, "/")]
	if repo == nil || r.Header.Get("Authorization") != ticketFor(r.URL.Path) {
		return http.StatusForbidden, nil
	}
	switch verb + " " + r.Method {
	case "put PUT":
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != oid {
			return http.StatusUnprocessableEntity, nil
		}
		repo.objects[oid] = body
		return http.StatusOK, nil
	case "verify POST":
		if _, have := repo.objects[oid]; !have {
			return http.StatusNotFound, nil
		}
		return http.StatusOK, nil
	case "get GET":
		return http.StatusOK, repo.objects[oid]
	}
	return http.StatusMethodNotAllowed, nil
}
