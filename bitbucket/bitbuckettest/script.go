package bitbuckettest

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"
)

type scriptKey struct{}

// Setup starts a server for one script, in .bitbucket of its work directory, and sets Env in the script's
// environment: to be called from testscript.Params.Setup. The server ends with the script.
func Setup(env *testscript.Env) (*Server, error) {
	s, err := Start(filepath.Join(env.WorkDir, ".bitbucket"))
	if err != nil {
		return nil, err
	}
	env.Defer(s.Close)
	env.Values[scriptKey{}] = s
	env.Vars = append(env.Vars, s.Env()...)
	return s, nil
}

// FromScript is the server that Setup started.
func FromScript(ts *testscript.TestScript) *Server { return ts.Value(scriptKey{}).(*Server) }

// Script is the testscript command "bitbucket": a Command or a Query by its first word, and beside these
// "bitbucket export VARIABLE NAME", which puts the text of a token into the script's environment.
// A Query's answer goes to the command's standard output, where "stdout PATTERN", "stdin stdout" and
// "cp stdout FILE" find it. "! bitbucket …" wants it to fail.
func Script(ts *testscript.TestScript, neg bool, args []string) {
	err := script(ts, FromScript(ts), args)
	switch {
	case neg && err == nil:
		ts.Fatalf("bitbucket: unexpected success")
	case !neg && err != nil:
		ts.Fatalf("bitbucket: %v", err)
	}
}

func script(ts *testscript.TestScript, s *Server, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "export":
		text, err := s.textOf(args[2])
		if err == nil {
			ts.Setenv(args[1], text)
		}
		return err
	case len(args) > 0 && slices.Contains(queries, args[0]):
		out, err := s.Query(args...)
		_, _ = fmt.Fprint(ts.Stdout(), out)
		return err
	}
	return s.Command(args...)
}
