//go:build unix && !darwin

package store

import (
	"context"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
	ss "github.com/zalando/go-keyring/secret_service"

	"git-credential-bitbucket/store/secret"
)

// Names of the Secret Service API, https://specifications.freedesktop.org/secret-service/
const (
	ssName       = "org.freedesktop.secrets"
	ssPath       = dbus.ObjectPath("/org/freedesktop/secrets")
	ssLogin      = ssPath + "/collection/login"
	ssService    = "org.freedesktop.Secret.Service"
	ssCollection = "org.freedesktop.Secret.Collection"
	ssItem       = "org.freedesktop.Secret.Item"
	ssPrompt     = "org.freedesktop.Secret.Prompt"
	nowhere      = dbus.ObjectPath("/") // the specification's "no object"
)

// secretService keeps secrets as items of the Secret Service: gnome-keyring, KWallet
// and KeePassXC offer it. zalando/go-keyring's own calls stay unused, for they go
// through a bus that it may start itself, take 13 round trips for a secret where here
// are three, and unlock before they know whether there is one.
type secretService struct {
	service string
	address string
	person  bool
	patience
}

func openKeyring(c Config) Backend {
	return &secretService{c.Service, c.BusAddress, c.Person, newPatience(BackendKeyring, c)}
}

func (s *secretService) Get(ctx context.Context, key string) (secret.Secret, error) {
	return await(ctx, s.patience, func(ctx context.Context) (secret.Secret, error) {
		bus, err := dialService(ctx, s.address, s.person)
		if err != nil {
			return secret.Secret{}, err
		}
		defer bus.close()
		session := bus.openSession()
		found := bus.search(s.service, key)
		path, err := sessionOf(session)
		if err != nil {
			return secret.Secret{}, err
		}
		open, locked, err := itemsOf(found)
		if err != nil {
			return secret.Secret{}, err
		}
		switch {
		case len(open) > 0:
			return bus.value(preferred(open), path)
		case len(locked) == 0:
			return secret.Secret{}, ErrNotFound
		case s.person:
			if err := bus.unlock(preferred(locked)); err != nil {
				return secret.Secret{}, err
			}
		}
		// KWallet calls items locked that it gives out; others answer that they are.
		return bus.value(preferred(locked), path)
	})
}

func (s *secretService) Set(ctx context.Context, key string, value secret.Secret) error {
	_, err := await(ctx, s.patience, func(ctx context.Context) (struct{}, error) {
		bus, err := dialService(ctx, s.address, s.person)
		if err != nil {
			return struct{}{}, err
		}
		defer bus.close()
		session := bus.openSession()
		keyring, err := bus.keyring()
		if err != nil {
			return struct{}{}, err
		}
		path, err := sessionOf(session)
		if err != nil {
			return struct{}{}, err
		}
		item := map[string]dbus.Variant{
			ssItem + ".Label":      dbus.MakeVariant("Bitbucket token for git (" + key + ")"),
			ssItem + ".Attributes": dbus.MakeVariant(attributes(s.service, key)),
		}
		return struct{}{}, bus.insist(keyring, func() error {
			var made, prompt dbus.ObjectPath
			const replace = true
			err := bus.call(keyring, ssCollection+".CreateItem", item, ss.NewSecret(path, value.Reveal()), replace).Store(&made, &prompt)
			if err != nil {
				return busError(err)
			}
			return bus.answer(prompt)
		})
	})
	return err
}

func (s *secretService) Delete(ctx context.Context, key string) error {
	_, err := await(ctx, s.patience, func(ctx context.Context) (struct{}, error) {
		bus, err := dialService(ctx, s.address, s.person)
		if err != nil {
			return struct{}{}, err
		}
		defer bus.close()
		open, locked, err := itemsOf(bus.search(s.service, key))
		if err != nil {
			return struct{}{}, err
		}
		items := append(open, locked...)
		if len(items) == 0 {
			return struct{}{}, ErrNotFound
		}
		for _, item := range items {
			err := bus.insist(item, func() error {
				var prompt dbus.ObjectPath
				if err := bus.call(item, ssItem+".Delete").Store(&prompt); err != nil {
					return busError(err)
				}
				return bus.answer(prompt)
			})
			if err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// attributes are those that zalando/go-keyring writes as well:
// secret-tool lookup service git-credential-bitbucket username default
func attributes(service, key string) map[string]string {
	return map[string]string{"service": service, "username": key}
}

// preferred is the item in the login keyring, where Set writes, or else the first.
func preferred(items []dbus.ObjectPath) dbus.ObjectPath {
	login := slices.IndexFunc(items, func(item dbus.ObjectPath) bool {
		return strings.HasPrefix(string(item), string(ssLogin)+"/")
	})
	return items[max(0, login)]
}

// probeKeyring tells within 300 ms whether a token could be stored now, or with a
// person's help. Only for a person it lets the bus start the service first.
func probeKeyring(ctx context.Context, c Config) error {
	quick := patience{backend: BackendKeyring, limit: probeLimit}
	probe := func(ctx context.Context) (struct{}, error) {
		bus, err := dialService(ctx, c.BusAddress, false)
		if err != nil {
			return struct{}{}, err
		}
		defer bus.close()
		keyring, err := bus.keyring()
		if err != nil {
			return struct{}{}, err
		}
		var locked bool
		if err := bus.property(keyring, ssCollection, "Locked", &locked); err != nil {
			return struct{}{}, err
		}
		if locked && !c.Person {
			return struct{}{}, ErrLocked
		}
		return struct{}{}, nil
	}
	_, err := await(ctx, quick, probe)
	if err == nil || !c.Person || !startable(ctx, c) {
		return err
	}
	_, err = await(ctx, quick, probe)
	return err
}

// startable has the bus start the secret service, where it can and none runs yet.
func startable(ctx context.Context, c Config) bool {
	p := patience{backend: BackendKeyring, limit: limitAlone}
	started, err := await(ctx, p, func(ctx context.Context) (bool, error) {
		conn, err := dialBus(ctx, c.BusAddress)
		if err != nil {
			return false, err
		}
		defer func() { _ = conn.Close() }()
		var outcome uint32
		const none, begun = uint32(0), uint32(1)
		err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, ssName, none).Store(&outcome)
		return outcome == begun, err
	})
	return err == nil && started
}
