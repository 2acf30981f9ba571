// Command sameimports copies its input to its output and links what the helper links:
// what starting the helper costs before it does anything.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "reach" {
		reach()
	}
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		os.Exit(1)
	}
}

// reach is never called in a measurement: it keeps the linker from dropping of the
// imports what the helper uses of them, for then less would be loaded here.
func reach() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root := &cobra.Command{Use: "reach", Run: func(*cobra.Command, []string) {}}
	root.AddCommand(&cobra.Command{Use: "child"})
	fmt.Println(root.ExecuteContext(ctx), root.UsageString(), term.IsTerminal(0))

	accounts, seen := store.OpenAccounts(""), store.OpenObservations("", nil, 0)
	open := func(name string) (store.Backend, error) { return store.Open(name, store.Config{}) }
	vault := store.NewVault(open)
	choice, err := store.Choose(ctx, store.Config{})
	fmt.Println(choice, err, accounts.Update(func(*store.Book) error { return nil }))
	fmt.Println(vault.Put(ctx, "file", "x", secret.New("x")), vault.Delete(ctx, "file", "x"))
	fmt.Println(store.OpenHistory("").Append(store.Entry{}), seen.Writable())

	h := &helper.Helper{Accounts: accounts, Secrets: vault, Seen: seen, Uses: seen, Now: time.Now}
	fmt.Println(h.Get(ctx, os.Stdin, os.Stdout), h.Store(ctx, os.Stdin), h.Erase(ctx, os.Stdin))
	fmt.Println(bitbucket.Clean(secret.New("x")))
	client, err := bitbucket.NewClient(bitbucket.Options{})
	fmt.Println(client.Send(ctx, bitbucket.Login{}, bitbucket.Request{}))
	fmt.Println(client.Refresh(ctx, bitbucket.Consumer{}, secret.New("x")))
	fmt.Println(client.AppGrant(ctx, bitbucket.App{}, nil))
	fmt.Println(bitbucket.Listen(ctx, bitbucket.Listening{}))
	fmt.Println(err, regexp.MustCompile("x"))

	options := install.Options{Git: install.Git{Path: "git"}}
	plan, err := install.NewPlan(ctx, options)
	fmt.Println(err, plan.Apply(ctx))
	undo, err := install.NewUndo(ctx, options)
	fmt.Println(undo, err)
	helpers, err := install.Effective(ctx, options.Git, "")
	fmt.Println(helpers, err)
	possible, err := install.Possible(ctx, options.Git)
	fmt.Println(possible, err)

	address, err := url.Parse("")
	fmt.Println(address, err, json.NewEncoder(os.Stdout).Encode(options), exec.CommandContext(ctx, "x").Run())
	info, ok := debug.ReadBuildInfo()
	fmt.Println(info, ok)
}
