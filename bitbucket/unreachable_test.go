package bitbucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

// listen answers each connection with what serve makes of it.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				serve(conn)
				_ = conn.Close()
			}()
		}
	}()
	return listener.Addr().String()
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	const password = "pa55-of-the-proxy"
	s := newSite(t, answering(http.StatusOK, "{}"))
	nobody := must(net.Listen("tcp", "127.0.0.1:0"))
	closed := nobody.Addr().String()
	_ = nobody.Close()
	refusing := func(status int) *url.URL {
		proxy := httptest.NewServer(answering(status, "<html>"+password, "Proxy-Authenticate", "Basic"))
		t.Cleanup(proxy.Close)
		address := must(url.Parse(proxy.URL))
		address.User = url.UserPassword("alice", password)
		return address
	}
	proxy := func(scheme, host string) *url.URL {
		return &url.URL{Scheme: scheme, Host: host, User: url.UserPassword("alice", password)}
	}
	var (
		says    = listen(t, func(c net.Conn) { _, _ = io.WriteString(c, password+"\r\n\r\n") })
		hangsUp = listen(t, func(net.Conn) {})
		silent  = listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		past    = httptest.NewServer(tunnel(hangsUp))
		plain   = httptest.NewServer(tunnel(says))
		system  = s.options()
	)
	t.Cleanup(past.Close)
	t.Cleanup(plain.Close)
	system.CAFile = ""
	for name, c := range map[string]struct {
		options Options
		why     Why
		words   string
		is      error
	}{
		"a proxy's 407":         {Options{Proxy: through(refusing(407))}, WhyProxy, "no answer from api.bitbucket.org: the proxy refuses with status 407", nil},
		"a proxy's 403":         {Options{Proxy: through(refusing(403))}, WhyProxy, "status 403", nil},
		"no proxy there":        {Options{Proxy: through(proxy("http", closed))}, WhyProxy, "proxyconnect", nil},
		"no SOCKS proxy there":  {Options{Proxy: through(proxy("socks5", closed))}, WhyProxy, "", nil},
		"a SOCKS proxy refuses": {Options{Proxy: through(proxy("socks5", says))}, WhyProxy, "socks connect", nil},
		"a proxy without TLS":   {Options{Proxy: through(proxy("https", says))}, WhyProxy, "", nil},
		"a proxy's scheme":      {Options{Proxy: through(proxy("ftp", closed))}, WhyProxy, "the proxy's address cannot be used", nil},
		"a proxy's address": {Options{Proxy: func(*url.URL) (*url.URL, error) {
			return url.Parse(fmt.Sprintf("http://alice:%s@[::1", password))
		}}, WhyProxy, "the proxy's address cannot be used", nil},
		"nobody vouches":       {system, WhyCertificate, "its certificate is not trusted", nil},
		"it hangs up":          {Options{Proxy: through(must(url.Parse(past.URL))), CAFile: s.caFile}, WhyOther, "the connection ended early", nil},
		"it speaks no TLS":     {Options{Proxy: through(must(url.Parse(plain.URL))), CAFile: s.caFile}, WhyOther, "", nil},
		"it says nothing":      {Options{Proxy: through(proxy("http", silent))}, WhyTimeout, "none came in time", context.DeadlineExceeded},
		"a SOCKS proxy hangs":  {Options{Proxy: through(proxy("socks5", silent))}, WhyTimeout, "none came in time", context.DeadlineExceeded},
		"a CA of someone else": {Options{Proxy: through(s.proxy), CAFile: otherCA(t)}, WhyCertificate, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := client(t, c.options)
			if c.why == WhyTimeout {
				client.callTime = 50 * time.Millisecond
			}
			_, err := client.User(t.Context(), bearer)
			var unreachable *UnreachableError
			if !errors.As(err, &unreachable) || unreachable.Why != c.why || unreachable.Host != RESTHost || !strings.Contains(err.Error(), c.words) {
				t.Fatalf("%+v, %v", unreachable, err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not %v", err, c.is)
			}
			if text := err.Error(); strings.Contains(text, password) || strings.Contains(text, "alice") || strings.Contains(text, bearer.Token.Reveal()) {
				t.Error(text)
			}
		})
	}
	if len(s.seen()) != 0 {
		t.Error("a token was shown")
	}
}

// Everything but what is looked at here lies in the chain of errors too, for cmd.
func TestUnwrap(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(answering(http.StatusProxyAuthRequired, ""))
	t.Cleanup(proxy.Close)
	_, err := client(t, Options{Proxy: through(must(url.Parse(proxy.URL)))}).Reach(t.Context())
	var refusal *ProxyError
	if !errors.As(err, &refusal) || refusal.Status != http.StatusProxyAuthRequired {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client(t, Options{}).Reach(ctx)
	if whyOf(err) != WhyInterrupted || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What no test may do for real: the name is not found, nobody listens, no way leads there.
func TestWhy(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}, Err: err}
	}
	for _, c := range []struct {
		err   error
		why   Why
		words string
	}{
		{dial(&net.DNSError{Err: "no such host", Name: RESTHost, IsNotFound: true}), WhyDNS, "lookup api.bitbucket.org: no such host"},
		{dial(errors.New("connection refused")), WhyRefused, "dial tcp 192.0.2.1:443: connection refused"},
		{dial(errors.New("network is unreachable")), WhyRefused, "unreachable"},
		{dial(os.ErrDeadlineExceeded), WhyTimeout, "none came in time"},
		{x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"portal\x1b[2J.example"}}, Host: Host}, WhyCertificate, "portal [2J.example"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, WhyCertificate, "unknown authority"},
		{errors.New(`malformed HTTP response "secret of a body"`), WhyOther, "no answer from bitbucket.org: the connection broke"},
		{io.ErrUnexpectedEOF, WhyOther, "the connection ended early"},
	} {
		err := unreachable(Host, c.err)
		if why := err.(*UnreachableError).Why; why != c.why || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %s, %v", c.err, why, err)
		}
	}
}

