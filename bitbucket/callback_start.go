package bitbucket

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// startPage leads the browser to the site, once. Who only looks ahead, loads it as a part
// of another page, or is another user is told nothing, and uses nothing up.
func (c *Callback) startPage(w http.ResponseWriter, r *http.Request) {
	mode := r.Header.Get("Sec-Fetch-Mode")
	switch {
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		say(w, http.StatusMethodNotAllowed, textBegin)
		return
	case mode != "" && mode != "navigate", ahead(r.Header.Get("Sec-Purpose")), ahead(r.Header.Get("Purpose")):
		say(w, http.StatusForbidden, textBegin)
		return
	case c.foreign(r):
		say(w, http.StatusForbidden, textOther)
		return
	}
	c.mu.Lock()
	c.begun++
	first := c.begun == 1
	c.mu.Unlock()
	if !first {
		say(w, http.StatusGone, textSeen)
		_ = http.NewResponseController(w).Flush()
		c.finish(Redirected{}, ErrStartedTwice)
		return
	}
	w.Header().Set("Location", c.o.Start)
	write(w, http.StatusSeeOther, "default-src 'none'", "")
}

// foreignConn reports whether another user of this machine asks.
func foreignConn(r *http.Request) bool {
	c, ok := r.Context().Value(connKey{}).(*conn)
	return ok && ofAnotherUser(c.RemoteAddr(), c.LocalAddr())
}

// ahead reports whether the header says that nobody sees the page yet
// (wicg.github.io/nav-speculation/prefetch.html).
func ahead(purpose string) bool {
	return strings.HasPrefix(purpose, "prefetch") || strings.HasPrefix(purpose, "preview")
}

// mostConns are held at a time. A browser opens a few.
const mostConns = 64

// bounded gives up the oldest connection for a new one when there are too many: a browser
// sends its request whole and at once, while those who fill the place do not.
type bounded struct {
	net.Listener
	mu   sync.Mutex
	held []*conn // the oldest first
}

func (b *bounded) Accept() (net.Conn, error) {
	accepted, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: accepted, from: b}
	b.mu.Lock()
	b.held = append(b.held, c)
	var oldest *conn
	if len(b.held) > mostConns {
		oldest = b.held[0]
		b.held = slices.Delete(b.held, 0, 1)
	}
	b.mu.Unlock()
	if oldest != nil {
		_ = oldest.Conn.Close()
	}
	return c, nil
}

type conn struct {
	net.Conn
	from *bounded
}

func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// leave makes it none of those that are given up.
func (c *conn) leave() {
	c.from.mu.Lock()
	defer c.from.mu.Unlock()
	c.from.held = slices.DeleteFunc(c.from.held, func(held *conn) bool { return held == c })
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// spare keeps the request's connection until it has its answer.
func spare(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*conn); ok {
		c.leave()
	}
}
