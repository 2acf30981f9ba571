package bitbucket

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"git-credential-bitbucket/store/secret"
)

// Listening says what a Callback waits for.
type Listening struct {
	Port     int    // 0: any that is free, which no consumer's callback URL has
	Path     string // of the callback URL: "/callback"
	State    string // NewState's
	Implicit bool
	Start    string           // the AuthorizeURL to which StartURL leads; "": there is no StartURL
	Now      func() time.Time // by which an implicit Grant ends
	// Answer makes what the page says, as plain text, of the one answer of the site. It is
	// called once, and the page waits for it, 20 s at most. Nil says whether it came.
	Answer func(Redirected, error) string
}

// PortError says that the port of the callback URL cannot be listened at. On Unix
// errors.Is tells that it is in use, of syscall.EADDRINUSE.
type PortError struct {
	Port int
	Err  error
}

func (e *PortError) Error() string {
	return "cannot listen at port " + strconv.Itoa(e.Port) + " of 127.0.0.1: " + line(callCause(e.Err).Error())
}
func (e *PortError) Unwrap() error { return e.Err }

var (
	// ErrCallbackPath is returned for a Path that a browser would write otherwise.
	ErrCallbackPath = errors.New(`want a path for the callback that begins with "/" and has no blank, query, escape or dot segment in it`)
	// ErrStartedTwice is returned when the page at StartURL was asked for twice: whoever
	// was first may know the State.
	ErrStartedTwice = errors.New("the page that starts this login was opened twice")
	// ErrClosed is returned when the Callback was closed before an answer came.
	ErrClosed = errors.New("the callback was closed")
)

const (
	answerTime = 20 * time.Second
	// From then on who sends wrong redirects waits for each answer.
	fewWrong   = 100
	wrongPause = 20 * time.Millisecond
	// largestPost is a token as large as any, with other fields, escaped.
	largestPost = 4 * MaxToken
)

// Callback listens on 127.0.0.1 for the browser that comes back from the site with an
// answer to one Authorization. What other programs and pages send there, without the
// State, is refused and does not end the wait, however much it is.
type Callback struct {
	o        Listening
	host     string // as the browser names it
	begin    string // the path of StartURL, "" if there is none
	server   *http.Server
	foreign  func(*http.Request) bool // another user of this machine asks
	unhitch  func() bool
	finished chan struct{}

	mu      sync.Mutex
	wrong   int  // redirects that were no answer
	begun   int  // how often the page at StartURL was asked for
	taken   bool // an answer came; the page to it may still be on its way
	outcome Redirected
	err     error
	once    sync.Once
}

// Listen fails with *PortError, ErrCallbackPath, or ErrState without one. The Callback is
// closed when the context ends.
func Listen(ctx context.Context, o Listening) (*Callback, error) {
	switch {
	case !strings.HasPrefix(o.Path, "/") || path.Clean(o.Path) != o.Path || !isGraphic(o.Path) || strings.ContainsAny(o.Path, "?#%\\\"<>`{}|^"):
		return nil, ErrCallbackPath
	case o.State == "":
		return nil, ErrState
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port)))
	if err != nil {
		return nil, &PortError{o.Port, err}
	}
	c := newCallback(o, listener.Addr().String())
	c.start(ctx, listener)
	return c, nil
}

func newCallback(o Listening, host string) *Callback {
	c := &Callback{o: o, host: host, foreign: foreignConn, finished: make(chan struct{})}
	if o.Start != "" {
		c.begin = "/start/" + rand.Text()
	}
	c.server = &http.Server{
		Handler:           http.HandlerFunc(c.serve),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      answerTime + 10*time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnContext:       withConn,
	}
	c.server.SetKeepAlivesEnabled(false)
	return c
}

func (c *Callback) start(ctx context.Context, listener net.Listener) {
	go func() {
		if err := c.server.Serve(&bounded{Listener: listener}); !errors.Is(err, http.ErrServerClosed) {
			c.finish(Redirected{}, &PortError{c.o.Port, err})
		}
	}()
	c.unhitch = context.AfterFunc(ctx, c.shut)
}

// URL is the address that the browser has to be sent back to: the consumer's callback URL.
func (c *Callback) URL() string { return "http://" + c.host + c.o.Path }

// StartURL is an address to open in a browser in place of the AuthorizeURL, to which it
// leads once. Others on the machine see a browser's arguments: from this one, used or not,
// they do not learn the State without Wait failing, unless an answer comes before the
// browser asks, and on Linux not at all. It is "" without a Start.
func (c *Callback) StartURL() string {
	if c.begin == "" {
		return ""
	}
	return "http://" + c.host + c.begin
}

