package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
)

var apiRow = row{
	name:  "api",
	args:  "PATH",
	short: "Call Bitbucket's REST with the stored token, and print what it answers",
	long: `Call Bitbucket's REST at https://api.bitbucket.org with the stored token, in the scheme
that fits its kind, and print the answer's body. An error is told in REST's own words,
on standard error. Redirects are not followed; a body is at most 1 MiB.`,
	example: `  git-credential-bitbucket api /2.0/user
  git-credential-bitbucket api --paginate '/2.0/repositories/WORKSPACE?pagelen=100'
  git-credential-bitbucket api -X POST --input body.json /2.0/repositories/WORKSPACE/REPOSITORY/refs/branches`,
	exits: []exitStatus{exitFailed, exitNoCredential, exitUnusable, exitUnreachable},
	build: func(p *process, c *cobra.Command) {
		f := &apiFlags{}
		c.Flags().StringVar(&f.account, "account", "", "the account `NAME`; else the one that serves here")
		c.Flags().StringVarP(&f.method, "method", "X", "", "the HTTP `METHOD`: GET, or POST with --input")
		c.Flags().StringVar(&f.input, "input", "", "send the JSON in `FILE`, or standard input for -")
		c.Flags().BoolVar(&f.paginate, "paginate", false, "print every page of a list, each as it comes")
		c.Args = cobra.ExactArgs(1)
		c.RunE = func(c *cobra.Command, args []string) error { return p.api(c.Context(), f, args[0]) }
	},
}

type apiFlags struct {
	account, method, input string
	paginate               bool
}

func (p *process) api(ctx context.Context, f *apiFlags, path string) error {
	request := bitbucket.Request{Method: strings.ToUpper(f.method), Path: path}
	if f.input != "" {
		body, err := p.readInput(f.input)
		if err != nil {
			return err
		}
		request.Body, request.ContentType = body, "application/json"
		if request.Method == "" {
			request.Method = "POST"
		}
	}
	if request.Method == "" {
		request.Method = "GET"
	}
	if f.paginate && request.Method != "GET" {
		return errors.New("--paginate goes with GET only")
	}
	at, err := p.at(ctx, "")
	if err != nil {
		return err
	}
	s, err := p.choose(ctx, f.account, at)
	if err != nil {
		return err
	}
	client, _, err := p.client(ctx)
	if err != nil {
		return p.notSent(err, s)
	}
	seen := map[string]bool{}
	for {
		reply, err := p.send(ctx, client, s, request)
		if err != nil {
			return err
		}
		if err := p.printBody(reply.Body); err != nil {
			return err
		}
		if !f.paginate {
			return nil
		}
		if reply.NearLimit {
			p.say(asNote, "this is near the number of requests that Bitbucket allows in an hour")
		}
		seen[request.Path] = true
		next, err := reply.NextPage()
		switch {
		case err != nil:
			return fail(exitFailed, "the next page is not fetched: %s; type: git-credential-bitbucket api PATH, with another path", oneLine(err.Error()))
		case next == "":
			return nil
		case seen[next]:
			return fail(exitFailed, "Bitbucket names a page as the next one that was there before; type: git-credential-bitbucket api PATH, without --paginate")
		}
		request.Path = next
	}
}

// inputMost is how many bytes --input may hold.
const inputMost = 1 << 20

func (p *process) readInput(name string) ([]byte, error) {
	in := p.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fail(exitFailed, "the file of --input cannot be read: %v; check its path", cause(err))
		}
		defer file.Close()
		in = file
	}
	body, err := io.ReadAll(io.LimitReader(in, inputMost+1))
	switch {
	case err != nil:
		return nil, fail(exitFailed, "what --input names cannot be read: %v", cause(err))
	case len(body) > inputMost:
		return nil, fail(exitFailed, "what --input names is larger than 1 MiB; send less")
	}
	return body, nil
}

// patience is how long a call waits when Bitbucket asks for that.
const patience = time.Minute

