package main

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/internal/require"
)

// A real browser completes what a person would have it do, from the address that login
// opens to the page at 127.0.0.1.
func TestLoginWithChromium(t *testing.T) {
	t.Parallel()
	require.Tool(t, "chromium")
	for _, c := range []struct{ grant, answer, page, says string }{
		{"code", bitbuckettest.AnswerGrant, "Bitbucket granted access to git-credential-bitbucket. You can close this page.", "bitbucket: logged in: "},
		{"implicit", bitbuckettest.AnswerGrant, "Bitbucket granted access to git-credential-bitbucket. You can close this page.", "bitbucket: logged in: "},
		{"implicit", bitbuckettest.AnswerDeny, "The login failed: bitbucket.org refuses: access_denied: The resource owner denied the request. You can close this page.", "bitbucket: error: Bitbucket gave no token: access_denied "},
	} {
		t.Run(c.grant+" "+c.answer, func(t *testing.T) {
			m := newMember(t, "DISPLAY=:7")
			m.tells("oauth", c.answer, "ci")
			m.opensWithChromium()
			s := m.logsIn("--grant", c.grant)
			s.answers(keyPrompt, m.consumer.Key)
			if c.grant == "code" {
				s.answers(secretPrompt, m.consumer.Secret)
			}
			s.sees("  the page is being opened in your browser\n")
			s.sees(c.says)
			status := exitDone
			if c.answer == bitbuckettest.AnswerDeny {
				status = exitFailed
			}
			s.ends(status)
			page := m.seesPage()
			if opened := m.read("opened"); !strings.HasPrefix(opened, "http://127.0.0.1:"+m.port+"/start/") {
				t.Errorf("it opened %s", opened)
			}
			if !strings.Contains(page, c.page) {
				t.Errorf("the page:\n%s", page)
			}
			if status != exitDone {
				return
			}
			token := m.granted("ci/1")
			s.hides(token)
			if strings.Contains(page, token[:20]) || m.stored() != token {
				t.Error("the token is on the page, or is not what git gets")
			}
		})
	}
}

// opensWithChromium makes chromium, without a screen, the member's browser. It trusts the
// test Bitbucket's certificate, and leaves the page at which it ends in a file.
func (m *member) opensWithChromium() {
	m.t.Helper()
	response, err := m.server.Client().Get("https://bitbucket.org/")
	if err != nil {
		m.t.Fatal(err)
	}
	_ = response.Body.Close()
	m.write(filepath.Join(m.home, "chromium"), "#!/bin/sh\necho \"$1\" >"+filepath.Join(m.home, "opened")+"\n"+strings.Join([]string{
		"chromium --headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-breakpad",
		"--user-data-dir=" + filepath.Join(m.home, "profile"), "--proxy-server=" + m.server.ProxyURL(),
		"--ignore-certificate-errors-spki-list=" + publicKey(response), "--virtual-time-budget=20000",
		`--dump-dom "$1" >` + filepath.Join(m.home, "dom.new") + " 2>" + filepath.Join(m.home, "chromium.log"),
	}, " ")+"\nmv "+filepath.Join(m.home, "dom.new")+" "+filepath.Join(m.home, "dom")+"\n")
	if err := os.Chmod(filepath.Join(m.home, "chromium"), 0o700); err != nil {
		m.t.Fatal(err)
	}
	m.env = append(m.env, "BROWSER="+filepath.Join(m.home, "chromium"))
}

// publicKey names the certificate's key as chromium does.
func publicKey(response *http.Response) string {
	sum := sha256.Sum256(response.TLS.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// seesPage is the page at which chromium ended, as it has.
func (m *member) seesPage() string {
	m.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(m.home, "dom")); err == nil {
			return string(text)
		}
	}
	m.t.Fatalf("chromium showed no page:\n%s", m.read("chromium.log"))
	return ""
}
