package bitbuckettest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Command does what one line of a script says. The package comment lists the lines.
func (s *Server) Command(args ...string) error {
	if len(args) == 0 {
		return errors.New("no command")
	}
	name, args := args[0], args[1:]
	switch name {
	case "repo":
		return s.commandRepo(args)
	case "commit":
		return s.commandCommit(args)
	case "token":
		return s.commandToken(args)
	case "consumer":
		return s.commandConsumer(args)
	case "oauth":
		return s.commandOAuth(args)
	case "fault":
		return s.commandFault(args)
	case "expect":
		return s.commandExpect(args)
	case "reset":
		s.ResetLog()
		return nil
	}
	if len(args) != 1 {
		return fmt.Errorf("%q with %d words behind it is no command", name, len(args))
	}
	switch name {
	case "revoke":
		return s.Revoke(args[0])
	case "expire":
		return s.Expire(args[0])
	case "clock":
		return s.commandClock(args[0])
	case "host":
		s.AddHost(args[0])
		return nil
	}
	return fmt.Errorf("no command %q", name)
}

// Query answers one line of a script. The package comment lists the lines.
func (s *Server) Query(args ...string) (string, error) {
	if len(args) == 0 {
		return "", errors.New("no query")
	}
	name, args := args[0], args[1:]
	switch name + " " + strconv.Itoa(len(args)) {
	case "rejected 0":
		return fmt.Sprintln(s.Rejected()), nil
	case "gitconfig 0":
		return s.GitConfig(), nil
	case "env 0":
		return strings.Join(s.Env(), "\n") + "\n", nil
	case "proxy 0":
		return s.ProxyURL() + "\n", nil
	case "ca 0":
		return s.CAFile() + "\n", nil
	case "text 1":
		text, err := s.textOf(args[0])
		return text + "\n", err
	case "refresh 1":
		return s.refreshFingerprint(args[0])
	case "alive-refresh 1":
		n, err := s.RefreshTokensAlive(args[0])
		return fmt.Sprintln(n), err
	case "head 1":
		head, err := s.Head(args[0])
		return head + "\n", err
	case "cat 2":
		return s.File(args[0], args[1])
	}
	fits, err := Filter(args...)
	if err != nil {
		return "", err
	}
	switch name {
	case "count":
		return fmt.Sprintln(s.Count(fits)), nil
	case "log":
		return s.lines(fits), nil
	}
	return "", fmt.Errorf("no query %q with %d words behind it", name, len(args))
}

// queries are the first words that Query understands.
var queries = []string{"rejected", "gitconfig", "env", "proxy", "ca", "text", "refresh", "alive-refresh", "head", "cat", "count", "log"}

func (s *Server) lines(fits func(Request) bool) string {
	var text strings.Builder
	for _, r := range s.Log() {
		if fits(r) {
			fmt.Fprintln(&text, r)
		}
	}
	return text.String()
}

func (s *Server) commandRepo(args []string) error {
	if len(args) == 0 {
		return errors.New("repo: want WORKSPACE/REPO")
	}
	repo := Repo{Name: args[0], Files: map[string]string{}}
	for _, word := range args[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "public":
			repo.Public = true
		case "submodules":
			repo.Submodules = strings.Split(value, ",")
		case "file":
			path, content, _ := strings.Cut(value, ":")
			repo.Files[path] = content + "\n"
		default:
			return fmt.Errorf("repo: %q: want public, file=PATH:TEXT or submodules=WORKSPACE/REPO,…", word)
		}
	}
	return s.AddRepo(repo)
}

func (s *Server) commandCommit(args []string) error {
	if len(args) != 3 {
		return errors.New("commit: want WORKSPACE/REPO PATH TEXT")
	}
	return s.Commit(args[0], map[string]string{args[1]: args[2] + "\n"})
}

func (s *Server) commandToken(args []string) error {
	if len(args) == 0 {
		return errors.New("token: want a name")
	}
	token := Token{Name: args[0], Kind: KindAPI}
	scopes := "read,write,user"
	err := options(args[1:], map[string]func(string) error{
		"kind":       func(v string) error { token.Kind = Kind(v); return nil },
		"text":       text(&token.Text),
		"owner":      text(&token.Username),
		"email":      text(&token.Email),
		"display":    quoted(&token.DisplayName),
		"nickname":   quoted(&token.Nickname),
		"scopes":     text(&scopes),
		"workspaces": list(&token.Workspaces),
		"repos":      list(&token.Repos),
		"expires": func(v string) error {
			d, err := time.ParseDuration(v)
			token.Expires = s.Now().Add(d)
			return err
		},
	})
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if scopes != "" && scopes != "none" {
		token.Scopes = strings.Split(scopes, ",")
	}
	return s.AddToken(token)
}

func (s *Server) commandFault(args []string) error {
	if len(args) == 0 {
		return errors.New("fault: want a kind or none")
	}
	if args[0] == "none" && len(args) == 1 {
		s.ClearFaults()
		return nil
	}
	fault := Fault{Kind: args[0]}
	err := options(args[1:], map[string]func(string) error{
		"repo":     text(&fault.Repo),
		"token":    text(&fault.Token),
		"at":       text(&fault.At),
		"requests": text(&fault.Requests),
		"to":       text(&fault.To),
		"after":    number(&fault.After),
		"times":    number(&fault.Times),
		"for":      duration(&fault.For),
		"retry":    duration(&fault.RetryAfter),
		"delay":    duration(&fault.Delay),
		"by":       duration(&fault.By),
		"status":   number(&fault.Status),
		"grant":    text(&fault.Grant),
		"field":    text(&fault.Field),
		"value":    text(&fault.Value),
	})
	if err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	return s.AddFault(fault)
}

// commandExpect compares a count of the log, N or N+, and shows the log if it is another.
func (s *Server) commandExpect(args []string) error {
	if len(args) == 0 {
		return errors.New("expect: want a number")
	}
	digits, atLeast := strings.CutSuffix(args[0], "+")
	want, err := strconv.Atoi(digits)
	if err != nil {
		return fmt.Errorf("expect: %w", err)
	}
	got := s.Rejected()
	if !slices.Equal(args[1:], []string{"rejected"}) {
		fits, err := Filter(args[1:]...)
		if err != nil {
			return fmt.Errorf("expect: %w", err)
		}
		got = s.Count(fits)
	}
	if got == want || atLeast && got > want {
		return nil
	}
	every := func(Request) bool { return true }
	return fmt.Errorf("want %s, have %d requests: %s; the log:\n%s", args[0], got, strings.Join(args[1:], " "), s.lines(every))
}

func options(words []string, known map[string]func(string) error) error {
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		set := known[key]
		if !ok || set == nil {
			return fmt.Errorf("%q: want KEY=VALUE with one of %s", word, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if err := set(value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func text(to *string) func(string) error {
	return func(v string) error { *to = v; return nil }
}

// quoted understands Go's escapes, since a line of a script cannot hold the characters themselves.
func quoted(to *string) func(string) error {
	return func(v string) (err error) { *to, err = strconv.Unquote(`"` + v + `"`); return err }
}

func list(to *[]string) func(string) error {
	return func(v string) error { *to = strings.Split(v, ","); return nil }
}

func number(to *int) func(string) error {
	return func(v string) (err error) { *to, err = strconv.Atoi(v); return err }
}

func duration(to *time.Duration) func(string) error {
	return func(v string) (err error) { *to, err = time.ParseDuration(v); return err }
}
