package bitbucket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"git-credential-bitbucket/store/secret"
)

func await(t *testing.T, o Listening) *Callback {
	t.Helper()
	o.Path, o.State, o.Now = "/callback", "S", func() time.Time { return asked }
	c, err := Listen(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// knock sends one request; the headers are pairs, "Host" among them.
func knock(t *testing.T, method, address, body string, headers ...string) (status int, page string, header http.Header) {
	t.Helper()
	request, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Host = request.Header.Get("Host")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text), response.Header
}

// waits fails if the wait is over.
func waits(t *testing.T, c *Callback) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found, err := c.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v, %v", found, err)
	}
}

// outcome is what came, if it came.
func outcome(t *testing.T, c *Callback) (Redirected, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.Wait(ctx)
}

const code = "code-made-for-tests"

func TestCallback(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{})
	if !strings.HasPrefix(c.URL(), "http://127.0.0.1:") || !strings.HasSuffix(c.URL(), "/callback") {
		t.Error(c.URL())
	}
	status, page, header := knock(t, "GET", c.URL()+"?state=S&code="+code, "")
	if status != 200 || !strings.Contains(page, textDone) || strings.Contains(page, code) {
		t.Errorf("%d %s", status, page)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		if header.Get(name) != want {
			t.Errorf("%s: %s", name, header.Get(name))
		}
	}
	status, page, _ = knock(t, "GET", c.URL()+"?state=S&code=another-code", "")
	if status != http.StatusGone || !strings.Contains(page, textSecond) {
		t.Errorf("a second one: %d %s", status, page)
	}
	for range 2 {
		if found, err := outcome(t, c); err != nil || !found.Code.Equal(secret.New(code)) {
			t.Errorf("%+v, %v", found, err)
		}
	}
	c.Close()
	if status, _, _ := knock(t, "GET", c.URL(), ""); status != 0 {
		t.Errorf("it still listens: %d", status)
	}
	if found, err := outcome(t, c); err != nil || !found.Code.Equal(secret.New(code)) {
		t.Errorf("after Close: %+v, %v", found, err)
	}
}

func TestCallbackOfAnError(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{})
	status, page, _ := knock(t, "GET", c.URL()+"?state=S&error=access_denied&error_description=%3Cscript%3Edenied%3C/script%3E", "")
	if status != 400 || !strings.Contains(page, "access_denied: &lt;script&gt;denied&lt;/script&gt;") || strings.Contains(page, "<script") {
		t.Errorf("%d %s", status, page)
	}
	if _, err := outcome(t, c); kindOfError(err) != "oauth access_denied <script>denied</script>" {
		t.Error(err)
	}
}

func TestCallbackAnswer(t *testing.T) {
	t.Parallel()
	var calls []string
	c := await(t, Listening{Answer: func(found Redirected, err error) string {
		calls = append(calls, fmt.Sprint(found.Code.Equal(secret.New(code)), err))
		return "all <is> well"
	}})
	var together sync.WaitGroup
	for range 8 {
		together.Go(func() {
			if status, page, _ := knock(t, "GET", c.URL()+"?state=S&code="+code, ""); status == 200 && !strings.Contains(page, "<p>all &lt;is&gt; well</p>") {
				t.Error(page)
			}
		})
	}
	together.Wait()
	if _, err := outcome(t, c); err != nil || len(calls) != 1 || calls[0] != "true <nil>" {
		t.Error(calls, err)
	}
}

// What another program, another page or the browser itself sends does not end the wait.
func TestCallbackStrangers(t *testing.T) {
	t.Parallel()
	for _, implicit := range []bool{false, true} {
		c := await(t, Listening{Implicit: implicit})
		own := []string{"Origin", strings.TrimSuffix(c.URL(), "/callback"), "Content-Type", formType}
		root := own[1]
		good, form := "?state=S&code="+code, "state=S&access_token="+code
		methods := map[bool]int{false: 405, true: 403}[implicit] // of POST without an Origin
		for _, c2 := range []struct {
			name, method, address, body string
			headers                     []string
			want                        int
		}{
			{"another state", "GET", c.URL() + "?state=s&code=" + code, "", nil, 400},
			{"no state", "GET", c.URL() + "?code=" + code, "", nil, 400},
			{"an error of no state", "GET", c.URL() + "?error=access_denied", "", nil, 400},
			{"a state alone", "GET", c.URL() + "?state=S", "", nil, 400},
			{"a token in the query", "GET", c.URL() + "?" + form, "", nil, 400},
			{"favicon", "GET", root + "/favicon.ico", "", nil, 404},
			{"root", "GET", root + "/" + good, "", nil, 404},
			{"below", "GET", c.URL() + "/x" + good, "", nil, 404},
			{"escaped", "GET", root + "/%63allback" + good, "", nil, 404},
			{"a host made to lead here", "GET", c.URL() + good, "", []string{"Host", "evil.example"}, 421},
			{"with our port", "GET", c.URL() + good, "", []string{"Host", strings.Replace(c.host, "127.0.0.1", "localhost", 1)}, 421},
			{"without a port", "GET", c.URL() + good, "", []string{"Host", "127.0.0.1"}, 421},
			{"HEAD", "HEAD", c.URL() + good, "", nil, 405},
			{"PUT", "PUT", c.URL() + good, "", nil, 405},
			{"OPTIONS", "OPTIONS", c.URL() + good, "", own, 405},
			{"POST", "POST", c.URL() + good, form, nil, methods},
			{"a large header", "GET", c.URL() + good, "", []string{"X", strings.Repeat("x", 80<<10)}, 431},
		} {
			status, page, _ := knock(t, c2.method, c2.address, c2.body, c2.headers...)
			if status != c2.want || strings.Contains(page, code) {
				t.Errorf("implicit %t, %s: %d %s", implicit, c2.name, status, page)
			}
			waits(t, c)
		}
		if !implicit {
			continue
		}
		for name, c2 := range map[string]struct {
			origin, media, body string
			want                int
		}{
			"another origin":   {"http://evil.example", formType, form, 403},
			"another port":     {"http://127.0.0.1:1", formType, form, 403},
			"another scheme":   {strings.Replace(own[1], "http", "https", 1), formType, form, 403},
			"a hidden origin":  {"null", formType, form, 403},
			"another type":     {own[1], "text/plain", form, 415},
			"too much":         {own[1], formType, form + strings.Repeat("&", largestPost), 413},
			"another state":    {own[1], formType, "state=s&access_token=" + code, 400},
			"an empty message": {own[1], formType, "", 400},
		} {
			status, page, _ := knock(t, "POST", c.URL(), c2.body, "Origin", c2.origin, "Content-Type", c2.media)
			if status != c2.want || strings.Contains(page, code) {
				t.Errorf("%s: %d %s", name, status, page)
			}
			waits(t, c)
		}
	}
}

