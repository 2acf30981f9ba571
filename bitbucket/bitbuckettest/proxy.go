package bitbuckettest

import (
	"bufio"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// silent swallows net/http's complaints about clients that go away in the middle.
var silent = log.New(io.Discard, "", 0)

// serveProxy opens tunnels to the known hosts, answers plain http itself, and never dials anyone.
func (s *Server) serveProxy(w http.ResponseWriter, r *http.Request) {
	host := r.URL.Hostname()
	if r.Method == http.MethodConnect {
		host = hostOf(r.Host)
	}
	switch {
	case !s.knows(lower(host)):
		entry := s.enter(r, credential{})
		http.Error(&recorder{ResponseWriter: w, server: s, entry: entry}, "the test proxy knows no such host", http.StatusForbidden)
	case r.Method != http.MethodConnect:
		s.serve(w, r)
	default:
		s.tunnel(w, host)
	}
}

// tunnel hands the connection over to the TLS side, with a certificate for the host that was asked for.
func (s *Server) tunnel(w http.ResponseWriter, host string) {
	leaf, err := s.ca.leaf(host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	config := &tls.Config{Certificates: []tls.Certificate{leaf}, NextProtos: []string{"http/1.1"}}
	s.tunnels.offer(tls.Server(&tunnelled{conn, buffered.Reader}, config))
}

// hostOf is a CONNECT's target without its port. Whether the port is Bitbucket's shows in the Host header later.
func hostOf(target string) string {
	if host, _, err := net.SplitHostPort(target); err == nil {
		return host
	}
	return target
}

// tunnelled is a hijacked connection of which some bytes may already have been read.
type tunnelled struct {
	net.Conn
	reader *bufio.Reader
}

func (c *tunnelled) Read(p []byte) (int, error) { return c.reader.Read(p) }

// tunnels is the listener of the TLS side: what it accepts are the proxy's open tunnels.
type tunnels struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newTunnels() *tunnels {
	return &tunnels{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *tunnels) offer(conn net.Conn) {
	select {
	case l.conns <- conn:
	case <-l.done:
		_ = conn.Close()
	}
}

func (l *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *tunnels) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *tunnels) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
