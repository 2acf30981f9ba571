package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// An errand is done by the test binary run anew, as a process of its own: to be
// killed, traced, or started with another environment.
type errand struct {
	Op      string // "get", "set", "delete", "choose", "bus"
	Backend string
	Key     string
	Value   string
	Rounds  int // how often; Value then stands for itself and its number
	Phrase  string
	Person  bool
	Full    bool // no file can grow
	Config  place
}

// place is store.Config as far as it can be written down.
type place struct{ Service, BusAddress, PassDir, FileDir string }

// An outcome is what the errand came to.
type outcome struct {
	Value string
	Error string
	Kinds []string // the package's errors that Error wraps
	Waits int      // calls of Config.Waiting
	Took  time.Duration
}

var kinds = map[string]error{
	"not found": store.ErrNotFound, "locked": store.ErrLocked, "absent": store.ErrAbsent, "no keyring": store.ErrNoKeyring,
	"refused": store.ErrRefused, "damaged": store.ErrDamaged, "timeout": store.ErrTimeout,
}

func kindsOf(err error) (found []string) {
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

const errandVariable = "STORE_TEST_ERRAND"

func TestMain(m *testing.M) {
	text := os.Getenv(errandVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(e.do())
}

func (e errand) config() store.Config {
	c := store.Config{
		Service: e.Config.Service, BusAddress: e.Config.BusAddress, PassDir: e.Config.PassDir, FileDir: e.Config.FileDir,
		Person: e.Person,
	}
	if e.Phrase != "" {
		c.Passphrase = passphrase(e.Phrase)
	}
	return c
}

func (e errand) do() (out outcome) {
	if e.Full {
		fillDisk()
	}
	c := e.config()
	c.Waiting = func(string, time.Duration) { out.Waits++ }
	begun := time.Now()
	err := func() error {
		b, err := store.Open(e.Backend, c)
		switch {
		case e.Op == "bus":
			out.Value = os.Getenv("DBUS_SESSION_BUS_ADDRESS")
			return nil
		case e.Op == "choose":
			choice, err := store.Choose(context.Background(), c)
			out.Value = choice.Backend
			return err
		case err != nil:
			return err
		case e.Op == "get":
			value, err := b.Get(context.Background(), e.Key)
			out.Value = value.Reveal()
			return err
		case e.Op == "delete":
			return b.Delete(context.Background(), e.Key)
		}
		if e.Rounds == 0 {
			return b.Set(context.Background(), e.Key, secret.New(e.Value))
		}
		for i := range e.Rounds {
			if err := b.Set(context.Background(), e.Key, secret.New(fmt.Sprintf("%s%d", e.Value, i))); err != nil {
				return err
			}
		}
		return nil
	}()
	out.Took = time.Since(begun)
	if err != nil {
		out.Error, out.Kinds = err.Error(), kindsOf(err)
	}
	return out
}

// command is the process that does the errand, behind a prefix such as strace's.
// Nothing of this process's environment but PATH and env reaches it.
func (e errand) command(t testing.TB, prefix []string, env ...string) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(slices.Clone(prefix), self)
	const longest = 90 * time.Second // a process that hangs before main keeps no deadline itself
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = append(childEnv(t, errandVariable+"="+string(text)), env...)
	return cmd
}

// childEnv has nothing of this process's environment but PATH. The race detector's
// report at exit takes a second that nobody needs.
func childEnv(t testing.TB, what string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GORACE=atexit_sleep_ms=0", what}
}

const insideVariable = "STORE_TEST_INSIDE"

// inside runs one test, which does nothing elsewhere, in a process of its own with
// that prefix and environment.
func inside(t *testing.T, name string, prefix []string, env ...string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := append(slices.Clone(prefix), self, "-test.run=^"+name+"$", "-test.v")
	cmd := exec.CommandContext(t.Context(), line[0], line[1:]...)
	cmd.Env = append(childEnv(t, insideVariable+"="+name), env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	t.Logf("%s", out)
}

func isInside(t *testing.T) bool { return os.Getenv(insideVariable) == t.Name() }

// run has the errand done.
func (e errand) run(t testing.TB, prefix []string, env ...string) outcome {
	t.Helper()
	cmd := e.command(t, prefix, env...)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, trouble.String())
	}
	_, text2, found := strings.Cut(string(text), "{")
	var out outcome
	if err := json.Unmarshal([]byte("{"+text2), &out); err != nil || !found {
		t.Fatalf("%s printed %q: %v", cmd, text, err)
	}
	return out
}

// expect fails the test unless the error is of exactly these kinds.
func (o outcome) expect(t testing.TB, kinds ...string) {
	t.Helper()
	slices.Sort(kinds)
	if !slices.Equal(o.Kinds, kinds) || (len(kinds) == 0) != (o.Error == "") {
		t.Errorf("error %q of kinds %q, want %q", o.Error, o.Kinds, kinds)
	}
}

func timeout(t *testing.T, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), limit)
}
