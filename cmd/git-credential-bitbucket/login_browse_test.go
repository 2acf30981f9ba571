package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// pageVariable names a file for the page at which browse ends.
const pageVariable = "SCRIPT_PAGE"

// browse is a browser without a screen, which grants and denies nothing: it opens its
// last argument, follows redirects, hands a fragment over as the page's script would, and
// ends at a page.
func browse() {
	page, err := surf(os.Args[len(os.Args)-1])
	if err != nil {
		page = "no page: " + err.Error()
	}
	if file := os.Getenv(pageVariable); file != "" {
		_ = os.WriteFile(file+".new", []byte(page), 0o600)
		_ = os.Rename(file+".new", file)
	}
	fmt.Println(page)
}

func surf(address string) (page string, err error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at, err := url.Parse(address)
	for err == nil {
		var response *http.Response
		if response, err = client.Get(at.String()); err != nil {
			return "", err
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		page = string(text)
		switch next, _ := response.Location(); {
		case next != nil:
			at = next
		case at.Fragment != "" && strings.Contains(page, "<script"):
			request, _ := http.NewRequest(http.MethodPost, "http://"+at.Host+at.Path, strings.NewReader(at.EscapedFragment()))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set("Origin", "http://"+at.Host)
			at.Fragment = ""
			if response, err = client.Do(request); err != nil {
				return "", err
			}
			text, _ = io.ReadAll(response.Body)
			_ = response.Body.Close()
			return string(text), nil
		default:
			return page, nil
		}
	}
	return page, err
}

// seePage waits for the page at which browse ended, and wants that text in it: "page
// TEXT". The page is then the file seen.
func seePage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: page TEXT")
	}
	file := ts.Getenv(pageVariable)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		ts.Check(os.Rename(file, ts.MkAbs("seen")))
		if !strings.Contains(string(text), args[0]) {
			ts.Fatalf("the page:\n%s", text)
		}
		return
	}
	ts.Fatalf("no page came")
}

// freePort puts the number of a port that nobody uses into a variable: "port VARIABLE".
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: port VARIABLE")
	}
	port, err := anyPort()
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// takePort listens there until the script ends: "take PORT".
func takePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: take PORT")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+args[0])
	ts.Check(err)
	closeAfter(ts, listener)
}

func anyPort() (string, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), nil
}
