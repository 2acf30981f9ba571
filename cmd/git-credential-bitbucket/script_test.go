package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/internal/require"
)

// The scripts in testdata/script run real git against the test Bitbucket. The helper
// that git calls is this test binary under the program's name: it is the program, but
// for its clock, which a script sets.

const (
	// clockVariable names a file with the time at which the program believes to be.
	clockVariable = "SCRIPT_CLOCK"
	// lastingVariable makes the program believe that it is in no temporary folder.
	lastingVariable = "SCRIPT_LASTING"
	// containerVariable makes the program believe that it is in a container; the tests
	// often are.
	containerVariable = "SCRIPT_CONTAINER"
	// noRaceSleep keeps the race detector from sleeping a second at each program's end.
	noRaceSleep = "GORACE=atexit_sleep_ms=0"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		testKeeper: keepTestGrant,
		"git-credential-bitbucket": func() {
			p := self()
			p.now = scriptNow
			p.wait = func(ctx context.Context, d time.Duration) error { return wait(ctx, d/20) }
			p.contained = func() bool { return os.Getenv(containerVariable) != "" }
			if os.Getenv(lastingVariable) != "" {
				p.executable = lastingExecutable
			}
			os.Exit(int(p.run()))
		},
		"browse":        browse,
		"sops-stand-in": sopsStandIn,
	})
}

// lastingExecutable spells the path so that it does not look temporary.
func lastingExecutable() (string, error) {
	path, err := os.Executable()
	return "/." + path, err
}

// scriptNow is the time in the clock's file, or the real time where there is none.
func scriptNow() time.Time {
	data, err := os.ReadFile(os.Getenv(clockVariable))
	if err != nil {
		return time.Now()
	}
	t, err := time.Parse(time.RFC3339Nano, string(data))
	if err != nil {
		panic(err)
	}
	return t
}

func TestScripts(t *testing.T) {
	detach()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup:               setupScript,
		Condition:           scriptCondition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bitbucket": bitbuckettest.Script,
			"clock":     setClock,
			"page":      seePage,
			"port":      freePort,
			"take":      takePort,
			"exits":     wantStatus,
			"granted":   makeGranted,
			"keyring":   startKeyring,
			"pass":      startPass,
			"recipe":    takeRecipe,
			"aws":       serveAWS,
			"request":   writeRequest,
			"ready":     makeReady,
			"helper":    runHelper,
			"together":  runTogether,
		},
	})
}

// setupScript gives a script a home of its own, in which git knows the test Bitbucket,
// and in which nobody can be asked.
func setupScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	server, err := bitbuckettest.Setup(env)
	if err != nil {
		return err
	}
	config := server.GitConfig() + "[user]\n\tname = Script\n\temail = script@example.invalid\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config), 0o600); err != nil {
		return err
	}
	env.Vars = append(env.Vars, noRaceSleep)
	for name, value := range map[string]string{
		"HOME":                home,
		"GIT_CONFIG_NOSYSTEM": "1",
		"GIT_TERMINAL_PROMPT": "0",
		// Without it the person's own bus may be found in /run/user.
		"DBUS_SESSION_BUS_ADDRESS": "disabled:",
		// With -race each process would sleep a second when it ends.
		"GORACE":      "atexit_sleep_ms=0",
		"TZ":          "UTC",
		"LC_ALL":      "C",
		clockVariable: filepath.Join(env.WorkDir, ".clock"),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// scriptCondition is [real:PROGRAM]: the program is on PATH, see findReal. Where nothing may be left
// out, one that is not fails the script.
func scriptCondition(condition string) (bool, error) {
	name, ok := strings.CutPrefix(condition, "real:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", condition)
	}
	err := findReal(name)
	if err != nil && require.Everything() {
		return false, err
	}
	return err == nil, nil
}

