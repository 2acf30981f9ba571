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

// byBrowser sends the person to Bitbucket, and waits for the browser to come back from
// there, or for the address that it was sent back to.
func (l *loginSession) byBrowser(ctx context.Context, client *bitbucket.Client) (bitbucket.Grant, error) {
	waiting, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	verifier, challenge := bitbucket.NewVerifier()
	ask := bitbucket.Authorization{
		ClientID: l.state.Consumer.ID, Redirect: l.callback(), State: bitbucket.NewState(), Challenge: challenge,
		Scopes: l.scopes(), Implicit: l.flags.grant == store.GrantImplicit,
	}
	// A code is redeemed once, whichever way it came.
	var once sync.Once
	var grant bitbucket.Grant
	var failed error
	redeem := func(answer bitbucket.Redirected, err error) error {
		once.Do(func() {
			grant, failed = answer.Grant, err
			if err == nil && !ask.Implicit {
				grant, failed = client.Exchange(ctx, l.state.Consumer, answer.Code, ask.Redirect, verifier)
			}
		})
		return failed
	}
	listener, err := bitbucket.Listen(waiting, bitbucket.Listening{
		Port: l.flags.port, Path: l.flags.path, State: ask.State, Implicit: ask.Implicit, Now: l.now,
		Answer: func(answer bitbucket.Redirected, err error) string { return page(redeem(answer, err)) },
	})
	if err != nil {
		return grant, l.noListener(err)
	}
	defer listener.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(stop)
	l.show(ctx, bitbucket.AuthorizeURL(ask))
	answer, err := l.await(waiting, stop, listener, ask)
	var refusal *bitbucket.OAuthError
	switch {
	case err != nil && errors.Is(waiting.Err(), context.DeadlineExceeded):
		return grant, fail(exitFailed, "nobody granted access within %s; type: %s", minutes(l.limit), loginCommand(l.before))
	case err != nil && !errors.As(err, &refusal):
		return grant, err
	}
	err = redeem(answer, err)
	return grant, err
}

// page is what the browser shows at last.
func page(err error) string {
	if err != nil {
		return "The login failed: " + strings.TrimSuffix(oneLine(err.Error()), ".") + ". You can close this page."
	}
	return "Bitbucket granted access to git-credential-bitbucket. You can close this page."
}

func (l *loginSession) noListener(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fail(exitFailed, "another program, or another login, uses port %d; end it, or put another port into the consumer's Callback URL and type: %s --port PORT", l.flags.port, loginCommand(l.before))
	}
	return fail(exitFailed, "%s; put another port into the consumer's Callback URL and type: %s --port PORT", oneLine(err.Error()), loginCommand(l.before))
}

// show prints the address, and only then opens it where a browser can be.
func (l *loginSession) show(ctx context.Context, address string) {
	port := strconv.Itoa(l.flags.port)
	forward := "ssh -L " + port + ":127.0.0.1:" + port + " HOST"
	if l.terminal == nil {
		l.say("", "open this address in a browser, within %s: %s", minutes(l.limit), address)
		if l.browser && l.startBrowser(ctx, address) {
			l.say("", "the page is being opened in your browser")
		}
		return
	}
	t := l.terminal
	t.print("Open this address in a browser within %s and grant access there:\n\n%s\n\n", minutes(l.limit), address)
	if l.browser && l.startBrowser(ctx, address) {
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
	var first arrival
	select {
	case first = <-arrivals:
	case <-stop:
		first.err = fail(exitInterrupted, "interrupted; nothing was changed")
	}
	cancel()
	<-pasted // the terminal has its echo again
	return first.Redirected, first.err
}

// paste asks for the address until it is one that answers our question.
func (l *loginSession) paste(ctx context.Context, ask bitbucket.Authorization) (bitbucket.Redirected, error) {
	for {
		text, err := l.terminal.askSecretUntil(ctx, "Address (it is not shown): ")
		if err != nil {
			return bitbucket.Redirected{}, stopped(err)
		}
		if text.IsZero() {
			continue
		}
		redirected, err := bitbucket.ParseRedirect(text, ask, l.now())
		var refusal *bitbucket.OAuthError
		switch {
		case err == nil || errors.As(err, &refusal):
			return redirected, err
		case errors.Is(err, bitbucket.ErrState):
			l.terminal.print("  that address belongs to another login: open the one above\n")
		default:
			l.terminal.print("  that is not the address that Bitbucket sent the browser to: it begins with %s?\n", ask.Redirect)
		}
	}
}
