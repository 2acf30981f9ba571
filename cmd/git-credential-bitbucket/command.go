package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// A row is one command for people.
type row struct {
	name    string
	args    string // after the name in its usage line
	short   string
	long    string
	example string
	exits   []exitStatus // that it can end with, besides exitDone and exitUsage
	build   func(p *process, c *cobra.Command)
}

// rows lists the commands in the order in which help shows them.
func rows() []row {
	return []row{
		setupRow, storeRow, loginRow, rotateRow, statusRow, verifyRow, doctorRow, migrateRow, historyRow,
		forgetRow, defaultRow, routeRow,
		installRow, uninstallRow, ciEnvRow,
		apiRow, headerRow, versionRow,
	}
}

// commandNames are the words that are commands and not operations of a later git.
var commandNames = []string{
	"setup", "store", "login", "rotate", "status", "verify", "doctor", "migrate", "history",
	"forget", "default", "route",
	"install", "uninstall", "ci-env",
	"api", "header", "version", "help", "completion",
}

func isCommand(word string) bool {
	for _, name := range commandNames {
		if word == name {
			return true
		}
	}
	return false
}

// failure is an error with the exit status that it means and the line that is shown.
type failure struct {
	status exitStatus
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(status exitStatus, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// command runs one of the commands for people.
func (p *process) command() exitStatus {
	root := p.tree()
	root.SetArgs(p.args)
	if len(p.args) == 0 {
		fmt.Fprint(p.stderr, root.UsageString())
		return exitUsage
	}
	if slices.ContainsFunc(p.args, holdsToken) {
		p.say(asError, "a token is never an argument, since others see those; type: git-credential-bitbucket store --token-stdin, and give it the token on standard input")
		if slices.Contains(p.args, ciEnvRow.name) {
			fmt.Fprint(p.stdout, endingEval(exitUsage))
		}
		return exitUsage
	}
	called, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return exitDone
	}
	return p.failed(called, err)
}

// holdsToken reports whether an argument is a token, or has one behind its first "=".
func holdsToken(argument string) bool {
	_, value, _ := strings.Cut(argument, "=")
	for _, text := range []string{argument, value, strings.TrimLeft(argument, "-")} {
		found, err := bitbucket.Clean(secret.New(text))
		if err == nil && bitbucket.KindOf(found.Token) != bitbucket.UnknownKind {
			return true
		}
	}
	return false
}

// failed says the error of the command that was called and returns its status. What is
// no failure of ours comes from the command framework: wrong usage.
func (p *process) failed(called *cobra.Command, err error) exitStatus {
	var known *failure
	if !errors.As(err, &known) {
		help := strings.TrimSuffix("git-credential-bitbucket help "+strings.TrimPrefix(called.CommandPath(), called.Root().Name()+" "), " help")
		if !called.HasParent() {
			help = called.Name() + " help"
		}
		p.say(asError, "%s; type: %s", oneLine(usageError(called, err)), help)
		return exitUsage
	}
	if known.text != "" {
		p.say(asError, "%s", known.text)
	}
	return known.status
}

// usageError puts the framework's errors into words.
func usageError(called *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	var bad *pflag.InvalidValueError
	text := err.Error()
	if errors.As(err, &unknown) {
		flag := "--" + unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			flag = "-" + unknown.GetSpecifiedName()
		}
		return fmt.Sprintf("%s has no flag %s", called.Name(), flag)
	}
	if errors.As(err, &bare) {
		value, _ := pflag.UnquoteUsage(bare.GetFlag())
		return fmt.Sprintf("--%s wants %s behind it", bare.GetSpecifiedName(), value)
	}
	if errors.As(err, &bad) {
		return fmt.Sprintf("%q is no value for --%s", bad.GetValue(), bad.GetFlag().Name)
	}
	// Cobra has no error of its own for flags that exclude each other.
	if group, ok := strings.CutPrefix(text, "if any flags in the group ["); ok {
		group, _, _ = strings.Cut(group, "]")
		names := strings.Fields(group)
		last := len(names) - 1
		return fmt.Sprintf("only one of --%s and --%s can be given", strings.Join(names[:last], ", --"), names[last])
	}
	return text
}

// takes is the check of what stands behind the command's name, in words of its own.
func (r row) takes(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		var known *failure
		switch err := check(c, args); {
		case err == nil, errors.As(err, &known):
			return err
		case r.args == "":
			return fmt.Errorf("%s takes flags only, not %q", r.name, args[0])
		}
		return fmt.Errorf("%s takes %s", r.name, strings.ReplaceAll(r.args, " | ", ", or "))
	}
}

// completeTree adds the framework's own commands, and lets them refuse what they do not
// know.
func completeTree(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short = "Show what a command does, and its flags"
			c.RunE = func(_ *cobra.Command, words []string) error {
				about, rest, err := root.Find(words)
				if err != nil || len(rest) > 0 {
					return fmt.Errorf("there is no command %q", strings.Join(words, " "))
				}
				about.InitDefaultHelpFlag()
				return about.Help()
			}
		case "completion":
			c.Short = "Print a script by which a shell completes commands and flags"
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(c *cobra.Command, words []string) error {
				if len(words) > 0 {
					return fmt.Errorf("there is no completion for %q, but for bash, zsh, fish and powershell", words[0])
				}
				return c.Help()
			}
		}
	}
}

// backendFailure is what a backend's error means for a command.
func (p *process) backendFailure(err error, account store.Account) error {
	var known *failure
	var records *store.RecordError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &records):
		return fail(exitUnusable, "%s", recordTrouble(err))
	}
	return fail(exitUnusable, "%s", p.whyUnusable(err, account))
}

func (p *process) tree() *cobra.Command {
	root := &cobra.Command{
		Use:           "git-credential-bitbucket",
		Short:         "Give git the token for Bitbucket Cloud, from the system's keyring",
		SilenceErrors: true,
		SilenceUsage:  true,
		Long: `Give git the token for Bitbucket Cloud, from the system's keyring.

git itself calls: git-credential-bitbucket [--account NAME] [--token-command CMD] [--token-command-cache 10m] get|store|erase
A person starts with: git-credential-bitbucket setup`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q", args[0])
			}
			return nil
		},
	}
	asked := root.Flags().Bool("version", false, "print the version")
	root.RunE = func(c *cobra.Command, _ []string) error {
		if *asked {
			return p.printVersion(false)
		}
		return c.Help()
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	for _, r := range rows() {
		c := &cobra.Command{Use: strings.TrimSpace(r.name + " " + r.args), Short: r.short, Long: r.longText(), Example: r.example, Args: cobra.NoArgs}
		r.build(p, c)
		c.Args = r.takes(c.Args)
		root.AddCommand(c)
	}
	completeTree(root)
	return root
}

// longText is the long help with its exit statuses.
func (r row) longText() string {
	text := r.long
	if text == "" {
		text = r.short + "."
	}
	text += "\n\nExit status:\n  0  done\n"
	meanings := map[exitStatus]string{
		exitFailed:       "failed",
		exitNoCredential: "no usable credential",
		exitUnusable:     "the keyring, or the token's source, cannot be used",
		exitUnreachable:  "Bitbucket could not be reached, or could not tell",
		exitDue:          "something is found, or due",
		exitInterrupted:  "interrupted",
	}
	for _, status := range slices.Sorted(slices.Values(append([]exitStatus{exitUsage}, r.exits...))) {
		meaning := meanings[status]
		if status == exitUsage {
			meaning = "wrong usage"
		}
		text += fmt.Sprintf("  %d  %s\n", status, meaning)
	}
	return strings.TrimSuffix(text, "\n")
}