// Refused is how many redirects came that do not answer the Authorization.
func (c *Callback) Refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong
}

// Wait returns the site's answer when the browser has its page: the first one, also to
// who asks later. It fails as ParseRedirect does, or with ErrStartedTwice, ErrClosed, or
// the context's error, after which it may be called again.
func (c *Callback) Wait(ctx context.Context) (Redirected, error) {
	select {
	case <-c.finished:
		return c.outcome, c.err
	case <-ctx.Done():
		return Redirected{}, ctx.Err()
	}
}

// Close ends the listening, after the page that is being written, and a Wait.
func (c *Callback) Close() {
	c.unhitch()
	c.shut()
}

func (c *Callback) shut() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.server.Shutdown(ctx) != nil {
		_ = c.server.Close()
	}
	c.finish(Redirected{}, ErrClosed)
}

func (c *Callback) finish(found Redirected, err error) {
	c.once.Do(func() {
		c.outcome, c.err = found, err
		close(c.finished)
	})
}

// serve is all of the site that listens. That the Host is ours keeps out pages of
// others, whose name was made to lead to 127.0.0.1.
func (c *Callback) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != c.host:
		say(w, http.StatusMisdirectedRequest, textForeign)
	case c.begin != "" && subtle.ConstantTimeCompare([]byte(r.URL.EscapedPath()), []byte(c.begin)) == 1:
		c.startPage(w, r)
	case r.URL.EscapedPath() != c.o.Path:
		say(w, http.StatusNotFound, textForeign)
	case r.Method == http.MethodGet && c.o.Implicit && r.URL.RawQuery == "":
		handOver(w)
	case r.Method == http.MethodGet:
		c.take(w, r, secret.New("?"+r.URL.RawQuery))
	case r.Method == http.MethodPost && c.o.Implicit:
		c.post(w, r)
	default:
		w.Header().Set("Allow", http.MethodGet)
		say(w, http.StatusMethodNotAllowed, textForeign)
	}
}

// post takes the fragment from our own page's script. A page of another origin cannot
// make a browser say that it is ours (fetch.spec.whatwg.org, "origin header").
func (c *Callback) post(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Origin") != "http://"+c.host:
		say(w, http.StatusForbidden, textForeign)
		return
	case r.Header.Get("Content-Type") != formType:
		say(w, http.StatusUnsupportedMediaType, textForeign)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestPost))
	if err != nil {
		say(w, http.StatusRequestEntityTooLarge, textForeign)
		return
	}
	c.take(w, r, secret.New("#"+string(body)))
}

// take ends the wait if it is the site's answer, and there was none before.
func (c *Callback) take(w http.ResponseWriter, r *http.Request, query secret.Secret) {
	found, err := ParseRedirect(query, Authorization{Redirect: c.URL(), State: c.o.State, Implicit: c.o.Implicit}, c.now())
	if ours := err == nil || isRefusal(err) || errors.Is(err, ErrGrant); !ours {
		c.mu.Lock()
		c.wrong++
		many := c.wrong > fewWrong
		c.mu.Unlock()
		if many {
			time.Sleep(wrongPause)
		}
		say(w, http.StatusBadRequest, textForeign)
		return
	}
	spare(r.Context())
	c.mu.Lock()
	first := !c.taken
	c.taken = true
	c.mu.Unlock()
	if !first {
		say(w, http.StatusGone, textSecond)
		return
	}
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
	}
	text := c.answer(found, err)
	c.mu.Lock()
	if c.begun > 1 {
		status, text = http.StatusGone, textSeen
	}
	c.mu.Unlock()
	say(w, status, text)
	_ = http.NewResponseController(w).Flush()
	c.finish(found, err)
}

func (c *Callback) now() time.Time {
	if c.o.Now == nil {
		return time.Time{}
	}
	return c.o.Now()
}

func (c *Callback) answer(found Redirected, err error) string {
	text := make(chan string, 1)
	go func() { text <- c.words(found, err) }()
	select {
	case said := <-text:
		return said
	case <-time.After(answerTime):
		return textSlow
	}
}

func (c *Callback) words(found Redirected, err error) string {
	switch {
	case c.o.Answer != nil:
		return c.o.Answer(found, err)
	case err != nil:
		return "The login failed: " + err.Error() + "."
	}
	return textDone
}

func isRefusal(err error) bool {
	var refusal *OAuthError
	return errors.As(err, &refusal)
}

// callCause is the error without the address, which PortError names.
func callCause(err error) error {
	var at *net.OpError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
