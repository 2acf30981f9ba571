package bitbuckettest

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"git-credential-bitbucket/store/secret"
)

// Request is one line of the log. It never holds a password or token.
type Request struct {
	Time        time.Time
	Proto       string // "https", "http", or "connect" for a tunnel that was refused
	Host        string // as the client wrote it, with a port other than 443
	Method      string
	Path        string // with "?service=…" where git sent one, "?page=…&pagelen=…" if they are numbers, and no other query
	Scheme      string // of the Authorization header: "Basic", "Bearer", …; "" without one
	Username    string // of Basic; "[secret]" if it looks like a token
	Fingerprint string // of what came as password or bearer token, "" without one
	Token       string // the name of the token that it was, "" for none of ours
	Grant       string // the grant type that a token was asked for with, "" for none of Bitbucket's
	Consumer    string // the name of the consumer that asked, "" if it did not prove to be one
	Status      int    // 0 while it is not answered, and if it never was
}

// String is the request in one line: proto, host, method, path, status, user=, token=, each "-" if empty,
// and grant= and consumer= if there is one.
func (r Request) String() string {
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	token := r.Token
	if token == "" && r.Fingerprint != "" && r.Consumer == "" {
		token = "unknown:" + r.Fingerprint
	}
	line := fmt.Sprintf("%s %s %s %s %d user=%s token=%s", r.Proto, r.Host, r.Method, r.Path, r.Status, dash(r.Username), dash(token))
	if r.Grant != "" {
		line += " grant=" + r.Grant
	}
	if r.Consumer != "" {
		line += " consumer=" + r.Consumer
	}
	return line
}

// Log is every request since the start or the last ResetLog, in the order of arrival.
func (s *Server) Log() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := make([]Request, len(s.entries))
	for i, entry := range s.entries {
		log[i] = *entry
	}
	return log
}

// ResetLog forgets the log and with it what the counters count.
func (s *Server) ResetLog() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = nil
}

// Count is how many requests of the log fit.
func (s *Server) Count(fits func(Request) bool) int {
	n := 0
	for _, r := range s.Log() {
		if fits(r) {
			n++
		}
	}
	return n
}

// Rejected is how many logins failed: requests with an Authorization header that were answered 401.
func (s *Server) Rejected() int {
	return s.Count(func(r Request) bool { return r.Scheme != "" && r.Status == http.StatusUnauthorized })
}

// Filter makes a test of requests from words such as "status=401", "host=notbitbucket.org", "path=/acme/*".
// The keys are the fields' names in lower case, and user for Username. A "*" in a value stands for any
// characters but none at all in its place ("user=*": with a username), an empty value for an empty field.
func Filter(words ...string) (func(Request) bool, error) {
	wanted := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if _, known := (Request{}).field(key); !ok || !known {
			return nil, fmt.Errorf("%q: want KEY=VALUE with one of proto, host, method, path, scheme, user, token, fingerprint, grant, consumer, status", word)
		}
		wanted[key] = value
	}
	return func(r Request) bool {
		for key, pattern := range wanted {
			if value, _ := r.field(key); !matches(pattern, value) {
				return false
			}
		}
		return true
	}, nil
}

func (r Request) field(key string) (value string, known bool) {
	switch key {
	case "proto":
		return r.Proto, true
	case "host":
		return r.Host, true
	case "method":
		return r.Method, true
	case "path":
		return r.Path, true
	case "scheme":
		return r.Scheme, true
	case "user":
		return r.Username, true
	case "token":
		return r.Token, true
	case "fingerprint":
		return r.Fingerprint, true
	case "grant":
		return r.Grant, true
	case "consumer":
		return r.Consumer, true
	case "status":
		return strconv.Itoa(r.Status), true
	}
	return "", false
}

// matches lets a * stand for slashes too, which path.Match does not.
func matches(pattern, value string) bool {
	if pattern == "*" {
		return value != ""
	}
	noSlash := strings.NewReplacer("/", "\x00", "?", "\x01", "[", "\x02")
	ok, err := path.Match(noSlash.Replace(pattern), noSlash.Replace(value))
	return err == nil && ok
}

func (s *Server) enter(r *http.Request, cred credential) *Request {
	entry := &Request{
		Time: time.Now(), Proto: "http", Host: strings.TrimSuffix(r.Host, ":443"), Method: r.Method, Path: r.URL.Path,
		Scheme: cred.scheme, Username: cred.username, Fingerprint: secret.New(cred.password).Fingerprint(),
	}
	switch {
	case r.Method == http.MethodConnect:
		entry.Proto, entry.Host = "connect", r.Host
	case r.TLS != nil:
		entry.Proto = "https"
	}
	entry.Path += shown(r.URL.Query())
	s.mu.Lock()
	defer s.mu.Unlock()
	if token := s.find(cred.password); token != nil {
		entry.Token = token.Name
	}
	if s.find(cred.username) != nil || kindOf(cred.username) != "" || s.isOAuthSecret(cred.username) {
		entry.Username = "[secret]"
	}
	s.entries = append(s.entries, entry)
	return entry
}

// shown is the part of a query that cannot hold a secret.
func shown(query url.Values) string {
	if service := query.Get("service"); service == "git-upload-pack" || service == "git-receive-pack" {
		return "?service=" + service
	}
	var words []string
	for _, key := range []string{"page", "pagelen"} {
		if n, err := strconv.Atoi(query.Get(key)); err == nil {
			words = append(words, key+"="+strconv.Itoa(n))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "?" + strings.Join(words, "&")
}

// note adds to the log's line of a request.
func (s *Server) note(w http.ResponseWriter, add func(*Request)) {
	if w, ok := w.(*recorder); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		add(w.entry)
	}
}

// recorder notes the status before the client can see it, so that a script that goes on
// when git has ended finds every line of the log complete.
type recorder struct {
	http.ResponseWriter
	server  *Server
	entry   *Request
	written bool
}

func (w *recorder) WriteHeader(status int) {
	if !w.written {
		w.written = true
		w.server.mu.Lock()
		w.entry.Status = status
		w.server.mu.Unlock()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if !w.written {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}
