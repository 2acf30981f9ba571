package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// loginLimit is how long a person may take to grant access.
const loginLimit = 5 * time.Minute

// loginHint is after how long the person is told what may be wrong with the consumer.
const loginHint = 20 * time.Second

// byBrowser sends the person to Bitbucket, and waits for the browser to come back from
// there, or for the address that it was sent back to.
func (l *loginSession) byBrowser(ctx context.Context, client *bitbucket.Client) (bitbucket.Grant, error) {
	verifier, challenge := bitbucket.NewVerifier()
	ask := bitbucket.Authorization{
		ClientID: l.state.Consumer.ID, Redirect: l.callback(), State: bitbucket.NewState(), Challenge: challenge,
		Scopes: l.scopes(), Implicit: l.flags.grant == store.GrantImplicit,
	}
	// A code is redeemed once, whichever way it came, and after the time limit none.
	var once sync.Once
	var grant bitbucket.Grant
	var failed error
	redeem := func(answer bitbucket.Redirected, err error) error {
		once.Do(func() {
			grant, failed = answer.Grant, err
			if err == nil && !ask.Implicit {
				l.granted = true
				grant, failed = client.Exchange(ctx, l.state.Consumer, answer.Code, ask.Redirect, verifier)
			}
		})
		return failed
	}
	listening := bitbucket.Listening{
		Port: l.flags.port, Path: l.flags.path, State: ask.State, Implicit: ask.Implicit, Now: l.now,
		Answer: func(answer bitbucket.Redirected, err error) string { return page(redeem(answer, err)) },
	}
	if l.browser {
		listening.Start = bitbucket.AuthorizeURL(ask)
	}
	listener, err := bitbucket.Listen(ctx, listening)
	if err != nil {
		return grant, l.noListener(err)
	}
	defer listener.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(stop)
	waiting, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	l.show(ctx, bitbucket.AuthorizeURL(ask), listener.StartURL())
	answer, err := l.await(waiting, stop, listener, ask)
	var refusal *bitbucket.OAuthError
	switch {
	case errors.Is(err, bitbucket.ErrStartedTwice):
		return bitbucket.Grant{}, fail(exitFailed, "the page that starts this login was opened twice, perhaps by somebody else on this machine, so the login is ended; nothing was changed; type: %s --no-browser", l.again("no-browser"))
	case errors.Is(err, context.DeadlineExceeded):
		err = l.tooLate(listener.Refused())
	case err != nil && !errors.As(err, &refusal):
		return bitbucket.Grant{}, err
	}
	redeemed := make(chan error, 1)
	go func() { redeemed <- redeem(answer, err) }()
	select {
	case err = <-redeemed:
		return grant, err
	case <-stop:
		return bitbucket.Grant{}, interrupted()
	}
}

// tooLate is why a login ends at whose time limit no answer had come.
func (l *loginSession) tooLate(refused int) error {
	others := ""
	if refused > 0 {
		others = fmt.Sprintf(" (what came to port %d answered no login of ours: %d times)", l.flags.port, refused)
	}
	return fail(exitFailed, "nobody granted access within %s%s; type: %s", minutes(l.limit), others, l.again())
}

func interrupted() error { return fail(exitInterrupted, "interrupted; nothing was changed") }

// page is what the browser shows at last.
func page(err error) string {
	if err != nil {
		return "The login failed: " + strings.TrimSuffix(oneLine(err.Error()), ".") + ". You can close this page."
	}
	return "Bitbucket granted access to git-credential-bitbucket. You can close this page."
}

func (l *loginSession) noListener(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fail(exitFailed, "another program, or another login, uses port %d; end it, or put another port into the consumer's Callback URL and type: %s --port PORT", l.flags.port, l.again("port"))
	}
	return fail(exitFailed, "%s; put another port into the consumer's Callback URL and type: %s --port PORT", oneLine(err.Error()), l.again("port"))
}

