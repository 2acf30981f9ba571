package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// checkSource looks at the source of tokens in the environment or in the helper's line
// that wins over the stored accounts.
func checkSource(ctx context.Context, e *examination) []finding {
	line := e.ourLine()
	source := e.ambient(line.tokenCommand)
	var set []string
	if line.tokenCommand != nil {
		set = append(set, "--token-command")
	}
	for _, name := range sourceNames() {
		if _, ok := e.lookup(name); ok {
			set = append(set, name)
		}
	}
	named, chooses := line.account, "--account in git's config"
	if named == "" {
		named, chooses = e.env("BITBUCKET_ACCOUNT"), "BITBUCKET_ACCOUNT"
	}
	var fs []finding
	switch {
	case named != "":
		fs = append(fs, e.chosen(named, chooses, set)...)
	case len(set) > 1:
		fs = append(fs, finding{levelNote, "sources-many", fmt.Sprintf("%s are set: %s wins", strings.Join(set, " and "), source.Name()), "unset those that are not meant"})
	}
	if named != "" || source.Name() == "" {
		return fs
	}
	if isAsked(source.Name()) {
		if source.Name() != clientVariable {
			fs = append(fs, e.cacheFindings(line.cache)...)
		}
		return append(fs, askedFinding(source))
	}
	read := make(chan finding, 1)
	go func() { read <- e.sourceFinding(ctx, source) }()
	select {
	case f := <-read:
		return append(fs, f)
	case <-ctx.Done():
		return append(fs, finding{levelProblem, "source-unusable", source.Name() + " gave nothing in time", "check what writes it"})
	}
}

// cacheFindings tells whether the cache that is asked for can be had.
func (e *examination) cacheFindings(flag *string) []finding {
	if _, err := e.cacheLife(flag); err != nil {
		var known *sourceError
		errors.As(err, &known)
		return []finding{{levelProblem, "cache-unusable", known.Error(), known.remedy}}
	}
	if report := e.cacheReport(flag); report != nil && report.Error != "" {
		return []finding{{levelNote, "cache-none", "the token command's output is not cached: " + report.Error, "let git run the command each time, or use a machine or container with a kernel keyring"}}
	}
	return nil
}

func (e *examination) sourceFinding(ctx context.Context, source helper.Ambient) finding {
	token, err := source.Token(ctx)
	var known *sourceError
	switch {
	case errors.As(err, &known):
		return finding{levelProblem, "source-unusable", known.Error(), known.remedy}
	case err != nil:
		return finding{levelProblem, "source-unusable", source.Name() + ": " + err.Error(), "set it to a token, or unset it"}
	case token.Kind == bitbucket.AppPassword:
		return finding{levelProblem, "source-dead", fmt.Sprintf("%s holds an app password: Bitbucket ended those on %s", source.Name(), bitbucket.AppPasswordsEnded),
			"make an API token with scopes at " + bitbucket.TokenPage + ", and put that into " + source.Name()}
	case token.Kind == bitbucket.DataCenterToken:
		return finding{levelProblem, "source-dead", source.Name() + " holds a token of Bitbucket Data Center, which is not sent to " + bitbucket.Host, "make an API token with scopes at " + bitbucket.TokenPage + ", and put that into " + source.Name()}
	case bitbucket.ChecksumOf(token.Token) == bitbucket.BadChecksum:
		return finding{levelNote, "source-cut", fmt.Sprintf("the token from %s looks cut off or mistyped: its checksum does not fit", source.Name()), "copy it again from where it was made"}
	}
	return finding{levelOK, "source", fmt.Sprintf("the token comes from %s: %s", source.Name(), token.Kind), ""}
}

// askedFinding looks at a source that runs a command or asks the site, without either.
func askedFinding(source helper.Ambient) finding {
	consumer, ok := source.(*oauthSource)
	if !ok {
		return finding{levelOK, "source", "the token comes from " + source.Name() + ", which is not run here", ""}
	}
	_, _, err := consumer.ready()
	var known *sourceError
	if errors.As(err, &known) {
		return finding{levelProblem, "source-unusable", known.Error(), known.remedy}
	}
	return finding{levelOK, "source", "the token comes from the OAuth consumer in " + source.Name() + ", for which Bitbucket is not asked here", ""}
}

// chosen looks at the account that is named.
func (e *examination) chosen(named, chooses string, set []string) (fs []finding) {
	switch {
	case store.ValidName(named) != nil:
		fs = append(fs, finding{levelProblem, "account-unknown", "what " + chooses + " holds is no account's name, and is not shown", "type: git-credential-bitbucket status"})
	case e.bookErr == nil && e.book.Account(named) == nil:
		fs = append(fs, finding{levelProblem, "account-unknown", fmt.Sprintf("%s names account %s, which does not exist", chooses, named), "type: git-credential-bitbucket status"})
	}
	if len(set) > 0 {
		fs = append(fs, finding{levelNote, "sources-many", fmt.Sprintf("%s is not used, since %s names an account", strings.Join(set, " and "), chooses), "unset what is not meant"})
	}
	return fs
}

// ourLine is what the line by which git calls this helper here says before the operation.
func (e *examination) ourLine() call {
	for _, h := range install.Examine(e.lines, e.ours(), "", install.Surroundings{}).Helpers {
		if h.Command.Ours {
			return lineOf(h)
		}
	}
	return call{}
}

// checkEnvironment looks for variables that are in each other's way, or in ours.
func checkEnvironment(_ context.Context, e *examination) []finding {
	var fs []finding
	if value := e.env("BITBUCKET_APP_PASSWORD"); value != "" {
		fs = append(fs, finding{levelNote, "app-password-variable", "BITBUCKET_APP_PASSWORD is set, and is not read: Bitbucket ended app passwords on " + bitbucket.AppPasswordsEnded, "unset it, and set BITBUCKET_API_TOKEN"})
	}
	if email := e.env("BITBUCKET_EMAIL"); email != "" && (!strings.Contains(email, "@") || bitbucket.KindOf(secret.New(email)) != bitbucket.UnknownKind) {
		fs = append(fs, finding{levelProblem, "email-variable", "BITBUCKET_EMAIL holds no e-mail address", "set it to that of your Atlassian account"})
	}
	if value, set := e.lookup("GIT_TRACE_REDACT"); set && isNo(value) {
		for _, name := range []string{"GIT_TRACE_CURL", "GIT_CURL_VERBOSE"} {
			if trace := e.env(name); trace != "" && (!isNo(trace) || name == "GIT_CURL_VERBOSE") {
				fs = append(fs, finding{levelProblem, "trace-secrets", "GIT_TRACE_REDACT=0 with " + name + " writes each token into git's trace", "unset GIT_TRACE_REDACT"})
				break
			}
		}
	}
	for _, name := range []string{"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"} {
		if _, set := e.lookup(name); set && slices.ContainsFunc(e.lines, overrides) {
			fs = append(fs, finding{levelNote, "config-variables", name + " sets credential helpers for this shell alone", "unset it, or see what sets it"})
			break
		}
	}
	return fs
}

func overrides(l install.Line) bool {
	return l.Scope == install.ScopeCommand && strings.HasPrefix(l.Key, "credential.")
}

// isNo reads a boolean variable as git does.
func isNo(value string) bool {
	switch strings.ToLower(value) {
	case "0", "false", "no", "off", "":
		return true
	}
	return false
}
