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
func Setup(env *testscript.Env) error {
	s, err := Start(filepath.Join(env.WorkDir, ".bitbucket"))
	if err != nil {
		return err
	}
	env.Defer(s.Close)
	env.Values[scriptKey{}] = s
	env.Vars = append(env.Vars, s.Env()...)
	return nil
}

// FromScript is the server that Setup started.
func FromScript(ts *testscript.TestScript) *Server { return ts.Value(scriptKey{}).(*Server) }

// Script is the testscript command "bitbucket": a Command or a Query by its first word.
// An answer goes to the command's standard output, where "stdout" and "cp stdout FILE" find it.
// "! bitbucket …" wants it to fail.
func Script(ts *testscript.TestScript, neg bool, args []string) {
	s := FromScript(ts)
	var out string
	var err error
	if len(args) > 0 && slices.Contains(Queries(), args[0]) {
		out, err = s.Query(args...)
	} else {
		err = s.Command(args...)
	}
	switch {
	case neg && err == nil:
		ts.Fatalf("bitbucket: unexpected success")
	case !neg && err != nil:
		ts.Fatalf("bitbucket: %v", err)
	}
	_, _ = fmt.Fprint(ts.Stdout(), out)
}