// show prints the address, and only then opens a browser where one can be: at start, since
// others on this machine see a browser's arguments, and are not to see the address.
func (l *loginSession) show(ctx context.Context, address, start string) {
	port := strconv.Itoa(l.flags.port)
	forward := "ssh -L " + port + ":127.0.0.1:" + port + " HOST"
	if l.terminal == nil {
		l.say("", "open this address in a browser, within %s: %s", minutes(l.limit), address)
		if l.browser && l.startBrowser(ctx, start) {
			l.say("", "the page is being opened in your browser")
		}
		return
	}
	t := l.terminal
	t.print("Open this address in a browser within %s and grant access there:\n\n%s\n\n", minutes(l.limit), address)
	if l.browser && l.startBrowser(ctx, start) {
		t.print("  the page is being opened in your browser\n")
	}
	switch {
	case l.overSSH():
		t.print("  to let a browser on your own machine come back here, type there, and leave it open: %s\n", forward)
	case l.contained():
		t.print("  a browser outside of this container cannot come back to it: paste the address\n")
	}
	t.print("Bitbucket then sends the browser to %s. If that page does not open,\ncopy its whole address from the browser and paste it here.\n", l.callback())
}

func minutes(d time.Duration) string { return fmt.Sprintf("%.0f minutes", d.Minutes()) }

type arrival struct {
	bitbucket.Redirected
	err error
}

// await returns what came first: the browser, or on a terminal a pasted address.
func (l *loginSession) await(ctx context.Context, stop <-chan os.Signal, listener *bitbucket.Callback, ask bitbucket.Authorization) (bitbucket.Redirected, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals := make(chan arrival, 2)
	go func() {
		redirected, err := listener.Wait(ctx)
		arrivals <- arrival{redirected, err}
	}()
	pasted := make(chan struct{})
	go func() {
		defer close(pasted)
		if l.terminal != nil {
			redirected, err := l.paste(ctx, ask)
			arrivals <- arrival{redirected, err}
		}
	}()
	hint := time.NewTimer(l.hint)
	defer hint.Stop()
	var first arrival
	for waits := true; waits; {
		select {
		case first = <-arrivals:
			waits = false
		case <-stop:
			first.err, waits = interrupted(), false
		case <-hint.C:
			l.hintAtCallback()
		}
	}
	cancel()
	<-pasted // the terminal has its echo again
	return first.Redirected, first.err
}

// hintAtCallback tells who sees an error page, of which Bitbucket tells nobody else, what
// is wrong.
func (l *loginSession) hintAtCallback() {
	text := fmt.Sprintf(`if the browser shows an error of Bitbucket's instead ("Invalid redirect_uri"), the consumer's Callback URL has to be exactly %s; correct it in Workspace settings → OAuth consumers, and open the address again`, l.callback())
	if l.terminal == nil {
		l.say(asNote, "%s", text)
		return
	}
	l.terminal.print("\n  %s\n%s", text, addressQuestion)
}

const (
	addressQuestion = "Address (it is not shown): "
	addressTries    = 5
)

// paste asks for the address until it is one that answers our question, a few times.
func (l *loginSession) paste(ctx context.Context, ask bitbucket.Authorization) (bitbucket.Redirected, error) {
	for try := 1; ; {
		text, err := l.terminal.askSecretUntil(ctx, addressQuestion)
		if err != nil {
			return bitbucket.Redirected{}, stopped(err)
		}
		if text.IsZero() {
			continue
		}
		redirected, err := bitbucket.ParseRedirect(text, ask, l.now())
		var refusal *bitbucket.OAuthError
		if err == nil || errors.As(err, &refusal) {
			return redirected, err
		}
		l.terminal.print("  %s\n", whyNoAnswer(err, ask))
		if try++; try > addressTries {
			return bitbucket.Redirected{}, fail(exitFailed, "none of these is the address to which Bitbucket sent the browser; type: %s", l.again())
		}
	}
}

// whyNoAnswer says what was pasted in place of an answer, and holds nothing of it.
func whyNoAnswer(err error, ask bitbucket.Authorization) string {
	begins := ask.Redirect + "?"
	if ask.Implicit {
		begins = ask.Redirect + "#"
	}
	switch {
	case errors.Is(err, bitbucket.ErrAuthorize):
		return "that is the address to open: paste the one at which the browser ends after you granted access, which begins with " + begins
	case errors.Is(err, bitbucket.ErrBareCode):
		return "that is no whole address, and a code alone does not do: paste all of it, which begins with " + begins
	case errors.Is(err, bitbucket.ErrNoState):
		return "that address is not whole: it does not tell which login it answers (state=…); copy it again, to its end"
	case errors.Is(err, bitbucket.ErrState):
		return "that address belongs to another login: open the one above"
	case errors.Is(err, bitbucket.ErrLongToken):
		return "that is too long for an address: copy it again, and nothing else"
	case errors.Is(err, bitbucket.ErrGrant):
		return "that address holds no token that can be used: open the one above once more"
	}
	return "that is not the address that Bitbucket sent the browser to: it begins with " + begins
}
