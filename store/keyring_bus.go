//go:build unix && !darwin

package store

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"

	"github.com/godbus/dbus/v5"
)

// A busConn is a connection whose handshake may still be under way.
type busConn struct {
	*dbus.Conn
	rejected atomic.Bool // by the bus, which godbus then calls closed
}

// dialBus connects to the session bus at address and introduces us, without waiting
// for the bus's answer to that: calls may follow at once. It never looks for a bus
// elsewhere and never starts one, as godbus's SessionBus does (godbus/dbus#268).
func dialBus(ctx context.Context, address string) (*busConn, error) {
	switch {
	case address == "":
		return nil, because(ErrAbsent, "no session bus")
	case strings.HasPrefix(address, "autolaunch:"), strings.HasPrefix(address, "disabled:"):
		return nil, because(ErrAbsent, "the session bus is "+address)
	}
	conn, err := connectBus(ctx, address)
	if err != nil {
		return nil, err
	}
	conn.BusObject().GoWithContext(ctx, "org.freedesktop.DBus.Hello", 0, nil)
	return conn, nil
}

// failed says what the failure of a call on the connection means.
func (c *busConn) failed(err error) error {
	if err != nil && c.rejected.Load() {
		return because(ErrRefused, "the session bus does not let this user in")
	}
	return busError(err)
}

// dialSlowly is godbus's own dial and authentication: five round trips.
func dialSlowly(ctx context.Context, address string) (*busConn, error) {
	conn, err := dbus.Dial(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, busError(err)
	}
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal("")}); err != nil {
		_ = conn.Close()
		return nil, busError(err)
	}
	return &busConn{Conn: conn}, nil
}

// busErrors are the D-Bus errors that have a meaning of ours. The service's own are
// those of the Secret Service specification, section "Errors".
var busErrors = map[string]error{
	"org.freedesktop.Secret.Error.IsLocked":       ErrLocked,
	"org.freedesktop.Secret.Error.NoSuchObject":   ErrNotFound,
	"org.freedesktop.DBus.Error.ServiceUnknown":   ErrAbsent,
	"org.freedesktop.DBus.Error.NameHasNoOwner":   ErrAbsent,
	"org.freedesktop.DBus.Error.UnknownInterface": ErrAbsent,
	"org.freedesktop.DBus.Error.UnknownMethod":    ErrAbsent,
	"org.freedesktop.DBus.Error.UnknownObject":    ErrAbsent,
	"org.freedesktop.DBus.Error.NoReply":          ErrAbsent,
	"org.freedesktop.DBus.Error.AccessDenied":     ErrRefused,
	"org.freedesktop.DBus.Error.AuthFailed":       ErrRefused,
	"org.freedesktop.DBus.Error.TimedOut":         ErrTimeout,
}

// busError says in the package's errors what went wrong on the way to the service.
func busError(err error) error {
	var answer dbus.Error
	var network *net.OpError
	switch {
	case err == nil, errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &answer):
		if kind := busErrors[answer.Name]; kind != nil {
			return because(kind, err)
		}
		if strings.HasPrefix(answer.Name, "org.freedesktop.DBus.Error.Spawn.") {
			return because(ErrAbsent, err)
		}
	case errors.Is(err, os.ErrPermission):
		return because(ErrRefused, err)
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, dbus.ErrClosed):
		return because(ErrAbsent, err)
	}
	return err
}
