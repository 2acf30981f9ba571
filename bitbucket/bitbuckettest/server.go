package bitbuckettest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The hosts that are Bitbucket's own here, and the one that LFS objects come from.
const (
	SiteHost  = "bitbucket.org"
	RESTHost  = "api.bitbucket.org"
	MediaHost = "media.example.test"
	wwwHost   = "www.bitbucket.org"
)

// lookAlikes are hosts that a careless comparison takes for Bitbucket. AddHost adds more.
var lookAlikes = []string{
	"bitbucket.org.evil.example", "notbitbucket.org", "evil.bitbucket.org", "bitbucket.org.", "bitbucket.example",
}

// Server is one test Bitbucket with its repositories, tokens, faults and log.
// All methods may be called at any time from any goroutine.
type Server struct {
	dir     string
	backend string
	ca      *authority
	stderr  *os.File
	address string
	proxy   *http.Server
	site    *http.Server
	tunnels *tunnels
	done    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	hosts   map[string]bool
	others  map[string]http.Handler // by host, of AddService
	repos   map[string]*repository
	tokens  []*Token
	faults  []*activeFault
	entries []*Request
	shift   time.Duration // of the clock

	consumers map[string]*consumer // by name
	codes     map[string]*code
}

// New starts a server for one test and closes it when the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a server that keeps its repositories and its CA's certificate in dir.
func Start(dir string) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	backend, err := findBackend()
	if err != nil {
		return nil, err
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	s := &Server{
		dir: dir, backend: backend, ca: ca,
		tunnels: newTunnels(),
		done:    make(chan struct{}),
		others:  map[string]http.Handler{},
		hosts:   map[string]bool{SiteHost: true, RESTHost: true, wwwHost: true, MediaHost: true},
		repos:   map[string]*repository{},

		consumers: map[string]*consumer{},
		codes:     map[string]*code{},
	}
	for _, host := range lookAlikes {
		s.hosts[host] = true
	}
	if err := os.WriteFile(s.CAFile(), ca.pem, 0o644); err != nil {
		return nil, err
	}
	if s.stderr, err = os.Create(filepath.Join(dir, "http-backend.log")); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = s.stderr.Close()
		return nil, err
	}
	s.address = listener.Addr().String()
	s.proxy = &http.Server{Handler: http.HandlerFunc(s.serveProxy), ErrorLog: silent}
	s.site = &http.Server{Handler: http.HandlerFunc(s.serve), ErrorLog: silent}
	go func() { _ = s.proxy.Serve(listener) }()
	go func() { _ = s.site.Serve(s.tunnels) }()
	return s, nil
}

// Close ends every connection, waits for the requests and their git processes, and leaves dir as it is.
// A second Close does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	close(s.done)
	_ = s.proxy.Close()
	_ = s.site.Close()
	s.running.Wait()
	_ = s.stderr.Close()
}

// ProxyURL is what http.proxy and HTTPS_PROXY have to be.
func (s *Server) ProxyURL() string { return "http://" + s.address }

// CAFile is the path of the PEM file with the certificate to trust.
func (s *Server) CAFile() string { return filepath.Join(s.dir, "ca.pem") }

// GitConfig is the text for a git config file that sends git and git-lfs here.
// The caller must unset GIT_SSL_CAINFO, which beats http.sslCAInfo, and the variables that Env sets, or set them so.
func (s *Server) GitConfig() string {
	return fmt.Sprintf("[http]\n\tproxy = %s\n\tsslCAInfo = %s\n", s.ProxyURL(), strconv.Quote(filepath.ToSlash(s.CAFile())))
}

// Env are the variables, each "NAME=value", that send a Go or curl program here.
func (s *Server) Env() []string {
	var env []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		env = append(env, name+"="+s.ProxyURL())
	}
	return append(env, "NO_PROXY=", "no_proxy=", "SSL_CERT_FILE="+s.CAFile())
}

// Client talks to the server from within the test's own process. It follows no redirect.
func (s *Server) Client() *http.Client {
	proxy := &url.URL{Scheme: "http", Host: s.address}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			Proxy:             http.ProxyURL(proxy),
			TLSClientConfig:   &tls.Config{RootCAs: s.ca.pool()},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// AddHost makes the proxy know one more host that is not Bitbucket: it answers 401 to everything
// with Bitbucket's own challenge, as one would who is after a token.
func (s *Server) AddHost(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[lower(name)] = true
}

// AddService makes the proxy know a host of another company, which the handler answers for.
func (s *Server) AddService(name string, handler http.Handler) {
	s.AddHost(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others[lower(name)] = handler
}

func (s *Server) other(host string) http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.others[host]
}

// serve answers one request, which came over TLS or, as plain http, straight to the proxy.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		panic(http.ErrAbortHandler)
	}
	defer s.running.Done()
	cred := credentialOf(r)
	w = &recorder{ResponseWriter: w, server: s, entry: s.enter(r, cred)}
	s.date(w)
	switch host := lower(strings.TrimSuffix(r.Host, ":443")); {
	case r.TLS == nil, !s.knows(host):
		s.impostor(w)
	case host == SiteHost:
		s.serveSite(w, r, cred)
	case host == RESTHost:
		s.serveREST(w, r, cred)
	case host == MediaHost:
		s.serveMedia(w, r)
	case host == wwwHost:
		http.Redirect(w, r, "https://"+SiteHost+r.URL.RequestURI(), http.StatusMovedPermanently)
	case s.other(host) != nil:
		s.other(host).ServeHTTP(w, r)
	default:
		s.impostor(w)
	}
}

// impostor asks for a password as Bitbucket does, so that a client that would give one away does.
func (s *Server) impostor(w http.ResponseWriter) {
	refuseLogin.write(w, atRefs)
}

func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

func (s *Server) knows(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hosts[host]
}

// lower folds ASCII alone: strings.ToLower turns U+212A, the Kelvin sign, into a k.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, name)
}