func TestImplicitCallback(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{Implicit: true})
	status, page, header := knock(t, "GET", c.URL(), "")
	policy := header.Get("Content-Security-Policy")
	_, nonce, _ := strings.Cut(policy, "'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	if status != 200 || len(nonce) < 26 || !strings.Contains(page, `<script nonce="`+nonce+`">`) || !strings.Contains(page, "history.replaceState") || !strings.Contains(policy, "connect-src 'self'") {
		t.Errorf("%d %s %s", status, policy, page)
	}
	if _, again, _ := knock(t, "GET", c.URL(), ""); strings.Contains(again, nonce) {
		t.Error("the nonce is used twice")
	}
	waits(t, c)
	origin := []string{"Origin", "http://" + c.host, "Content-Type", formType}
	status, page, _ = knock(t, "POST", c.URL(), "state=S&expires_in=60&access_token="+code, origin...)
	if status != 200 || !strings.Contains(page, textDone) || strings.Contains(page, code) {
		t.Errorf("%d %s", status, page)
	}
	if status, _, _ = knock(t, "POST", c.URL(), "state=S&access_token=x", origin...); status != http.StatusGone {
		t.Errorf("a second one: %d", status)
	}
	found, err := outcome(t, c)
	if err != nil || !found.Grant.Access.Equal(secret.New(code)) || !found.Grant.Expires.Equal(asked.Add(time.Minute)) {
		t.Errorf("%+v, %v", found, err)
	}
	denied := await(t, Listening{Implicit: true})
	knock(t, "GET", denied.URL()+"?state=S&error=access_denied", "")
	if _, err := outcome(t, denied); kindOfError(err) != "oauth access_denied" {
		t.Error(err)
	}
}

func TestCallbackEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Listen(ctx, Listening{Path: "/", State: "S"})
	if err != nil {
		t.Fatal(err)
	}
	short, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if _, err := c.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	cancel()
	if _, err := outcome(t, c); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	c.Close()
}

// Only 127.0.0.1 is listened at, and a port that is taken is named.
func TestCallbackPort(t *testing.T) {
	t.Parallel()
	c := await(t, Listening{})
	_, port, _ := net.SplitHostPort(c.host)
	for _, host := range []string{"::1", "127.0.0.2"} {
		if conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), time.Second); err == nil {
			_ = conn.Close()
			t.Errorf("%s is listened at", host)
		}
	}
	var number int
	_, _ = fmt.Sscan(port, &number)
	_, err := Listen(t.Context(), Listening{Port: number, Path: "/", State: "S"})
	var taken *PortError
	want := "cannot listen at port " + port + " of 127.0.0.1: bind: "
	if !errors.As(err, &taken) || taken.Port != number || !strings.HasPrefix(err.Error(), want) {
		t.Error(err)
	}
	for path, want := range map[string]error{
		"": ErrCallbackPath, "callback": ErrCallbackPath, "/a/": ErrCallbackPath, "/a/../b": ErrCallbackPath, "//x": ErrCallbackPath, "/a b": ErrCallbackPath,
		"/a?b": ErrCallbackPath, "/%61": ErrCallbackPath, "/a#b": ErrCallbackPath, "/é": ErrCallbackPath, "/a/b-c_d.e~f": nil,
	} {
		c, err := Listen(t.Context(), Listening{Path: path, State: "S"})
		if err != want {
			t.Errorf("%q: %v", path, err)
		}
		if err == nil {
			c.Close()
		}
	}
	if _, err := Listen(t.Context(), Listening{Path: "/"}); err != ErrState {
		t.Error(err)
	}
}

// Who sends a request a letter at a time is cut off, and keeps nobody else out.
func TestCallbackOfASlowStranger(t *testing.T) {
	t.Parallel()
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	c := newCallback(Listening{Path: "/callback", State: "S"}, listener.Addr().String())
	if c.server.ReadHeaderTimeout != 5*time.Second || c.server.ReadTimeout != 10*time.Second || c.server.WriteTimeout != 30*time.Second {
		t.Errorf("%+v", c.server)
	}
	c.server.ReadHeaderTimeout = 50 * time.Millisecond
	c.start(t.Context(), listener)
	defer c.Close()
	var slow []net.Conn
	for range 20 {
		conn := must(net.Dial("tcp", c.host))
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET /callback?state=S HTTP/1.1\r\nHost: ")
		slow = append(slow, conn)
	}
	if status, _, _ := knock(t, "GET", c.URL()+"?state=S&code="+code, ""); status != 200 {
		t.Errorf("%d", status)
	}
	for _, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); err != nil {
			t.Error(err)
		}
	}
}
