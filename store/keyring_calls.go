//go:build unix && !darwin

package store

import (
	"context"
	"errors"
	"slices"

	"github.com/godbus/dbus/v5"
	ss "github.com/zalando/go-keyring/secret_service"

	"git-credential-bitbucket/store/secret"
)

// A serviceBus is one connection's talk with the secret service, for one call of
// the backend, whose context it keeps.
type serviceBus struct {
	conn        *busConn
	ctx         context.Context
	person      bool
	collections []dbus.ObjectPath
}

// dialService connects to the bus and asks the service for its collections. That
// answer is waited for in every case: gnome-keyring 42 learns of a client on its first
// call, and now and then handles the call before that. Only to read a property it
// needs no client; OpenSession or SearchItems as the first call kill the daemon.
func dialService(ctx context.Context, address string, person bool) (*serviceBus, error) {
	conn, err := dialBus(ctx, address)
	if err != nil {
		return nil, err
	}
	b := &serviceBus{conn: conn, ctx: ctx, person: person}
	if err := b.property(ssPath, ssService, "Collections", &b.collections); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// close drops the connection, and with it the session.
func (b *serviceBus) close() { _ = b.conn.Close() }

// send begins a call. Only for a person the bus may start the service for it.
func (b *serviceBus) send(object dbus.ObjectPath, method string, arguments ...any) *dbus.Call {
	var flags dbus.Flags
	if !b.person {
		flags = dbus.FlagNoAutoStart
	}
	return b.conn.Object(ssName, object).GoWithContext(b.ctx, method, flags, nil, arguments...)
}

func (b *serviceBus) call(object dbus.ObjectPath, method string, arguments ...any) *dbus.Call {
	return <-b.send(object, method, arguments...).Done
}

func (b *serviceBus) property(object dbus.ObjectPath, of, name string, into any) error {
	return b.conn.failed(b.call(object, "org.freedesktop.DBus.Properties.Get", of, name).Store(into))
}

// openSession begins a session without encryption: whoever can read the bus's socket
// can ask for the secret as well.
func (b *serviceBus) openSession() *dbus.Call {
	return b.send(ssPath, ssService+".OpenSession", "plain", dbus.MakeVariant(""))
}

func sessionOf(call *dbus.Call) (session dbus.ObjectPath, err error) {
	var nothing dbus.Variant
	return session, busError((<-call.Done).Store(&nothing, &session))
}

// search begins a search in all collections; none is unlocked for it.
func (b *serviceBus) search(service, key string) *dbus.Call {
	return b.send(ssPath, ssService+".SearchItems", attributes(service, key))
}

func itemsOf(call *dbus.Call) (open, locked []dbus.ObjectPath, err error) {
	return open, locked, busError((<-call.Done).Store(&open, &locked))
}

func (b *serviceBus) value(item, session dbus.ObjectPath) (secret.Secret, error) {
	var value ss.Secret
	if err := b.call(item, ssItem+".GetSecret", session).Store(&value); err != nil {
		return secret.Secret{}, busError(err)
	}
	if len(value.Value) == 0 {
		return secret.Secret{}, because(ErrDamaged, "empty")
	}
	return secret.New(string(value.Value)), nil
}

// keyring is where new items go: the collection "login", or else the default one.
func (b *serviceBus) keyring() (dbus.ObjectPath, error) {
	if slices.Contains(b.collections, ssLogin) {
		return ssLogin, nil
	}
	var standard dbus.ObjectPath
	if err := b.call(ssPath, ssService+".ReadAlias", "default").Store(&standard); err != nil {
		return "", busError(err)
	}
	if standard == nowhere || standard == "" {
		return "", ErrNoKeyring
	}
	return standard, nil
}

// insist does what may find the object locked; then a person unlocks it, and it is
// done again.
func (b *serviceBus) insist(object dbus.ObjectPath, do func() error) error {
	err := do()
	if !b.person || !errors.Is(err, ErrLocked) {
		return err
	}
	if err := b.unlock(object); err != nil {
		return err
	}
	return do()
}

// unlock opens the keyring that an item or a collection belongs to, which takes a
// person's password unless it is open by now.
func (b *serviceBus) unlock(object dbus.ObjectPath) error {
	var unlocked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := b.call(ssPath, ssService+".Unlock", []dbus.ObjectPath{object}).Store(&unlocked, &prompt)
	if err != nil {
		return busError(err)
	}
	return b.answer(prompt)
}

// answer shows the prompt that the service wants answered, if any, and waits for the
// person. When that takes too long the dialog stays: answered later, it still unlocks
// the keyring for the next call.
func (b *serviceBus) answer(prompt dbus.ObjectPath) error {
	if prompt == nowhere {
		return nil
	}
	if !b.person {
		return ErrLocked
	}
	signals := make(chan *dbus.Signal, 8)
	b.conn.Signal(signals)
	err := b.conn.AddMatchSignalContext(b.ctx, dbus.WithMatchObjectPath(prompt),
		dbus.WithMatchInterface(ssPrompt), dbus.WithMatchMember("Completed"))
	if err != nil {
		return busError(err)
	}
	if err := b.call(prompt, ssPrompt+".Prompt", "").Err; err != nil {
		return busError(err)
	}
	for {
		select {
		case <-b.ctx.Done():
			return b.ctx.Err()
		case signal, alive := <-signals:
			if !alive {
				return because(ErrAbsent, "the session bus hung up")
			}
			if signal.Path != prompt || signal.Name != ssPrompt+".Completed" {
				continue
			}
			var dismissed bool
			var result dbus.Variant
			if err := dbus.Store(signal.Body, &dismissed, &result); err != nil {
				return err
			}
			if dismissed {
				return because(ErrRefused, "the dialog was cancelled")
			}
			return nil
		}
	}
}
