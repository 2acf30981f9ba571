package bitbucket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"git-credential-bitbucket/store/secret"
)

const (
	callTime  = 10 * time.Second // of one call over all, its repetition included
	bodyLimit = 1 << 20
	waitLimit = 5 * time.Second // the longest Retry-After that is waited for
)

// Options say how the site is reached.
type Options struct {
	// Proxy chooses the proxy for an address, with scheme http, https, socks5 or
	// socks5h; nil, or a nil URL, is directly. Its error's text is shown to nobody.
	Proxy func(address *url.URL) (*url.URL, error)
	// CAFile is a PEM file and CAPath a folder of such, trusted in place of the
	// system's; both "" leaves these, for which Go reads SSL_CERT_FILE and SSL_CERT_DIR.
	CAFile, CAPath string
	UserAgent      string
	// Now is the clock by which a Grant ends and an app's proof is made: the grants want it.
	Now func() time.Time
	// Wait returns nil after the duration, or an error when the context ends before;
	// nil really waits.
	Wait func(context.Context, time.Duration) error
}

// Client talks to the site: to bitbucket.org and api.bitbucket.org, over TLS 1.2 or
// later, and to no other host. It follows no redirect and keeps no cookie. Each call
// takes 10 s at most and reads a body of 1 MiB at most.
//
// A GET that is answered 429 or 503 with a Retry-After of at most 5 s is repeated once,
// when that is over. Nothing else is repeated.
//
// A call's error, but for those of a Grant, means that there was no answer:
// *UnreachableError, ErrTooLarge, or one of the errors that say why nothing was sent.
type Client struct {
	transport http.RoundTripper
	userAgent string
	now       func() time.Time
	wait      func(context.Context, time.Duration) error
	callTime  time.Duration
}

// NewClient reads the certificates that the options name; it fails with *CAError alone.
func NewClient(o Options) (*Client, error) {
	transport, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	c := &Client{transport: transport, userAgent: line(o.UserAgent), now: o.Now, wait: o.Wait, callTime: callTime}
	if c.wait == nil {
		c.wait = wait
	}
	if c.userAgent == "" {
		c.userAgent = "git-credential-bitbucket"
	}
	return c, nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// User asks GET /2.0/user: whose the token is. AnswerOK and AnswerLacksScope both mean
// that it is alive; the second that it has not the scope read:user:bitbucket
// (avivsinai/bitbucket-cli#62).
func (c *Client) User(ctx context.Context, login Login) (Reply, error) {
	shown, err := login.show()
	if err != nil {
		return Reply{}, err
	}
	return c.do(ctx, call{kind: userCall, method: http.MethodGet, address: userAddress(), shown: shown, accept: "application/json"})
}

// Reach asks the same without a token: that the site answers at all, and its Date. Of
// such calls the site takes 60 an hour from one address (Atlassian: "API request
// limits").
func (c *Client) Reach(ctx context.Context) (Reply, error) {
	return c.do(ctx, call{kind: userCall, method: http.MethodGet, address: userAddress(), accept: "application/json"})
}

// Service is what git asks a repository for.
type Service string

const (
	Fetch Service = "git-upload-pack"
	Push  Service = "git-receive-pack"
)

// ErrService is returned for a Service that is neither Fetch nor Push.
var ErrService = errors.New("the service is neither git-upload-pack nor git-receive-pack")

// Refs asks as git does at the beginning of a fetch or push, with the username that
// git would send. AnswerOK means that the token may do that there.
func (c *Client) Refs(ctx context.Context, username string, token secret.Secret, repo Repository, service Service) (Reply, error) {
	if username == "" {
		return Reply{}, ErrUsername
	}
	if err := repo.check(); err != nil {
		return Reply{}, err
	}
	if service != Fetch && service != Push {
		return Reply{}, ErrService
	}
	shown, err := show(username, token)
	if err != nil {
		return Reply{}, err
	}
	address := &url.URL{
		Scheme: "https", Host: Host, Path: "/" + repo.String() + ".git/info/refs",
		RawQuery: "service=" + string(service),
	}
	return c.do(ctx, call{kind: refsCall, method: http.MethodGet, address: address, shown: shown, service: service})
}

// Request is any call of REST.
type Request struct {
	Method      string // "" is GET
	Path        string // "/2.0/…", "2.0/…" or "https://api.bitbucket.org/2.0/…", with its query
	Body        []byte
	ContentType string // of Body; "" is none
}

// Send sends the request and hands back the answer's body, whatever its status. It
// sends nothing, and fails with ErrForeignAddress, ErrPath, ErrMethod or
// ErrContentType, where the request is not one for REST.
func (c *Client) Send(ctx context.Context, login Login, request Request) (Reply, error) {
	if request.Method == "" {
		request.Method = http.MethodGet
	}
	address, err := restAddress(request.Path)
	switch {
	case err != nil:
		return Reply{}, err
	case !isMethod(request.Method):
		return Reply{}, ErrMethod
	case line(request.ContentType) != request.ContentType:
		return Reply{}, ErrContentType
	}
	shown, err := login.show()
	if err != nil {
		return Reply{}, err
	}
	return c.do(ctx, call{
		kind: sendCall, method: request.Method, address: address, shown: shown,
		body: request.Body, contentType: request.ContentType,
	})
}

func userAddress() *url.URL {
	return &url.URL{Scheme: "https", Host: RESTHost, Path: "/2.0/user"}
}

type callKind int

const (
	userCall callKind = iota
	refsCall
	sendCall
)

// call is one call, ready to be sent.
type call struct {
	kind                callKind
	method              string
	address             *url.URL
	shown               shown // zero: without a token
	service             Service
	body                []byte
	contentType, accept string
}

func (c *Client) do(ctx context.Context, call call) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.callTime)
	defer cancel()
	reply, err := c.once(ctx, call)
	if err != nil || call.method != http.MethodGet || !reply.mayRepeat() {
		return reply, err
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= reply.RetryAfter {
		return reply, nil
	}
	if c.wait(ctx, reply.RetryAfter) != nil {
		return reply, nil
	}
	return c.once(ctx, call)
}

func (c *Client) once(ctx context.Context, call call) (Reply, error) {
	var body io.Reader
	if len(call.body) > 0 {
		body = bytes.NewReader(call.body)
	}
	request, err := http.NewRequestWithContext(ctx, call.method, call.address.String(), body)
	if err != nil {
		return Reply{}, ErrPath
	}
	for name, value := range map[string]string{
		"User-Agent": c.userAgent, "Accept": call.accept, "Content-Type": call.contentType, "Authorization": call.shown.header(),
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return Reply{}, unreachable(call.address.Host, err)
	}
	defer response.Body.Close()
	return read(call, response)
}
