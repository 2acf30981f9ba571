package bitbucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// CAError says that a file or folder of certificates to trust cannot be used.
type CAError struct {
	Path string
	Err  error // ErrNoCertificate, or of reading it
}

func (e *CAError) Error() string {
	return "the certificates to trust, " + e.Path + ": " + e.Err.Error()
}
func (e *CAError) Unwrap() error { return e.Err }

// ErrNoCertificate is in a CAError for a file or folder without a PEM certificate.
var ErrNoCertificate = errors.New("no certificate in PEM form in it")

// newTransport's RoundTrip is called without an http.Client around it: so there is
// nothing that could follow a redirect, keep a cookie or put an address in an error. It
// speaks HTTP/1.1, for GODEBUG=http2debug=1 prints an HTTP/2 request's token.
func newTransport(o Options) (http.RoundTripper, error) {
	roots, err := rootsOf(o.CAFile, o.CAPath)
	if err != nil {
		return nil, err
	}
	return guard{&http.Transport{
		Proxy:                  proxyOf(o.Proxy),
		OnProxyConnectResponse: proxyAnswered,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DialContext:            (&net.Dialer{Timeout: callTime}).DialContext,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConnsPerHost:    1,
		IdleConnTimeout:        5 * time.Second,
	}}, nil
}

// guard lets REST, git's question for refs and OAuth's for a token pass, each to its
// host over https, and nothing else.
type guard struct{ next http.RoundTripper }

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.User != nil || r.Host != "" && r.Host != r.URL.Host || !isAsked(r.Method, r.URL) {
		return nil, ErrForeignAddress
	}
	return g.next.RoundTrip(r)
}

func isAsked(method string, address *url.URL) bool {
	switch address.Host {
	case RESTHost:
		return true
	case Host:
		return method == http.MethodPost && address.EscapedPath() == tokenPath && address.RawQuery == "" ||
			method == http.MethodGet && strings.HasSuffix(address.Path, ".git/info/refs")
	}
	return false
}

// proxyOf keeps the text of what goes wrong in choosing a proxy to itself: Go's own
// errors about an address that cannot be read hold parts of its password.
func proxyOf(choose func(*url.URL) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if choose == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) {
		proxy, err := choose(r.URL)
		if err != nil {
			return nil, errProxyAddress
		}
		if proxy == nil {
			return nil, nil
		}
		switch proxy.Scheme {
		case "http", "https", "socks5", "socks5h":
			return proxy, nil
		}
		return nil, errProxyAddress
	}
}

func proxyAnswered(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return &ProxyError{response.StatusCode}
	}
	return nil
}

// rootsOf is nil, the system's, where neither is named. As in OpenSSL's folders every
// file is looked at and one without a certificate is passed over.
func rootsOf(file, folder string) (*x509.CertPool, error) {
	if file == "" && folder == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if file != "" {
		text, err := readCertificates(file)
		if err != nil {
			return nil, &CAError{file, cause(err)}
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, &CAError{file, ErrNoCertificate}
		}
	}
	if folder != "" {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, &CAError{folder, cause(err)}
		}
		found := false
		for _, entry := range entries {
			name := filepath.Join(folder, entry.Name())
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
				continue
			}
			if text, err := readCertificates(name); err == nil && pool.AppendCertsFromPEM(text) {
				found = true
			}
		}
		if !found {
			return nil, &CAError{folder, ErrNoCertificate}
		}
	}
	return pool, nil
}

// readCertificates reads a file of certificates: a regular one, of 8 MiB at most.
func readCertificates(name string) ([]byte, error) {
	const most = 8 << 20
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > most:
		return nil, errors.New("larger than 8 MiB")
	}
	return os.ReadFile(name)
}

// cause is the error without the path, which CAError names.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
