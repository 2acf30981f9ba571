package bitbuckettest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What Bitbucket says when it gives no token.
const (
	// A wrong secret, and a refresh token that is not alive: jenkins-x/go-scm, scm/transport/oauth2/refresh_test.go.
	TextClientInvalid = "Invalid OAuth client credentials"
	TextClientMissing = "Requests must be authenticated using OAuth client credentials" // p2/OAuth2#96
	TextCodeInvalid   = "The specified code is not valid."
	TextNoCallback    = "No callback uri defined for the OAuth client." // composer/composer#5335
	textGrantUnknown  = "Unsupported grant type: "                      // plentico/plenti#280
)

// oauthError is an answer of TokenPath that holds no token: RFC 6749, section 5.2.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

var (
	errClient        = oauthError{"unauthorized_client", TextClientInvalid}
	errClientMissing = oauthError{"unauthorized_client", TextClientMissing}
	errNoCallback    = oauthError{"invalid_request", TextNoCallback}
	errCode          = oauthError{"invalid_grant", TextCodeInvalid}
	errRedirect      = oauthError{"invalid_grant", "redirect_uri does not match the one of the authorization request."}
	errVerifier      = oauthError{"invalid_grant", "code_verifier does not match the code_challenge."}
	errScope         = oauthError{"invalid_scope", "The consumer has not all of the scopes."}
)

func (e oauthError) write(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, mediaTypeREST, status, e)
}

// tokenRequest is what came to TokenPath.
type tokenRequest struct {
	cred  credential
	form  url.Values
	grant string
}

// serveToken gives tokens. The order of the checks is the order of this function.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request, cred credential) {
	req := tokenRequest{cred: cred, form: readForm(w, r)}
	req.grant = req.form.Get("grant_type")
	r.PostForm = req.form
	goal := target{at: atToken}
	if slices.Contains(grantTypes, req.grant) {
		goal.grant = req.grant
	}
	s.note(w, func(entry *Request) { entry.Grant = goal.grant })
	if s.strike(w, r, All, goal, "") {
		return
	}
	if r.Method != http.MethodPost {
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	client, name, refused := s.authenticate(req)
	if refused == &errClientMissing && s.strike(w, r, Anonymous, goal, "") {
		return
	}
	if refused != nil {
		refused.write(w, http.StatusBadRequest)
		return
	}
	s.note(w, func(entry *Request) { entry.Consumer = name })
	if s.strike(w, r, Logins, goal, name) {
		return
	}
	reply, faults, refused := s.exchange(client, req, goal)
	if refused != nil {
		refused.write(w, http.StatusBadRequest)
		return
	}
	s.writeReply(w, reply, faults)
}

// readForm understands a form alone: of a body in JSON Bitbucket says that it has no grant type (plentico/plenti#280).
func readForm(w http.ResponseWriter, r *http.Request) url.Values {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return url.Values{}
	}
	form, err := url.ParseQuery(string(content))
	if err != nil {
		return url.Values{}
	}
	return form
}

// authenticate finds the client and its name.
func (s *Server) authenticate(req tokenRequest) (c *consumer, name string, refused *oauthError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, refused = s.prove(req); refused != nil {
		return nil, "", refused
	}
	return c, c.Name, nil
}

// prove goes by the JWT for GrantJWT, else by key and secret in the header or in the form. It needs s.mu.
func (s *Server) prove(req tokenRequest) (*consumer, *oauthError) {
	key, password := req.cred.username, req.cred.password
	switch {
	case req.grant == GrantJWT && req.cred.scheme == "JWT":
		if app := s.appOf(req.cred.password); app != nil {
			return app, nil
		}
		return nil, &errClient
	case req.grant == GrantJWT:
		return nil, &errClientMissing
	case req.cred.scheme == "":
		key, password = req.form.Get("client_id"), req.form.Get("client_secret")
		if key == "" || password == "" {
			return nil, &errClientMissing
		}
	case req.cred.scheme != "Basic":
		return nil, &errClientMissing
	}
	if c := s.client(key); c != nil && c.Secret == password {
		return c, nil
	}
	return nil, &errClient
}

// writeReply writes the reply as the faults want it.
func (s *Server) writeReply(w http.ResponseWriter, reply map[string]any, faults []*activeFault) {
	status, cut, whole := http.StatusOK, false, ""
	for _, f := range faults {
		switch f.Kind {
		case "late":
			s.hold(f, time.After(f.Delay))
		case "lost":
			panic(http.ErrAbortHandler)
		case "missing":
			delete(reply, f.Field)
		case "odd":
			reply[f.Field] = json.RawMessage(f.Value)
		case "big":
			reply["filler"] = strings.Repeat("x", 1<<20)
			if f.Status != 0 {
				status = f.Status
			}
		case "truncated":
			cut, whole = true, f.Field
		}
	}
	content, _ := json.Marshal(reply)
	switch value, _ := reply[whole].(string); {
	case cut && value != "":
		content = []byte(`{"` + whole + `":"` + value + `","token_ty`)
	case cut:
		content = content[:len(content)/2]
	}
	header := w.Header()
	header.Set("Content-Type", mediaTypeREST)
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(content)
}
