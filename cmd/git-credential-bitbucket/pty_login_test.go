//go:build !windows

package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

const (
	keyPrompt     = "Key of the consumer: "
	secretPrompt  = "Secret of the consumer (it is not shown): "
	addressPrompt = "Address (it is not shown): "
)

// A member is a person with an OAuth consumer at the test Bitbucket.
type member struct {
	*person
	server   *bitbuckettest.Server
	consumer bitbuckettest.Consumer
	port     string
}

func newMember(t *testing.T, env ...string) *member {
	t.Helper()
	server := bitbuckettest.New(t)
	m := &member{person: newPerson(t, server.GitConfig(), append(server.Env(), env...)...), server: server}
	var err error
	if m.port, err = anyPort(); err != nil {
		t.Fatal(err)
	}
	m.tells("consumer", "ci", "callback=http://127.0.0.1:"+m.port+"/callback", "owner=alice", "answer=grant")
	m.consumer, _ = server.Consumer("ci")
	return m
}

// tells the test Bitbucket something.
func (m *member) tells(command ...string) {
	m.t.Helper()
	if err := m.server.Command(command...); err != nil {
		m.t.Fatal(err)
	}
}

func (m *member) logsIn(args ...string) *screen {
	m.t.Helper()
	return m.runs(append([]string{"login", "--port", m.port}, args...)...)
}

// granted is the token of that name.
func (m *member) granted(name string) string {
	m.t.Helper()
	token, ok := m.server.Token(name)
	if !ok {
		m.t.Fatalf("no token %s was given", name)
	}
	return token.Text
}

var authorizeAddress = regexp.MustCompile(`https://bitbucket\.org/site/oauth2/authorize\?\S+`)

