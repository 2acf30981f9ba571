//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// Wherever a get is killed while it renews, the next one gets a token that lives, by the
// refresh token that was written down or, within its ten minutes, the one before; and so
// does the one after that, when those are over.

// A renewing is a kit whose account has an access token that is due at each get.
type renewing struct {
	*kit
	server *bitbuckettest.Server
}

func newRenewing(t *testing.T, program, window string) *renewing {
	t.Helper()
	server := bitbuckettest.New(t)
	for _, line := range []string{"consumer ci expires=1m lock=0 window=" + window, "fault late delay=10ms"} {
		if err := server.Command(strings.Fields(line)...); err != nil {
			t.Fatal(err)
		}
	}
	// There is no git on this PATH: the program must start no other.
	env := append(server.Env(), "DBUS_SESSION_BUS_ADDRESS=disabled:", "PATH="+t.TempDir())
	return &renewing{newKit(t, program, newHome(t), "work", store.BackendFile, env...), server}
}

// login keeps a new grant, as a login does, in a home of its own, and returns its tokens.
func (r *renewing) login() testGrant {
	r.Helper()
	r.kit = r.in(newHome(r.T))
	g, err := loggedIn(r.server, r.account, "ci", store.GrantCode)
	if err != nil {
		r.Fatal(err)
	}
	p := &process{stderr: os.Stderr, now: time.Now, wait: wait, lookup: func(name string) (value string, set bool) {
		for _, line := range r.env {
			if found, ok := strings.CutPrefix(line, name+"="); ok {
				value, set = found, true
			}
		}
		return value, set
	}}
	a, state := store.Account{Name: g.Account, Backend: r.backend}, oauthState{Grant: g.Grant, Consumer: bitbucket.Consumer{ID: g.Consumer.Key, Secret: secret.New(g.Consumer.Secret)}}
	_, err = p.keepGrant(r.Context(), a, state, bitbucket.Grant{Access: secret.New(g.Access), Refresh: secret.New(g.Refresh), Expires: time.Now().Add(time.Minute)})
	if err != nil {
		r.Fatal(err)
	}
	r.due()
	return g
}

const onAcme = onBitbucket + "path=acme/app.git\n"

// due makes the account's access token one whose time is over, by its record.
func (r *renewing) due() {
	r.Helper()
	err := store.OpenAccounts(r.records()).Update(func(book *store.Book) error {
		book.Account(r.account).Expires = time.Now()
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}

// lives fails unless git gets a token now that Bitbucket takes.
func (r *renewing) lives(when string) {
	r.Helper()
	r.due()
	out, status := r.run(onAcme, "get")
	_, rest, _ := strings.Cut(out, "password=")
	token, _, _ := strings.Cut(rest, "\n")
	if status != 0 || token == "" {
		said, _, _ := strings.Cut(out, "username=")
		r.Fatalf("%s: exit status %d, %s", when, status, said)
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://"+bitbucket.RESTHost+"/2.0/user", nil)
	if err != nil {
		r.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := r.server.Client().Do(request)
	if err != nil {
		r.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		r.Fatalf("%s: git got a token that is answered %d", when, answer.StatusCode)
	}
}

// works fails unless a refresh token works, and git gets a token.
func (r *renewing) works(when string) {
	r.Helper()
	if alive, err := r.server.RefreshTokensAlive("ci"); err != nil || alive == 0 {
		r.Fatalf("%s: no refresh token works, %v", when, err)
	}
	r.lives(when)
}

// later lets the time pass in which a former refresh token works.
func (r *renewing) later() {
	r.Helper()
	if err := r.server.Command("clock", "+11m"); err != nil {
		r.Fatal(err)
	}
}

// written reports whether the last refresh token that Bitbucket gave is written down.
func (r *renewing) written() bool {
	r.Helper()
	state, err := decodeState(secret.New(r.holds("#oauth")))
	last, err2 := r.server.RefreshToken("ci")
	if err != nil || err2 != nil {
		r.Fatal(err, err2)
	}
	return state.Refresh.Reveal() == last
}

func TestKilledRenewal(t *testing.T) {
	t.Parallel()
	require.Tool(t, "go")
	program := buildProgram(t)
	t.Run("at each change", func(t *testing.T) {
		t.Parallel()
		r := newRenewing(t, program, "10m")
		for n := 1; ; n++ {
			given := r.login()
			killer := killer{number: n, counts: func(string) bool { return true }}
			at, status, err := killer.kill(r.command(onAcme, "get"))
			if err != nil || at == "" && status != 0 {
				t.Fatalf("unharmed it ends with %d, %v", status, err)
			}
			if at == "" {
				if t.Logf("killed at %d changes", n-1); n < 25 {
					t.Error("fewer changes than there are")
				}
				break
			}
			when := fmt.Sprintf("killed at change %d, %s", n, at)
			switch {
			case r.written():
				r.later()
			case r.holds("") != given.Access || r.recorded(store.OpenAccounts(r.records())).Fingerprint != secret.New(given.Access).Fingerprint():
				t.Fatalf("%s: the access token was kept before the refresh token was", when)
			}
			r.works(when)
			r.later()
			r.works(when + ", and later")
		}
	})
	t.Run("at any time", func(t *testing.T) {
		t.Parallel()
		r := newRenewing(t, program, "10m")
		r.login()
		begun := time.Now()
		r.lives("unharmed")
		longest := time.Since(begun)
		dead := 0
		for n := range 100 {
			r.due()
			cmd := r.command(onAcme, "get")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(rand.N(longest))
			_ = cmd.Process.Kill()
			if err := cmd.Wait(); err != nil {
				dead++
			}
			r.works(fmt.Sprintf("round %d", n))
			r.later()
		}
		if t.Logf("killed in %d of 100 rounds, each within %s", dead, longest); dead < 50 {
			t.Error("most had come to their end before")
		}
	})
	// Who types Ctrl-C while git waits for us loses nothing even where no former refresh
	// token works.
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		r := newRenewing(t, program, "0")
		r.login()
		for n := range 20 {
			cmd := r.command(onAcme, "get")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(n) * 3 * time.Millisecond)
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
			if !r.written() {
				t.Fatalf("interrupted after %d ms: the refresh token is lost", 3*n)
			}
		}
	})
}
