package store

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/godbus/dbus/v5"
)

// connectBus connects and authenticates in no round trip of its own where the bus
// is a Unix socket: the whole client side of the handshake goes out before the first
// call, as sd-bus does it, and the server's side is read before its first reply.
func connectBus(ctx context.Context, address string) (*busConn, error) {
	path, ok := socketPath(address)
	if !ok {
		return dialSlowly(ctx, address)
	}
	var dialer net.Dialer
	socket, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, busError(err)
	}
	bus := &busConn{}
	link := &eagerLink{Conn: socket, in: bufio.NewReader(socket), rejected: &bus.rejected}
	// godbus's half of the handshake talks to canned answers.
	link.canned.WriteString("REJECTED EXTERNAL\r\nOK canned\r\n")
	bus.Conn, err = dbus.NewConn(link, dbus.WithContext(ctx))
	if err != nil {
		_ = socket.Close()
		return nil, busError(err)
	}
	if err := bus.Auth([]dbus.Auth{dbus.AuthExternal("")}); err != nil {
		_ = bus.Close()
		return nil, busError(err)
	}
	return bus, nil
}

// socketPath is the Unix socket of a D-Bus address that names just one,
// "unix:path=/run/user/1000/bus,guid=…"; values are percent-encoded (D-Bus
// Specification, "Server Addresses").
func socketPath(address string) (string, bool) {
	list, ok := strings.CutPrefix(address, "unix:")
	if !ok || strings.Contains(list, ";") {
		return "", false
	}
	for pair := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if err != nil || value == "" {
			return "", false
		}
		switch name {
		case "path":
			return value, true
		case "abstract":
			return "@" + value, true
		}
	}
	return "", false
}

// An eagerLink sends a D-Bus handshake in front of the first message and takes the
// server's part of it off the stream. EXTERNAL with empty data lets the server take
// the user from the socket, also where user namespaces number users differently.
type eagerLink struct {
	net.Conn
	in       *bufio.Reader
	canned   bytes.Buffer // answers for godbus's own handshake
	begun    bool         // godbus said BEGIN: messages from here on
	sent     bool
	greeted  bool
	rejected *atomic.Bool
}

func (l *eagerLink) Write(p []byte) (int, error) {
	switch {
	case !l.begun:
		l.begun = bytes.HasPrefix(p, []byte("BEGIN"))
		return len(p), nil
	case !l.sent:
		l.sent = true
		first := append([]byte("\x00AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"), p...)
		n, err := l.Conn.Write(first)
		return max(0, n-(len(first)-len(p))), err
	}
	return l.Conn.Write(p)
}

func (l *eagerLink) Read(p []byte) (int, error) {
	if l.canned.Len() > 0 {
		return l.canned.Read(p)
	}
	for !l.greeted {
		line, err := l.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		switch word, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" ")); string(word) {
		case "DATA":
		case "OK":
			l.greeted = true
		default:
			l.rejected.Store(true)
			return 0, io.EOF
		}
	}
	return l.in.Read(p)
}