// redirect opens the address that the screen shows last, and is where the browser is sent.
func (m *member) redirect(s *screen) string {
	m.t.Helper()
	all := authorizeAddress.FindAllString(s.text(), -1)
	if len(all) == 0 {
		m.t.Fatalf("no address on the screen:\n%s", s.text())
	}
	response, err := m.server.Client().Get(all[len(all)-1])
	if err != nil {
		m.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.Header.Get("Location")
}

// Over SSH no browser is opened, and both ways are open.
func TestLoginOnATerminal(t *testing.T) {
	t.Parallel()
	m := newMember(t, "DISPLAY=:7", "BROWSER=touch", "SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22")
	s := m.logsIn()
	s.sees("Workspace settings → OAuth consumers → Add consumer\n  Callback URL: http://127.0.0.1:" + m.port + "/callback\n")
	s.answers(keyPrompt, "no key")
	s.sees("  that is no key\n")
	s.answers(keyPrompt, m.consumer.Key)
	s.answers(secretPrompt, "")
	s.sees("  that is no secret: ")
	s.answers(secretPrompt, m.consumer.Secret)
	s.sees("Open this address in a browser within 5 minutes and grant access there:\n\nhttps://bitbucket.org/site/oauth2/authorize?")
	s.sees("type there, and leave it open: ssh -L " + m.port + ":127.0.0.1:" + m.port + " HOST\n")
	s.sees(addressPrompt)
	landed := m.redirect(s)
	s.types("https://elsewhere.example/callback?code=x" + enter)
	s.sees("  that is not the address that Bitbucket sent the browser to: it begins with http://127.0.0.1:" + m.port + "/callback?\n")
	s.answers(addressPrompt, landed[:strings.Index(landed, "state=")]+"state=ANOTHER")
	s.sees("  that address belongs to another login: open the one above\n")
	s.answers(addressPrompt, authorizeAddress.FindString(s.text()))
	s.sees("  that is the address to open: paste the one at which the browser ends after you granted access, which begins with http://127.0.0.1:" + m.port + "/callback?\n")
	s.answers(addressPrompt, "")
	s.answers(addressPrompt, landed)
	s.sees("bitbucket: checked with Bitbucket: the token ")
	s.sees("bitbucket: logged in: stored the OAuth access token ")
	s.sees("; it lives until 14:00:00, and is renewed by itself, ")
	s.ends(exitDone)
	s.hides(m.consumer.Secret)
	code, _, _ := strings.Cut(landed[strings.Index(landed, "code="):], "&")
	s.hides(code)
	s.hides(m.granted("ci/1"))
	s.echoes()
	if strings.Contains(s.text(), "in your browser") {
		t.Error("a browser is spoken of over SSH")
	}
	if m.stored() != m.granted("ci/1") {
		t.Error("git gets another token than the one that was granted")
	}

	// The next time nothing is asked for, and the browser comes back by itself.
	s = m.logsIn()
	s.sees(addressPrompt)
	response, err := http.Get(m.redirect(s))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	s.sees("bitbucket: logged in: ")
	s.ends(exitDone)
	s.echoes()
	if strings.Contains(s.text(), keyPrompt) || strings.Contains(s.text(), secretPrompt) {
		t.Errorf("what is known is asked for:\n%s", s.text())
	}
	if m.stored() != m.granted("ci/2") {
		t.Error("git gets another token than the one that was granted")
	}
}

func TestLoginInterrupted(t *testing.T) {
	t.Parallel()
	m := newMember(t)
	for _, c := range []struct{ at, key string }{
		{keyPrompt, ctrlC}, {keyPrompt, ctrlD}, {secretPrompt, ctrlC}, {addressPrompt, ctrlC}, {addressPrompt, ctrlBackslash},
	} {
		s := m.logsIn()
		for _, q := range []struct{ prompt, answer string }{{keyPrompt, m.consumer.Key}, {secretPrompt, m.consumer.Secret}, {addressPrompt, ""}} {
			s.sees(q.prompt)
			if q.prompt == c.at {
				s.types(c.key)
				break
			}
			s.types(q.answer + enter)
		}
		s.sees("bitbucket: error: interrupted; nothing was changed\n")
		s.ends(exitInterrupted)
		s.echoes()
		s.hides(m.consumer.Secret)
	}
	if _, err := os.Stat(filepath.Join(m.home, "config")); err == nil {
		t.Error("something was kept")
	}
}

// What is pasted in place of the address is named, a few times.
func TestLoginPastes(t *testing.T) {
	t.Parallel()
	m := newMember(t, "BITBUCKET_OAUTH_CLIENT_SECRET=any")
	s := m.logsIn("--client-id", m.consumer.Key, "--no-browser", "--account", "work")
	begins := "begins with http://127.0.0.1:" + m.port + "/callback?\n"
	for _, c := range []struct{ pasted, says string }{
		{"Xk2jh7Pwq0aZ", "  that is no whole address, and a code alone does not do: paste all of it, which " + begins},
		{"http://127.0.0.1:" + m.port + "/callback?code=Xk2jh7Pwq0aZ", "  that address is not whole: it does not tell which login it answers (state=…); copy it again, to its end\n"},
		{"http://127.0.0.1:" + m.port + "/callback?error=access_denied&state=Xk2jh7Pwq0aZ", "  that address belongs to another login: open the one above\n"},
		{"git clone Xk2jh7Pwq0aZ\x1b[2J", "  that is not the address that Bitbucket sent the browser to: it " + begins},
		{"http://127.0.0.1:" + m.port + "/callback", "  that is not the address that Bitbucket sent the browser to: it " + begins},
	} {
		s.answers(addressPrompt, c.pasted)
		s.sees(c.says)
	}
	s.sees("bitbucket: error: none of these is the address to which Bitbucket sent the browser; type: git-credential-bitbucket login --account work --client-id " + m.consumer.Key + " --no-browser --port " + m.port + "\n")
	s.ends(exitFailed)
	s.hides("Xk2jh7Pwq0aZ")
	if strings.Contains(s.text(), "\x1b") {
		t.Errorf("what is pasted is shown:\n%q", s.text())
	}
}

// Whoever reads the browser's arguments and is first at the page learns the state, and
// gains nothing by it; nor by much that answers nothing.
func TestLoginStartedBySomebodyElse(t *testing.T) {
	t.Parallel()
	m := newMember(t, "DISPLAY=:7", "BROWSER=sh "+filepath.Join("opens"), "BITBUCKET_OAUTH_CLIENT_SECRET=any")
	m.write(filepath.Join(m.home, "opens"), "echo \"$1\" >told.new && mv told.new told\n")
	s := m.logsIn("--client-id", m.consumer.Key)
	s.sees(addressPrompt)
	for range 110 {
		response, err := http.Get("http://127.0.0.1:" + m.port + "/callback?state=x&code=y")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	s.answers(addressPrompt[:0], "Xk2jh7Pwq0aZ")
	s.sees("a code alone does not do")
	for !m.has("told") {
		time.Sleep(time.Millisecond)
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, want := range []int{http.StatusSeeOther, http.StatusGone} {
		response, err := stay.Get(strings.TrimSpace(m.read("told")))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if leads := strings.Contains(response.Header.Get("Location"), "state="); response.StatusCode != want || leads != (want == http.StatusSeeOther) {
			t.Errorf("%d, %s", response.StatusCode, response.Header.Get("Location"))
		}
	}
	s.sees("bitbucket: error: the page that starts this login was opened twice, perhaps by somebody else on this machine, so the login is ended; nothing was changed; type: git-credential-bitbucket login --client-id " + m.consumer.Key + " --port " + m.port + " --no-browser\n")
	s.ends(exitFailed)
	s.echoes()
}

// While the code is exchanged too, an interrupt ends it at once.
func TestLoginInterruptedAtTheExchange(t *testing.T) {
	t.Parallel()
	m := newMember(t, "BITBUCKET_OAUTH_CLIENT_SECRET=any")
	m.tells("fault", "hang", "at=token")
	s := m.logsIn("--client-id", m.consumer.Key)
	s.sees(addressPrompt)
	s.types(m.redirect(s) + enter)
	for start := time.Now(); len(m.server.Log()) < 2 && time.Since(start) < 5*time.Second; {
		time.Sleep(time.Millisecond)
	}
	start := time.Now()
	s.types(ctrlC)
	s.sees("bitbucket: error: interrupted; nothing was changed\n")
	s.ends(exitInterrupted)
	if took := time.Since(start); took > 3*time.Second {
		t.Error(took)
	}
}

// A refusal that is pasted ends it; so does one that comes from the browser.
func TestLoginDeniedOnATerminal(t *testing.T) {
	t.Parallel()
	m := newMember(t, containerVariable+"=1", "DISPLAY=:7", "BITBUCKET_OAUTH_CLIENT_SECRET=any")
	m.tells("oauth", "deny", "ci")
	for _, args := range [][]string{{"--client-id", m.consumer.Key}, {"--client-id", m.consumer.Key, "--grant", "implicit"}} {
		s := m.logsIn(args...)
		s.sees("  a browser outside of this container cannot come back to it: paste the address\n")
		s.sees(addressPrompt)
		s.types(m.redirect(s) + enter)
		s.sees("bitbucket: error: Bitbucket gave no token: access_denied (The resource owner denied the request.); to grant it after all, type: git-credential-bitbucket login")
		s.ends(exitFailed)
		s.echoes()
	}
}

// The browser gets the address of a page that leads to Bitbucket once, since others see
// its arguments, and none of our secrets.
func TestLoginOpensABrowser(t *testing.T) {
	t.Parallel()
	m := newMember(t, "DISPLAY=:7", "BITBUCKET_OAUTH_CLIENT_SECRET=any")
	told := filepath.Join(m.home, "told")
	browser := filepath.Join(m.home, "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\n{ echo \"$*\"; env; } >"+told+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.env = append(m.env, "BROWSER="+browser)
	const opened = "  the page is being opened in your browser\n"
	s := m.logsIn("--client-id", m.consumer.Key, "--no-browser")
	s.sees(addressPrompt)
	s.types(ctrlC)
	s.ends(exitInterrupted)
	if strings.Contains(s.text(), opened) || m.has("told") {
		t.Errorf("a browser is opened in spite of --no-browser:\n%s", s.text())
	}
	s = m.logsIn("--client-id", m.consumer.Key)
	s.sees("https://bitbucket.org/site/oauth2/authorize?")
	s.sees(opened)
	s.sees(addressPrompt)
	s.types(ctrlC)
	s.ends(exitInterrupted)
	if said := m.read("told"); !strings.HasPrefix(said, "http://127.0.0.1:"+m.port+"/start/") || strings.Contains(said, "state=") || strings.Contains(said, "CLIENT_SECRET") {
		t.Errorf("the browser got:\n%s", said)
	}
}
