package bitbucket

import (
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store/secret"
)

const authorize = "https://bitbucket.org/site/oauth2/authorize?state=S"

func TestCallbackStart(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{Start: authorize})
	root := strings.TrimSuffix(c.URL(), "/callback")
	name := strings.TrimPrefix(c.StartURL(), root+"/start/")
	if len(name) < 26 || strings.Contains(name, "/") || name == strings.TrimPrefix(await(t, Listening{Start: authorize}).StartURL(), root+"/start/") {
		t.Fatal(c.StartURL())
	}
	for what, try := range map[string]struct {
		method, address string
		headers         []string
		want            int
	}{
		"HEAD":                 {"HEAD", c.StartURL(), nil, 405},
		"POST":                 {"POST", c.StartURL(), nil, 405},
		"a part of a page":     {"GET", c.StartURL(), []string{"Sec-Fetch-Mode", "no-cors"}, 403},
		"a script":             {"GET", c.StartURL(), []string{"Sec-Fetch-Mode", "cors"}, 403},
		"a prefetch":           {"GET", c.StartURL(), []string{"Sec-Fetch-Mode", "navigate", "Sec-Purpose", "prefetch;prerender"}, 403},
		"a preview":            {"GET", c.StartURL(), []string{"Purpose", "preview"}, 403},
		"another host":         {"GET", c.StartURL(), []string{"Host", "evil.example"}, 421},
		"another name":         {"GET", root + "/start/" + strings.Repeat("A", len(name)), nil, 404},
		"no name":              {"GET", root + "/start/", nil, 404},
		"a name in lower case": {"GET", strings.ToLower(c.StartURL()), nil, 404},
	} {
		status, page, header := knock(t, try.method, try.address, "", try.headers...)
		if status != try.want || header.Get("Location") != "" || strings.Contains(page, "authorize") {
			t.Errorf("%s: %d %s %s", what, status, header.Get("Location"), page)
		}
		waits(t, c)
	}
	own := c.foreign
	c.foreign = func(*http.Request) bool { return true }
	if status, _, header := knock(t, "GET", c.StartURL(), ""); status != 403 || header.Get("Location") != "" {
		t.Errorf("another user: %d", status)
	}
	c.foreign = own
	status, page, header := knock(t, "GET", c.StartURL(), "", "Sec-Fetch-Mode", "navigate")
	if status != http.StatusSeeOther || header.Get("Location") != authorize || header.Get("Cache-Control") != "no-store" || header.Get("Referrer-Policy") != "no-referrer" || strings.Contains(page, "state") {
		t.Errorf("%d %v %s", status, header, page)
	}
	waits(t, c)
	if status, _, _ := knock(t, "GET", c.URL()+"?state=S&code="+code, ""); status != 200 {
		t.Error(status)
	}
	if found, err := outcome(t, c); err != nil || !found.Code.Equal(secret.New(code)) {
		t.Errorf("%+v, %v", found, err)
	}
}

// Whoever is second cannot know who was first.
func TestCallbackStartedTwice(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{Start: authorize})
	knock(t, "GET", c.StartURL(), "")
	status, page, header := knock(t, "GET", c.StartURL(), "")
	if status != http.StatusGone || header.Get("Location") != "" || !strings.Contains(page, "somebody else on this machine") {
		t.Errorf("%d %v %s", status, header, page)
	}
	if _, err := outcome(t, c); !errors.Is(err, ErrStartedTwice) {
		t.Error(err)
	}
	if none := await(t, Listening{}); none.StartURL() != "" {
		t.Error(none.StartURL())
	}
}

// Who was first has used the state already, while the browser of who was meant starts.
func TestCallbackStartedTwiceDuringTheAnswer(t *testing.T) {
	t.Parallel()
	asked, proceed := make(chan bool), make(chan bool)
	c := await(t, Listening{Start: authorize, Answer: func(Redirected, error) string {
		asked <- true
		<-proceed
		return "all is well"
	}})
	knock(t, "GET", c.StartURL(), "")
	page := make(chan string)
	go func() {
		_, text, _ := knock(t, "GET", c.URL()+"?state=S&code="+code, "")
		page <- text
	}()
	<-asked
	knock(t, "GET", c.StartURL(), "")
	close(proceed)
	if text := <-page; strings.Contains(text, "all is well") {
		t.Error(text)
	}
	if _, err := outcome(t, c); !errors.Is(err, ErrStartedTwice) {
		t.Error(err)
	}
}

// However much comes that is no answer, the wait goes on, and the browser gets through.
func TestCallbackOfAFlood(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{})
	for range fewWrong + 3 {
		if status, _, _ := knock(t, "GET", c.URL()+"?state=s&code=x", ""); status != 400 {
			t.Fatal(status)
		}
	}
	for range 3 * mostConns {
		conn := must(net.Dial("tcp", c.host))
		defer conn.Close()
	}
	start := time.Now()
	knock(t, "GET", c.URL()+"?state=s&code=x", "")
	if took := time.Since(start); took < wrongPause || c.Refused() != fewWrong+4 {
		t.Errorf("%s, %d refused", took, c.Refused())
	}
	waits(t, c)
	if status, _, _ := knock(t, "GET", c.URL()+"?state=S&code="+code, ""); status != 200 {
		t.Error(status)
	}
	if _, err := outcome(t, c); err != nil {
		t.Error(err)
	}
}

// There are never more than mostConns, the oldest going first, but for the one that has an
// answer to come.
func TestCallbackGivesUpTheOldest(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan bool), make(chan bool)
	c := await(t, Listening{Answer: func(Redirected, error) string { asked <- true; <-answer; return "all is well" }})
	page := make(chan string)
	go func() {
		_, text, _ := knock(t, "GET", c.URL()+"?state=S&code="+code, "")
		page <- text
	}()
	<-asked
	first := must(net.Dial("tcp", c.host))
	defer first.Close()
	for range mostConns + 1 {
		defer must(net.Dial("tcp", c.host)).Close()
	}
	_ = first.SetReadDeadline(time.Now().Add(3 * time.Second)) // ReadHeaderTimeout is longer
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the oldest is still held: %v", err)
	}
	close(answer)
	if text := <-page; !strings.Contains(text, "all is well") {
		t.Error(text)
	}
}
