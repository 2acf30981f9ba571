package bitbucket_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/secret"
)

// startOAuth makes a Bitbucket with an OAuth consumer whose user grants all, and a client.
func startOAuth(callback string) (site *bitbuckettest.Server, client *bitbucket.Client, consumer bitbucket.Consumer, stop func()) {
	dir, err := os.MkdirTemp("", "bitbucket")
	if err != nil {
		log.Fatal(err)
	}
	if site, err = bitbuckettest.Start(dir); err != nil {
		log.Fatal(err)
	}
	if err := site.Command("consumer", "laptop", "owner=alice", "answer=grant", "callback="+callback); err != nil {
		log.Fatal(err)
	}
	proxy, err := url.Parse(site.ProxyURL())
	if err != nil {
		log.Fatal(err)
	}
	client, err = bitbucket.NewClient(bitbucket.Options{
		CAFile: site.CAFile(), Now: time.Now,
		Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	made, _ := site.Consumer("laptop")
	return site, client, bitbucket.Consumer{ID: made.Key, Secret: secret.New(made.Secret)}, func() {
		site.Close()
		_ = os.RemoveAll(dir)
	}
}

// A login: the browser goes to the site, and comes back with a code.
func ExampleListen() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	state := bitbucket.NewState()
	listening, err := bitbucket.Listen(ctx, bitbucket.Listening{Path: "/callback", State: state}) // Port: 34117
	if err != nil {
		log.Fatal(err)
	}
	defer listening.Close()
	site, client, consumer, stop := startOAuth(listening.URL())
	defer stop()

	verifier, challenge := bitbucket.NewVerifier()
	address := bitbucket.AuthorizeURL(bitbucket.Authorization{ClientID: consumer.ID, Redirect: listening.URL(), State: state, Challenge: challenge})
	browse(site, address)
	found, err := listening.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	grant, err := client.Exchange(ctx, consumer, found.Code, listening.URL(), verifier)
	fmt.Println(grant.Access, grant.Scopes, time.Until(grant.Expires).Round(time.Hour), err)
	// Output:
	// [secret] [account repository repository:write] 2h0m0s <nil>
}

// browse is a browser: it goes to the address, and without the proxy to where it is sent.
func browse(site *bitbuckettest.Server, address string) {
	browser := *site.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := browser.Get(address)
	if err != nil {
		log.Fatal(err)
	}
	_ = response.Body.Close()
	if response, err = http.Get(response.Header.Get("Location")); err != nil {
		log.Fatal(err)
	}
	_ = response.Body.Close()
}

// What a person pastes who opened the address on another machine.
func ExampleParseRedirect() {
	a := bitbucket.Authorization{Redirect: "http://127.0.0.1:34117/callback", State: "of-this-login"}
	for _, pasted := range []string{
		" http://127.0.0.1:34117/callback?code=abc&state=of-this-login\n",
		"http://127.0.0.1:34117/callback?code=abc&state=of-another",
		"?error=access_denied&state=of-this-login",
	} {
		found, err := bitbucket.ParseRedirect(secret.New(pasted), a, time.Time{})
		fmt.Println(found.Code.IsZero(), err)
	}
	// Output:
	// false <nil>
	// true it does not answer this login: its state is missing or another's
	// true bitbucket.org refuses: access_denied
}

// A refresh token that was rotated away is not to be tried again.
func ExampleClient_Refresh() {
	site, client, consumer, stop := startOAuth("http://127.0.0.1:34117/callback")
	defer stop()
	_, err := client.Refresh(context.Background(), consumer, secret.New("rotated-away"))
	var refusal *bitbucket.OAuthError
	fmt.Println(errors.As(err, &refusal), bitbucket.IsDeadGrant(err))
	fmt.Println(err)
	fmt.Println(strings.Count(fmt.Sprint(site.Log()), "refresh_token"))
	// Output:
	// true true
	// bitbucket.org refuses: unauthorized_client: Invalid OAuth client credentials
	// 1
}

func ExampleClient_ClientCredentials() {
	_, client, consumer, stop := startOAuth("http://127.0.0.1:34117/callback")
	defer stop()
	grant, err := client.ClientCredentials(context.Background(), consumer, nil)
	fmt.Println(grant.Access, grant.Refresh.IsZero(), err)

	_, err = client.AppGrant(context.Background(), bitbucket.App{Key: "com.example.app"}, nil)
	fmt.Println(err)
	// Output:
	// [secret] true <nil>
	// a key or the secret of the consumer or app is missing
}
