package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Git is how git is run.
type Git struct {
	Path    string        // absolute
	Env     []string      // the whole environment, "KEY=value"
	Dir     string        // working folder; "" is the process's
	Timeout time.Duration // of one call; 0 is 10 s
}

// A Version of git; what follows the numbers is dropped.
type Version struct{ Major, Minor, Patch int }

// Oldest is the first git that prints scopes (git config --show-scope) and matches
// credential URLs as this package does (git's release notes for 2.26.0).
var Oldest = Version{2, 26, 0}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool {
	if v.Major != w.Major {
		return v.Major < w.Major
	}
	if v.Minor != w.Minor {
		return v.Minor < w.Minor
	}
	return v.Patch < w.Patch
}

var versionLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^git version (\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?`)
})

func parseVersion(s string) (v Version, ok bool) {
	m := versionLine().FindStringSubmatch(s)
	if m == nil {
		return v, false
	}
	v.Major, _ = strconv.Atoi(m[1])
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	return v, true
}

// Version asks git for its own.
func (g Git) Version(ctx context.Context) (Version, error) {
	out, err := g.run(ctx, "version")
	if err != nil {
		return Version{}, err
	}
	v, ok := parseVersion(out)
	if !ok {
		return v, &GitError{Command: "version", Err: fmt.Errorf("unexpected answer %.40q", out)}
	}
	return v, nil
}

// newEnough returns git's version, or a *TooOldError.
func (g Git) newEnough(ctx context.Context) (Version, error) {
	v, err := g.Version(ctx)
	if err == nil && v.Before(Oldest) {
		err = &TooOldError{v}
	}
	return v, err
}

// run returns what git wrote to its standard output. Errors are *GitError, wrapping
// the context's error where that ended it.
func (g Git) run(ctx context.Context, args ...string) (string, error) {
	return g.feed(ctx, "", args...)
}

// feed is run with something for git to read.
func (g Git) feed(ctx context.Context, input string, args ...string) (string, error) {
	limit := g.Timeout
	if limit == 0 {
		limit = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.Path, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = g.Dir, g.environment(), time.Second
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	err := cmd.Run()
	if err == nil {
		return out.String(), nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.String(), &GitError{Command: describe(args), Stderr: strings.TrimSpace(errs.String()), Err: err}
}

// environment is g.Env in git's own language, as messages are told apart by their
// words, and without GIT_CONFIG, which turns every "git config" into "git config
// --file" (git-config's manual, ENVIRONMENT).
func (g Git) environment() []string {
	env := make([]string, 0, len(g.Env)+1)
	for _, e := range g.Env {
		if !strings.HasPrefix(e, "GIT_CONFIG=") {
			env = append(env, e)
		}
	}
	return append(env, "LC_ALL=C")
}

// lookup is the last value of a variable in g.Env, as a process would see it.
func (g Git) lookup(name string) (value string, ok bool) {
	for _, e := range g.Env {
		if v, found := strings.CutPrefix(e, name+"="); found {
			value, ok = v, true
		}
	}
	return value, ok
}

func describe(args []string) string {
	words := args[:1:1]
	for _, a := range args[1:] {
		if a == "--" {
			break
		}
		if strings.HasPrefix(a, "--") {
			words = append(words, a)
		}
	}
	return strings.Join(words, " ")
}

// exitCode is git's exit status, or -1 where it did not get as far as that.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}
