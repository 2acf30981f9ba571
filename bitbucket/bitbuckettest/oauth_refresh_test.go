package bitbuckettest_test

import (
	"fmt"
	"sync"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

func TestRotation(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "consumer ci answer=grant")
	alive := func(want string) {
		t.Helper()
		if got := query(t, s, "alive-refresh ci"); got != want {
			t.Errorf("alive: %s, want %s", got, want)
		}
	}
	works := func(token string) granted {
		t.Helper()
		got := refresh(t, s, token)
		if got.status != 200 || got.Refresh == "" || got.Refresh == token {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return got
	}
	dead := func(token string) {
		t.Helper()
		if got := refresh(t, s, token); got.status != 400 || got.body != clientInvalid {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	first := login(t, s).Refresh
	alive("1")
	second := works(first).Refresh
	alive("2")
	commands(t, s, "clock +9m")
	if again := works(first).Refresh; again == second {
		t.Error("the same token twice")
	}
	commands(t, s, "clock +1m")
	alive("2")
	dead(first)
	third := works(second).Refresh
	dead(first)
	third = works(third).Refresh

	// Twice in a row is once too often, for everything that the client asks.
	dead(first)
	dead(first)
	dead(third)
	if got := ask(t, s, basic(t, s, "ci"), "grant_type=client_credentials"); got.body != clientInvalid {
		t.Errorf("while locked out: %s", got.body)
	}
	commands(t, s, "clock +2m")
	dead(third)
	commands(t, s, "clock +1m")
	third = works(third).Refresh
	commands(t, s, "clock +2159h59m")
	third = works(third).Refresh
	commands(t, s, "clock +2160h")
	alive("0")
	dead(third)

	commands(t, s, "consumer ci answer=grant window=0 lock=0")
	first = login(t, s).Refresh
	second = works(first).Refresh
	alive("1")
	for range 3 {
		dead(first)
	}
	works(second)
}

// 64 clients with one refresh token: it is rotated once, and all whom the window lets in have a pair of their own.
func TestManyRefreshAtOnce(t *testing.T) {
	t.Parallel()
	for window, want := range map[string]int{"10m": 64, "0": 1} {
		t.Run(window, func(t *testing.T) {
			t.Parallel()
			s := bitbuckettest.New(t)
			commands(t, s, "consumer ci answer=grant lock=0 format=opaque window="+window)
			token, ci := login(t, s).Refresh, basic(t, s, "ci")
			commands(t, s, "reset")
			var mu sync.Mutex
			pairs := map[string]bool{}
			var all sync.WaitGroup
			for range 64 {
				all.Go(func() {
					got, err := tryAsk(s, ci, "grant_type=refresh_token&refresh_token="+token)
					if err != nil || got.status != 200 && got.body != clientInvalid {
						t.Error(err, got.status, got.body)
					}
					if got.status == 200 {
						mu.Lock()
						defer mu.Unlock()
						pairs[got.Access+got.Refresh] = true
					}
				})
			}
			all.Wait()
			if len(pairs) != want {
				t.Errorf("%d pairs, want %d", len(pairs), want)
			}
			commands(t, s, "expect 64 grant=refresh_token method=POST path="+bitbuckettest.TokenPath,
				fmt.Sprintf("expect %d grant=refresh_token status=200", want))
		})
	}
}
