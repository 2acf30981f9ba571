package bitbuckettest

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// strike lets the faults at one request and reports whether one of them has answered it.
func (s *Server) strike(w http.ResponseWriter, r *http.Request, requests string, goal target, token string) bool {
	for _, f := range s.struckBy(requests, goal, token) {
		if faultKinds[f.Kind].passes {
			s.alter(w, f)
			continue
		}
		s.answer(w, r, f, goal.at, token)
		return true
	}
	return false
}

// alter does what a fault does that leaves the answer to others.
func (s *Server) alter(w http.ResponseWriter, f *activeFault) {
	switch f.Kind {
	case "slow":
		s.hold(f, time.After(f.Delay))
	case "skew":
		w.Header().Set("Date", s.Now().Add(f.By).UTC().Format(http.TimeFormat))
	case "nearlimit":
		nearLimit(w)
	}
}

// nearLimit changes the header where it is given at all.
func nearLimit(w http.ResponseWriter) {
	if w.Header().Get(headerNearLimit) != "" {
		w.Header().Set(headerNearLimit, "true")
	}
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, f *activeFault, at, token string) {
	refused := faultKinds[f.Kind].refusal
	refused.status = cmp.Or(f.Status, refused.status)
	if f.RetryAfter > 0 {
		refused.retryAfter = strconv.Itoa(int(f.RetryAfter.Round(time.Second) / time.Second))
	}
	switch f.Kind {
	case "hang":
		s.hold(f, nil)
		panic(http.ErrAbortHandler)
	case "redirect":
		http.Redirect(w, r, origin(f.To)+r.URL.RequestURI(), http.StatusMovedPermanently)
		return
	case "html":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(refused.status)
		_, _ = io.WriteString(w, portal)
		return
	case "big":
		writeJSON(w, mediaTypeREST, refused.status, bigBody())
		return
	case "message":
		refused.text = rude(r)
		if at == atToken {
			oauthError{"invalid_grant", refused.text}.write(w, cmp.Or(f.Status, http.StatusBadRequest))
			return
		}
	case "revoke":
		_ = s.Revoke(token)
	case "429":
		nearLimit(w)
	}
	refused.write(w, at)
}

// hold waits until the time is over, the fault is cleared or the server closed.
func (s *Server) hold(f *activeFault, over <-chan time.Time) {
	select {
	case <-over:
	case <-f.cleared:
	case <-s.done:
	}
}

// portal is what a network says that wants a login of its own before it lets anyone out.
const portal = `<!DOCTYPE html>
<html><head><title>Welcome to the guest network</title></head>
<body><form method="post" action="/login"><input name="room"><button>Connect</button></form></body></html>
`

// bigBody reads like an account and like an error, and is longer than 1 MiB.
func bigBody() any {
	filler := strings.Repeat("x", 1<<20)
	return map[string]any{
		"type": "user", "username": "big", "display_name": "big", "nickname": "big", "uuid": uuid("big"),
		"error": map[string]string{"message": filler}, "filler": filler,
	}
}

// rude is a message that harms who prints it: the credentials that came, and characters that a terminal obeys.
func rude(r *http.Request) string {
	_, password, _ := r.BasicAuth()
	return "No access with Authorization: " + r.Header.Get("Authorization") + " (" + password + ") " + r.PostForm.Encode() +
		"\x1b[2J\x1b]0;title\x07\r\n\x00\u0085\u202eforged: bitbucket: all is well\n"
}
