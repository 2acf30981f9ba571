package bitbucket_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store/secret"
)

// start makes a Bitbucket to talk to, with a repository and a token, and the options
// that lead to it.
func start() (o bitbucket.Options, token secret.Secret, stop func()) {
	dir, err := os.MkdirTemp("", "bitbucket")
	if err != nil {
		log.Fatal(err)
	}
	site, err := bitbuckettest.Start(dir)
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range []string{"repo acme/app", "token alice owner=alice email=alice@example.com scopes=read,user"} {
		if err := site.Command(strings.Fields(line)...); err != nil {
			log.Fatal(err)
		}
	}
	proxy, err := url.Parse(site.ProxyURL())
	if err != nil {
		log.Fatal(err)
	}
	made, _ := site.Token("alice")
	o = bitbucket.Options{CAFile: site.CAFile(), Proxy: func(*url.URL) (*url.URL, error) { return proxy, nil }}
	return o, secret.New(made.Text), func() {
		site.Close()
		_ = os.RemoveAll(dir)
	}
}

func ExampleClient_User() {
	options, token, stop := start()
	defer stop()
	client, err := bitbucket.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	login := bitbucket.Login{Kind: bitbucket.KindOf(token), Email: "alice@example.com", Token: token}
	reply, err := client.User(context.Background(), login)
	fmt.Println(reply.Answer, reply.User.Username, reply.Kind(), reply.Scopes, err)

	login.Email = "alice" // REST wants the e-mail, git the username
	reply, err = client.User(context.Background(), login)
	fmt.Println(reply.Answer, reply.Status, err)
	// Output:
	// ok alice API token [read:repository:bitbucket read:user:bitbucket] <nil>
	// refused 401 <nil>
}

func ExampleClient_Refs() {
	options, token, stop := start()
	defer stop()
	client, err := bitbucket.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	repo, err := bitbucket.ParseRepository("https://alice@bitbucket.org/acme/app.git")
	if err != nil {
		log.Fatal(err)
	}
	username := bitbucket.KindOf(token).GitUsername()
	for _, service := range []bitbucket.Service{bitbucket.Fetch, bitbucket.Push} {
		reply, err := client.Refs(context.Background(), username, token, repo, service)
		fmt.Println(service, reply.Answer, reply.Message, err)
	}
	// Output:
	// git-upload-pack ok  <nil>
	// git-receive-pack missing-scope Your credentials lack one or more required privilege scopes. <nil>
}

func ExampleClient_Send() {
	options, token, stop := start()
	defer stop()
	client, err := bitbucket.NewClient(options)
	if err != nil {
		log.Fatal(err)
	}
	login := bitbucket.Login{Kind: bitbucket.APIToken, Email: "alice@example.com", Token: token}
	reply, err := client.Send(context.Background(), login, bitbucket.Request{Path: "/2.0/nothing"})
	fmt.Println(reply.Status, reply.Message, len(reply.Body) > 0, err)

	_, err = client.Send(context.Background(), login, bitbucket.Request{Path: "https://evil.example/2.0/user"})
	fmt.Println(errors.Is(err, bitbucket.ErrForeignAddress))
	// Output:
	// 404 Resource not found true <nil>
	// true
}

func ExampleUnreachableError() {
	client, err := bitbucket.NewClient(bitbucket.Options{Proxy: func(*url.URL) (*url.URL, error) {
		return &url.URL{Scheme: "ftp", Host: "proxy.example", User: url.UserPassword("alice", "secret")}, nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Reach(context.Background())
	var unreachable *bitbucket.UnreachableError
	fmt.Println(errors.As(err, &unreachable), unreachable.Why)
	fmt.Println(err)
	// Output:
	// true proxy
	// no answer from api.bitbucket.org: the proxy's address cannot be used
}