// A page that somebody shows instead of the site is no answer of the site's.
func TestPortal(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<html>log in to the Wi-Fi</html>", "", "[]", `"user"`, "null", `{"username": "alice"`, "{} <html>"} {
		s := newSite(t, answering(http.StatusOK, body, "Content-Type", "text/html"))
		c := s.client(t)
		for name, ask := range map[string]func() (Reply, error){
			"user":  func() (Reply, error) { return c.User(t.Context(), bearer) },
			"reach": func() (Reply, error) { return c.Reach(t.Context()) },
			"refs":  func() (Reply, error) { return c.Refs(t.Context(), "x-token-auth", bearer.Token, app, Push) },
		} {
			var portal *UnreachableError
			if got, err := ask(); !errors.As(err, &portal) || portal.Why != WhyPortal || got.Status != 0 {
				t.Errorf("%s, %q: %+v, %v", name, body, got, err)
			}
		}
	}
}

// A hung site holds nobody for longer than the call's time; that of a body counts too.
func TestTimeOverAll(t *testing.T) {
	t.Parallel()
	s, c := testBitbucket(t, "token alice email=alice@example.com", "fault hang")
	t.Cleanup(s.ClearFaults)
	slow := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "{")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // or else the body would end as if it were whole
	})
	for name, c := range map[string]*Client{"no answer": c, "half a body": slow.client(t)} {
		c.callTime = 100 * time.Millisecond
		_, err := c.User(t.Context(), bearer)
		var late *UnreachableError
		if !errors.As(err, &late) || late.Why != WhyTimeout {
			t.Errorf("%s: %v", name, err)
		}
	}
	if callTime != 10*time.Second {
		t.Error(callTime)
	}
}

func otherCA(t *testing.T) string {
	t.Helper()
	_, text := selfSigned(t)
	file := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	proxy := through(must(url.Parse(s.ProxyURL())))
	folder, empty := t.TempDir(), t.TempDir()
	text := must(os.ReadFile(s.CAFile()))
	for name, text := range map[string]string{"5ed36f99.0": string(text), "README": "no certificate"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(folder, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{CAFile: s.CAFile()}, {CAPath: folder}, {CAFile: otherCA(t), CAPath: folder}, {CAFile: s.CAFile(), CAPath: folder}} {
		o.Proxy = proxy
		if got, err := client(t, o).Reach(t.Context()); err != nil || got.Status != http.StatusUnauthorized {
			t.Errorf("%+v: %+v, %v", o, got, err)
		}
	}
	broken := filepath.Join(empty, "broken.pem")
	body := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no certificate")})
	if err := os.WriteFile(broken, body, 0o600); err != nil {
		t.Fatal(err)
	}
	absent := filepath.Join(empty, "absent")
	for _, c := range []struct {
		options Options
		path    string
		err     error
	}{
		{Options{CAFile: absent}, absent, os.ErrNotExist},
		{Options{CAPath: absent}, absent, os.ErrNotExist},
		{Options{CAFile: broken}, broken, ErrNoCertificate},
		{Options{CAPath: empty}, empty, ErrNoCertificate},
		{Options{CAFile: s.CAFile(), CAPath: empty}, empty, ErrNoCertificate},
	} {
		_, err := NewClient(c.options)
		var ca *CAError
		if !errors.As(err, &ca) || ca.Path != c.path || !errors.Is(err, c.err) || strings.Count(err.Error(), c.path) != 1 {
			t.Errorf("%+v: %v", c.options, err)
		}
	}
}

// A proxy gets its own password and never sees the token.
func TestProxyPassword(t *testing.T) {
	t.Parallel()
	s := newSite(t, answering(http.StatusOK, "{}"))
	var header http.Header
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		tunnel(s.address)(w, r)
	}))
	t.Cleanup(proxy.Close)
	o := s.options()
	address := must(url.Parse(proxy.URL))
	address.User = url.UserPassword("alice", "pa55")
	o.Proxy = through(address)
	got, err := client(t, o).User(t.Context(), bearer)
	if err != nil || got.Answer != AnswerOK {
		t.Errorf("%+v, %v", got, err)
	}
	if header.Get("Proxy-Authorization") != "Basic YWxpY2U6cGE1NQ==" || header.Get("Authorization") != "" {
		t.Error(header)
	}
}
