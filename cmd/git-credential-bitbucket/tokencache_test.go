package main

import (
	"errors"
	"testing"
	"time"
)

func TestCacheLife(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "0s": 0, "1s": time.Second, "10m": 10 * time.Minute, "60m": time.Hour, "1h": time.Hour,
		"10": -1, "-1m": -1, "61m": -1, "500ms": -1, "soon": -1, "1d": -1,
	} {
		p := inside(t, map[string]string{cacheVariable: text})
		got, err := p.cacheLife(nil)
		var known *sourceError
		if want < 0 && !errors.As(err, &known) || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
		other := "7m"
		if got, err := p.cacheLife(&other); got != 7*time.Minute || err != nil {
			t.Errorf("%q does not give way to the flag: %s, %v", text, got, err)
		}
	}
}

// What makes another token likely makes another key, and nothing else does.
func TestCacheKey(t *testing.T) {
	base := cacheKey(time.Minute, "vault kv get x", "here", "/home/a", []string{"VAULT_ADDR=https://a", "TERM=x"})
	for _, same := range [][]string{{"TERM=y", "VAULT_ADDR=https://a", "PWD=/"}, {"VAULT_ADDR=https://a", "CREDENTIALS=1"}} {
		if cacheKey(time.Minute, "vault kv get x", "here", "/home/a", same) != base {
			t.Errorf("%q is told from the first", same)
		}
	}
	env := []string{"VAULT_ADDR=https://a"}
	seen := map[string]bool{base: true}
	for _, other := range []string{
		cacheKey(time.Minute, "vault kv get y", "here", "/home/a", env), cacheKey(time.Minute, "vault kv get x", "here", "/home/b", env), cacheKey(time.Minute, "vault kv get x", "here", "/home/a", nil),
		cacheKey(time.Minute, "vault kv get x", "here", "/home/a", []string{"VAULT_ADDR=https://b"}), cacheKey(time.Minute, "vault kv get x", "here", "/home/a", append(env, "AWS_PROFILE=b")),
		cacheKey(time.Minute, "", "here", "/home/avault kv get x", env), cacheKey(time.Minute, "vault kv get x", "here", "/home/a", append(env, "CREDENTIALS_DIRECTORY=/run")),
		cacheKey(time.Minute, "vault kv get x", "here", "/home/a", append(env, "XDG_CONFIG_HOME=/b")), cacheKey(time.Minute, "vault kv get x", "here", "/home/a", append(env, "GNUPGHOME=/b")),
		cacheKey(time.Minute, "vault kv get x", "there", "/home/a", env), cacheKey(time.Hour, "vault kv get x", "here", "/home/a", env),
		cacheKey(time.Minute, "vault kv get $TEAM", "here", "/home/a", append(env, "TEAM=a")), cacheKey(time.Minute, "vault kv get $TEAM", "here", "/home/a", append(env, "TEAM=b")),
		cacheKey(time.Minute, "vault kv get ${TEAM:-x}", "here", "/home/a", append(env, "TEAM=a")), cacheKey(time.Minute, "vault kv get ${TEAM:-x}", "here", "/home/a", append(env, "TEAM=b")),
	} {
		if seen[other] || len(other) != 32 {
			t.Errorf("%s twice", other)
		}
		seen[other] = true
	}
}

func TestCacheInLine(t *testing.T) {
	for flags, want := range map[string]string{
		`--token-command "vault kv get x" --token-command-cache 10m`: "10m",
		`--token-command-cache=5m --token-command 'a b'`:             "5m",
		`--token-command "--token-command-cach"`:                     "",
	} {
		found := cacheInLine.FindStringSubmatch(flags)
		if (want == "") != (found == nil) || found != nil && found[1] != want {
			t.Errorf("%s: %q", flags, found)
		}
	}
}
