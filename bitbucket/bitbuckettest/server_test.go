package bitbuckettest_test

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/secret"
)

func setup(env *testscript.Env) error {
	_, err := bitbuckettest.Setup(env)
	return err
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"bitbucket": bitbuckettest.Script},
	})
}

// failing is a test that may fail, to see that a script does.
type failing struct{ *testing.T }

type failed string

func (f failing) Fatal(args ...any)                       { panic(failed(fmt.Sprint(args...))) }
func (f failing) FailNow()                                { panic(failed("")) }
func (f failing) Parallel()                               {}
func (f failing) Verbose() bool                           { return false }
func (f failing) Log(...any)                              {}
func (f failing) Run(_ string, script func(testscript.T)) { script(f) }

func TestScriptsFail(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"bitbucket expect 1 rejected", "! bitbucket expect 0 rejected", "bitbucket export X nobody", "bitbucket text nobody"} {
		t.Run(line, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "script.txtar")
			if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if _, ok := recover().(failed); !ok {
					t.Error("the script passed")
				}
			}()
			testscript.RunT(failing{t}, testscript.Params{
				Files: []string{file},
				Setup: setup,
				Cmds:  map[string]func(*testscript.TestScript, bool, []string){"bitbucket": bitbuckettest.Script},
			})
		})
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make  func(string) string
		shape string
	}{
		"api":    {bitbuckettest.APIToken, `^ATATT3xFfGF0[A-Za-z0-9_-]{171}=[0-9A-F]{8}$`},
		"access": {bitbuckettest.AccessToken, `^ATCTT3xFfGN0[A-Za-z0-9_-]{171}=[0-9A-F]{8}$`},
		"app":    {bitbuckettest.AppPassword, `^ATBB[A-Za-z0-9]{24}[0-9A-F]{8}$`},
		"oauth":  {bitbuckettest.OAuthToken, `^eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`},
	} {
		text := c.make("alice")
		if !regexp.MustCompile(c.shape).MatchString(text) {
			t.Errorf("%s: %s", name, text)
		}
		if text != c.make("alice") || text == c.make("bob") {
			t.Errorf("%s: the text is not the seed's own", name)
		}
		if name == "oauth" {
			if len(text) != 2200 {
				t.Errorf("oauth: %d characters", len(text))
			}
			continue
		}
		rest, sum := text[:len(text)-8], text[len(text)-8:]
		if want := fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(rest))); sum != want {
			t.Errorf("%s: checksum %s, want %s", name, sum, want)
		}
	}
}

func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice", "token space kind=workspace")
	alice, space, stranger := query(t, s, "text alice"), query(t, s, "text space"), bitbuckettest.APIToken("stranger")
	get(t, s, readPath, bitbuckettest.UsernameAPI, alice)
	get(t, s, readPath, alice, "x")
	get(t, s, readPath, bitbuckettest.UsernameAPI, stranger)
	get(t, s, userPath, "", space)
	get(t, s, readPath+"&access_token="+space, "", "")

	text := query(t, s, "log")
	for name, token := range map[string]string{"alice": alice, "space": space, "stranger": stranger} {
		if strings.Contains(text, token) || strings.Contains(fmt.Sprintf("%+v", s.Log()), token) {
			t.Errorf("the log holds the token of %s", name)
		}
	}
	want := fmt.Sprintf(`https bitbucket.org GET /acme/app.git/info/refs?service=git-upload-pack 200 user=x-bitbucket-api-token-auth token=alice
https bitbucket.org GET /acme/app.git/info/refs?service=git-upload-pack 401 user=[secret] token=unknown:%s
https bitbucket.org GET /acme/app.git/info/refs?service=git-upload-pack 401 user=x-bitbucket-api-token-auth token=unknown:%s
https api.bitbucket.org GET /2.0/user 200 user=- token=space
https bitbucket.org GET /acme/app.git/info/refs?service=git-upload-pack 401 user=- token=-`,
		secret.New("x").Fingerprint(), secret.New(stranger).Fingerprint())
	if text != want {
		t.Errorf("log:\n%s\nwant:\n%s", text, want)
	}
	if s.Rejected() != 2 {
		t.Errorf("rejected: %d", s.Rejected())
	}
}

func TestCommandsThatAreWrong(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice")
	for _, line := range []string{
		"", "repo", "repo acme", "repo ../up", "repo acme/app", "repo acme/x.git", "repo acme/new private", "commit acme/none a b",
		"token", "token x kind=y", "token x colour=red", "token x expires=soon", "token x text=" + query(t, s, "text alice"),
		"revoke", "revoke x", "expire x", "fault", "fault x", "fault 401 times=x", "fault 401 at=x", "fault 401 requests=x",
		"fault redirect", "fault slow", "expect", "expect x", "expect 1 status=200", "expect 1+ rejected", "expect 0 colour=red", "nonsense x",
	} {
		if err := s.Command(strings.Fields(line)...); err == nil {
			t.Errorf("%q is taken for a command", line)
		}
	}
	for _, line := range []string{"", "text", "text x", "head acme/none", "cat acme/app none", "count colour=red", "nonsense"} {
		if out, err := s.Query(strings.Fields(line)...); err == nil {
			t.Errorf("%q is answered: %s", line, out)
		}
	}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	env := map[string]string{}
	for _, line := range s.Env() {
		name, value, _ := strings.Cut(line, "=")
		env[name] = value
	}
	if env["HTTPS_PROXY"] != s.ProxyURL() || env["SSL_CERT_FILE"] != s.CAFile() || env["NO_PROXY"] != "" {
		t.Errorf("%q", env)
	}
	if u, err := url.Parse(s.ProxyURL()); err != nil || u.Hostname() != "127.0.0.1" {
		t.Errorf("proxy %s: %v", s.ProxyURL(), err)
	}
}

// Everything at once, for the race detector.
func TestSwitchingInMidRun(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app public", "token alice")
	alice := query(t, s, "text alice")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 5 {
				req, _ := http.NewRequest(http.MethodGet, readPath, nil)
				req.SetBasicAuth(bitbuckettest.UsernameAPI, alice)
				res, err := s.Client().Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
			}
		})
	}
	for range 20 {
		commands(t, s, "fault stray401 times=1", "token bob", "revoke bob", "fault none")
	}
	all.Wait()
	commands(t, s, "expect 20 token=alice")
}