// send makes one call, and again if Bitbucket asks to wait and that is not long.
func (p *process) send(ctx context.Context, client *bitbucket.Client, s subject, request bitbucket.Request) (bitbucket.Reply, error) {
	for try := 1; ; try++ {
		reply, err := client.Send(ctx, s.login(), request)
		if err != nil {
			return reply, p.notSent(err, s)
		}
		if wait := reply.RetryAfter; reply.Answer == bitbucket.AnswerRateLimited && request.Method == "GET" && 0 < wait && wait <= patience && try == 1 {
			p.say(asNote, "Bitbucket asks to wait %s", waiting(wait))
			if p.wait(ctx, wait) == nil {
				continue
			}
		}
		if reply.Answer == bitbucket.AnswerOK {
			return reply, nil
		}
		return reply, p.restRefused(reply, s, request)
	}
}

// notSent is the failure of a call that brought no answer.
func (p *process) notSent(err error, s subject) error {
	var unreachable *bitbucket.UnreachableError
	var proxy *proxyError
	var authority *bitbucket.CAError
	switch {
	case errors.Is(err, bitbucket.ErrNoEmail):
		return fail(exitNoCredential, "REST wants the e-mail of the token's owner with %s; %s", s, emailRemedy(s))
	case errors.Is(err, bitbucket.ErrKind):
		return fail(exitNoCredential, "%s is an %s, which REST does not take; %s", s, s.kind, p.newToken(concern{subject: s}))
	case errors.As(err, &unreachable), errors.As(err, &proxy), errors.As(err, &authority):
		text, remedy := whyUnreachable(err)
		return fail(exitUnreachable, "%s; %s", text, remedy)
	case errors.Is(err, bitbucket.ErrEcho):
		return fail(exitFailed, "%v; look at what was asked for", err)
	case errors.Is(err, bitbucket.ErrTooLarge):
		return fail(exitFailed, "%v; ask for less, with pagelen or fields", err)
	}
	if errors.Is(err, bitbucket.ErrMethod) {
		return fail(exitUsage, "%v; give one of these with -X", err)
	}
	return fail(exitUsage, "%s; give a path as in: git-credential-bitbucket api /2.0/user", oneLine(err.Error()))
}

// restRefused is the failure of a call that was answered with no.
func (p *process) restRefused(reply bitbucket.Reply, s subject, request bitbucket.Request) error {
	status, remedy := exitFailed, "check the path and what was sent"
	switch reply.Answer {
	case bitbucket.AnswerRefused, bitbucket.AnswerAppPasswordsOver, bitbucket.AnswerNotListed, bitbucket.AnswerWantsTwoStep:
		status, remedy = exitNoCredential, "to see why: "+verifyRequest(s, request)
	case bitbucket.AnswerLacksScope:
		lacking := bitbucket.Verdict{Kind: s.kind, MissingPush: reply.Lacking()}
		status, remedy = exitNoCredential, p.newToken(concern{subject: s, verdict: lacking})
	case bitbucket.AnswerRateLimited:
		status, remedy = exitUnreachable, "wait "+waiting(reply.RetryAfter)+", and type the command again"
	case bitbucket.AnswerOutage:
		status, remedy = exitUnreachable, "see "+statusPage+", and type the command again"
	case bitbucket.AnswerMoved:
		remedy = "redirects are not followed: give the path that they lead to"
	}
	words := ""
	if reply.Message != "" {
		words = ": " + oneLine(reply.Message)
	}
	return fail(status, "%s %s was answered with %d%s; %s", oneLine(request.Method), oneLine(request.Path), reply.Status, words, remedy)
}

// verifyRequest asks about the token, and about the repository that the request names.
func verifyRequest(s subject, request bitbucket.Request) string {
	path := strings.TrimPrefix(strings.TrimPrefix(request.Path, "https://"+bitbucket.RESTHost), "/")
	if rest, ok := strings.CutPrefix(path, "2.0/repositories/"); ok {
		rest, _, _ = strings.Cut(rest, "?")
		if parts := strings.SplitN(rest, "/", 3); len(parts) > 1 {
			if repository, err := bitbucket.ParseRepository(parts[0] + "/" + parts[1]); err == nil {
				return verifyCommand(s.account, repository.String())
			}
		}
	}
	return withAccount("git-credential-bitbucket verify", s.account)
}

func (p *process) printBody(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	if body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	if _, err := p.stdout.Write(body); err != nil {
		return fail(exitFailed, "the answer could not be written: %v", cause(err))
	}
	return nil
}
