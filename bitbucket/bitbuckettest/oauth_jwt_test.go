package bitbuckettest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

func signed(header, claims, key string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestJWTGrant(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "consumer ci callback= appkey=my-app clientkey=ari:cloud/1 sharedsecret=hush", "consumer other")
	const header = `{"alg":"HS256","typ":"JWT"}`
	claims := func(iss, sub string, in time.Duration) string {
		return fmt.Sprintf(`{"iss":%q,"sub":%q,"exp":%d}`, iss, sub, time.Now().Add(in).Unix())
	}
	good := "JWT " + signed(header, claims("my-app", "ari:cloud/1", time.Minute), "hush")
	const form = "grant_type=urn:bitbucket:oauth2:jwt"
	got := ask(t, s, good, form)
	if got.status != 200 || got.Refresh != "" || got.Expires != 7200 || *got.Scope != "repository repository:write account" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := get(t, s, writePath, bitbuckettest.UsernameAccess, got.Access); got.status != 200 {
		t.Errorf("git: %d", got.status)
	}
	fewer := ask(t, s, good, form+"&scope=repository")
	if got := get(t, s, writePath, bitbuckettest.UsernameAccess, fewer.Access); *fewer.Scope != "repository" || got.status != 403 {
		t.Errorf("fewer scopes: %s, %d", *fewer.Scope, got.status)
	}
	if got := ask(t, s, good, form+"&scope=pipeline"); got.Error != "invalid_scope" {
		t.Errorf("more scopes: %s", got.body)
	}
	for name, authorization := range map[string]string{
		"key":     "JWT " + signed(header, claims("my-app", "ari:cloud/1", time.Minute), "other"),
		"iss":     "JWT " + signed(header, claims("app", "ari:cloud/1", time.Minute), "hush"),
		"sub":     "JWT " + signed(header, claims("my-app", "x", time.Minute), "hush"),
		"expired": "JWT " + signed(header, claims("my-app", "ari:cloud/1", -time.Second), "hush"),
		"long":    "JWT " + signed(header, claims("my-app", "ari:cloud/1", 2*time.Hour), "hush"),
		"no exp":  "JWT " + signed(header, `{"iss":"my-app","sub":"ari:cloud/1"}`, "hush"),
		"none":    "JWT " + signed(`{"alg":"none"}`, claims("my-app", "ari:cloud/1", time.Minute), "hush"),
		"parts":   "JWT " + strings.Replace(good, ".", "", 1)[len("JWT "):],
		"empty":   "JWT " + signed(header, claims("", "", time.Minute), ""),
	} {
		if got := ask(t, s, authorization, form); got.status != 400 || got.body != clientInvalid {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for name, authorization := range map[string]string{"bearer": "Bearer" + good[len("JWT"):], "lower": "jwt" + good[len("JWT"):], "basic": basic(t, s, "other"), "nobody": ""} {
		if got := ask(t, s, authorization, form); got.Text != bitbuckettest.TextClientMissing {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if got := ask(t, s, good, "grant_type=client_credentials"); got.Text != bitbuckettest.TextClientMissing {
		t.Errorf("another grant: %d %s", got.status, got.body)
	}
	commands(t, s, "expect 2 grant="+bitbuckettest.GrantJWT+" consumer=ci status=200")
}