// setClock stops the program's clock: "clock 2026-11-23T12:00:00Z" sets it, "clock +30s"
// and "clock +7d" move it on, "clock real" lets it run.
func setClock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock TIME|+DURATION|real")
	}
	file := ts.Getenv(clockVariable)
	if args[0] == "real" {
		ts.Check(os.RemoveAll(file))
		return
	}
	var t time.Time
	if step, ok := strings.CutPrefix(args[0], "+"); ok {
		data, err := os.ReadFile(file)
		ts.Check(err)
		t, err = time.Parse(time.RFC3339Nano, string(data))
		ts.Check(err)
		if days, ok := strings.CutSuffix(step, "d"); ok {
			n, err := strconv.Atoi(days)
			ts.Check(err)
			t = t.AddDate(0, 0, n)
		} else {
			d, err := time.ParseDuration(step)
			ts.Check(err)
			t = t.Add(d)
		}
	} else {
		var err error
		t, err = time.Parse(time.RFC3339Nano, args[0])
		ts.Check(err)
	}
	ts.Check(os.WriteFile(file, []byte(t.Format(time.RFC3339Nano)), 0o600))
}

// writeRequest writes a request of git's protocol: "request FILE protocol=https …", each
// argument a line. \r, \n and \x00 in an argument stand for the bytes, and WORKSPACE/REPO
// for the lines that git sends for that repository.
func writeRequest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: request FILE LINE...")
	}
	var out strings.Builder
	for _, line := range args[1:] {
		if !strings.Contains(line, "=") && strings.Count(line, "/") == 1 {
			line = `protocol=https\nhost=bitbucket.org\npath=` + line + ".git"
		}
		plain, err := strconv.Unquote(`"` + strings.ReplaceAll(line, `"`, `\"`) + `"`)
		ts.Check(err)
		out.WriteString(plain + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o600))
}

// runHelper calls the program as git does and wants an exit status of it:
// "helper 3 get acme/app", "helper 0 erase acme/app password=$TOKEN".
func runHelper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: helper STATUS OPERATION LINE...")
	}
	request := filepath.Join(ts.Getenv("WORK"), ".request")
	writeRequest(ts, false, append([]string{request}, args[2:]...))
	wantStatus(ts, false, append([]string{args[0]}, withInput(request, "git-credential-bitbucket", args[1])...))
}

// runTogether gets what so many processes answer that ask at the same moment:
// "together 10 acme/app".
func runTogether(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: together NUMBER LINE...")
	}
	request := filepath.Join(ts.Getenv("WORK"), ".request")
	writeRequest(ts, false, append([]string{request}, args[1:]...))
	const each = `i=0; while [ $i -lt $1 ]; do git-credential-bitbucket get <"$0" & i=$((i+1)); done; wait`
	ts.Check(ts.Exec("sh", "-c", each, request, args[0]))
}

// makeReady makes a token known to the test Bitbucket, stores it, and tells git to ask
// the program: "ready NAME [KEY=VALUE of bitbucket token]... [FLAG of store]...".
func makeReady(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ready NAME [KEY=VALUE]... [FLAG]...")
	}
	flags := len(args)
	if i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-") }); i > 0 {
		flags = i
	}
	server := bitbuckettest.FromScript(ts)
	ts.Check(server.Command(append([]string{"token"}, args[:flags]...)...))
	token, _ := server.Token(args[0])
	file := filepath.Join(ts.Getenv("WORK"), ".token")
	ts.Check(os.WriteFile(file, []byte(token.Text), 0o600))
	store := append([]string{"git-credential-bitbucket", "store", "--token-stdin", "--no-verify", "--backend=file"}, args[flags:]...)
	wantStatus(ts, false, append([]string{"0"}, withInput(file, store...)...))
	ts.Check(os.Remove(file))
	askUs(ts)
}

// askUs lets git ask the program.
func askUs(ts *testscript.TestScript) {
	config := filepath.Join(ts.Getenv("HOME"), ".gitconfig")
	text, err := os.ReadFile(config)
	ts.Check(err)
	if !strings.Contains(string(text), gitAsksUs) {
		ts.Check(os.WriteFile(config, append(text, gitAsksUs...), 0o600))
	}
}

// gitAsksUs is what the command install sets, with the program by its name.
const gitAsksUs = `[credential "https://bitbucket.org"]
	helper =
	helper = bitbucket
	useHttpPath = true
`

// withInput is a command that runs another with the file as standard input.
func withInput(file string, command ...string) []string {
	return append([]string{"sh", "-c", `exec "$@" <"$0"`, file}, command...)
}
