package bitbucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
)

// ErrTooLarge is returned for an answer whose body is over 1 MiB.
var ErrTooLarge = errors.New("the answer is larger than 1 MiB")

// ErrEcho is returned for an answer to Send whose body repeats the token.
var ErrEcho = errors.New("the answer repeats the token and is kept back")

// Why is what kept an answer away. The words are stable.
type Why string

const (
	WhyTimeout     Why = "timeout"     // none came in time
	WhyInterrupted Why = "interrupted" // the caller's context was cancelled
	WhyDNS         Why = "dns"         // the host's name was not found
	WhyProxy       Why = "proxy"       // the proxy is unusable, cannot be reached or refuses; see ProxyError
	WhyCertificate Why = "certificate" // nobody who is trusted vouches for the host
	WhyRefused     Why = "refused"     // nobody listens there, or no way leads there
	WhyPortal      Why = "portal"      // what answered is not Bitbucket
	WhyOther       Why = "other"
)

// UnreachableError says that the site gave no answer. Its text holds no address with a
// username, no password of a proxy, no token and nothing of a body.
type UnreachableError struct {
	Host string
	Why  Why
	Err  error // never printed as it is: the cause, for errors.Is and errors.As; may be nil
}

func (e *UnreachableError) Error() string {
	return "no answer from " + e.Host + ": " + e.reason()
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// reason is in our own words where the cause's may hold what others have sent.
func (e *UnreachableError) reason() string {
	switch e.Why {
	case WhyTimeout:
		return "none came in time"
	case WhyInterrupted:
		return "interrupted"
	case WhyPortal:
		return "something else than Bitbucket answers in its place"
	case WhyCertificate:
		return "its certificate is not trusted: " + line(e.Err.Error())
	}
	var refusal *ProxyError
	var network *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(e.Err, &refusal):
		return refusal.Error()
	case errors.Is(e.Err, syscall.ECONNRESET):
		return "the connection ended early"
	case errors.As(e.Err, &network):
		return line(network.Error())
	case errors.As(e.Err, &name):
		return line(name.Error())
	case errors.Is(e.Err, io.EOF), errors.Is(e.Err, io.ErrUnexpectedEOF):
		return "the connection ended early"
	case e.Why == WhyProxy:
		return "the proxy's address cannot be used"
	}
	return "the connection broke"
}

// ProxyError says that the proxy was reached and opened no way to the site.
type ProxyError struct{ Status int } // 407: it wants a username and password, or others

func (e *ProxyError) Error() string {
	return "the proxy refuses with status " + strconv.Itoa(e.Status)
}

// errProxyAddress stands for whatever Options.Proxy failed with, whose text may hold
// the proxy's password.
var errProxyAddress = errors.New("unusable proxy address")

func unreachable(host string, err error) error {
	return &UnreachableError{Host: host, Why: whyOf(err), Err: err}
}

func whyOf(err error) Why {
	var (
		refusal  *ProxyError
		network  *net.OpError
		name     *net.DNSError
		untrust  *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		roots    x509.SystemRootsError
	)
	switch isNetwork := errors.As(err, &network); {
	case errors.Is(err, context.Canceled):
		return WhyInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		return WhyTimeout
	case errors.Is(err, errProxyAddress), errors.As(err, &refusal),
		isNetwork && (network.Op == "proxyconnect" || network.Op == "socks connect"):
		return WhyProxy
	case errors.As(err, &untrust), errors.As(err, &unknown), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &roots):
		return WhyCertificate
	case errors.Is(err, os.ErrDeadlineExceeded), isNetwork && network.Timeout():
		return WhyTimeout
	case errors.As(err, &name):
		return WhyDNS
	case isNetwork && network.Op == "dial", errors.Is(err, syscall.ECONNREFUSED):
		return WhyRefused
	}
	return WhyOther
}
