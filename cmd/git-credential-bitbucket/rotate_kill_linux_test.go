//go:build linux && (amd64 || arm64)

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// Wherever a rotate or a rollback is killed, git gets the old token or the new one, no
// record points to nothing, and whatever is typed next takes up what was left.

var first, second, third, fourth = bitbuckettest.APIToken("first"), bitbuckettest.APIToken("second"), bitbuckettest.APIToken("third"), bitbuckettest.APIToken("fourth")

// called is the token's name, for no test shows one.
func called(token string) string {
	for name, known := range map[string]string{"none": "", "the first": first, "the second": second, "the third": third, "the fourth": fourth} {
		if token == known {
			return name
		}
	}
	return "another one"
}

// A kit is a home with a program that is built without the race detector: it is started
// a thousand times.
type kit struct {
	*testing.T
	program, home, backend, account string
	env                             []string
}

func buildProgram(t *testing.T) string {
	t.Helper()
	require.Tool(t, "go")
	program := filepath.Join(t.TempDir(), "git-credential-bitbucket")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func newKit(t *testing.T, program, home, account, backend string, env ...string) *kit {
	return (&kit{t, program, "", backend, account, append([]string{
		"", "", "BITBUCKET_CREDENTIAL_BACKEND=" + backend, "PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1", "CI=1",
	}, env...)}).in(home)
}

// in is the kit in another home.
func (k *kit) in(home string) *kit {
	other := *k
	other.home, other.env = home, slices.Clone(k.env)
	other.env[0], other.env[1] = "HOME="+home, "TMPDIR="+home
	return &other
}

// newHome is a folder in memory where there is one: a disk's fsync takes longer than all
// the rest.
func newHome(t *testing.T) string {
	t.Helper()
	home, err := os.MkdirTemp("/dev/shm", "rotate")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	return home
}

// copied is the kit in a copy of its home.
func (k *kit) copied() *kit {
	k.Helper()
	home := newHome(k.T)
	err := filepath.WalkDir(k.home, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := home + strings.TrimPrefix(path, k.home)
		if entry.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		data, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(to, data, 0o600))
	})
	if err != nil {
		k.Fatal(err)
	}
	return k.in(home)
}

func (k *kit) command(token string, args ...string) *exec.Cmd {
	k.Helper()
	cmd := &exec.Cmd{Path: k.program, Args: append([]string{k.program}, args...), Dir: k.home, Env: k.env}
	if token != "" {
		file := filepath.Join(k.home, ".stdin")
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			k.Fatal(err)
		}
		in, err := os.Open(file)
		if err != nil {
			k.Fatal(err)
		}
		k.Cleanup(func() { _ = in.Close() })
		cmd.Stdin = in
	}
	return cmd
}

// run returns what the program printed, both streams.
func (k *kit) run(token string, args ...string) (out string, status int) {
	k.Helper()
	cmd := k.command(token, args...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		k.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func (k *kit) must(token string, args ...string) {
	k.Helper()
	if out, status := k.run(token, args...); status != 0 {
		k.Fatalf("%v: exit status %d: %s", args, status, out)
	}
}

// gets is the token that git would get.
func (k *kit) gets() string {
	k.Helper()
	out, _ := k.run(onBitbucket+"\n", "--account", k.account, "get")
	_, password, _ := strings.Cut(out, "password=")
	return strings.TrimSuffix(password, "\n")
}

func (k *kit) records() string {
	return filepath.Join(k.home, ".config", "git-credential-bitbucket")
}

// holds is the token that the backend has under the account's key with that ending.
func (k *kit) holds(ending string) string {
	k.Helper()
	config := store.Config{FileDir: filepath.Join(k.records(), "secrets")}
	for _, line := range k.env {
		if address, ok := strings.CutPrefix(line, "DBUS_SESSION_BUS_ADDRESS="); ok {
			config.BusAddress = address
		}
	}
	vault := store.NewVault(func(name string) (store.Backend, error) { return store.Open(name, config) })
	token, err := vault.Get(k.Context(), k.backend, k.account+ending)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		k.Errorf("%s%s: %v", k.account, ending, err)
	}
	return token.Reveal()
}

func (k *kit) recorded(records *store.Accounts) store.Account {
	k.Helper()
	snapshot, err := records.Read()
	if err != nil {
		k.Fatal(err)
	}
	a, _, err := snapshot.Account(k.account)
	if err != nil {
		k.Fatal(err)
	}
	return a
}

// sound is what is true after a kill. It returns the token that git gets.
func (k *kit) sound() string {
	k.Helper()
	got := k.gets()
	if got != first && got != second {
		k.Errorf("git gets %s", called(got))
	}
	if k.recorded(store.OpenPrevious(k.records())).Fingerprint != "" && k.holds("#previous") == "" {
		k.Error("the record of the previous token points to nothing")
	}
	return got
}

// clean is what is true after a command that came to its end: nothing lies about but what
// the records say.
func (k *kit) clean(present, previous string) {
	k.Helper()
	if got := k.gets(); got != present {
		k.Errorf("git gets %s, want %s", called(got), called(present))
	}
	for ending, want := range map[string]string{"#previous": previous, "#aside": ""} {
		if got := k.holds(ending); got != want {
			k.Errorf("%s%s holds %s, want %s", k.account, ending, called(got), called(want))
		}
	}
	if present == "" && k.holds("") != "" {
		k.Error("a token lies about")
	}
	for records, token := range map[*store.Accounts]string{store.OpenAccounts(k.records()): present, store.OpenPrevious(k.records()): previous} {
		if a := k.recorded(records); a.Fingerprint != secret.New(token).Fingerprint() && token != "" || a.Name != "" && token == "" {
			k.Errorf("%s says %+v", records.Path(), a)
		}
	}
	wanted := []string{"accounts", "accounts.lock", "previous", "previous.lock", "writer.lock", "secrets", "key", "lock"}
	for ending, token := range map[string]string{"": present, "#previous": previous} {
		if token != "" && k.backend == store.BackendFile {
			wanted = append(wanted, "keyfile-"+k.account+ending)
		}
	}
	err := filepath.WalkDir(k.records(), func(path string, entry os.DirEntry, err error) error {
		if path != k.records() && !slices.Contains(wanted, entry.Name()) {
			k.Errorf("%s lies about", path)
		}
		return err
	})
	if err != nil {
		k.Error(err)
	}
}

// follow types one of the commands that may come after a kill, which left git with the
// token before, and checks what becomes of it.
func (k *kit) follow(next, before string, a attempt) {
	k.Helper()
	switch next {
	case "rotate":
		k.types(typed{fourth, rotates})
		k.clean(fourth, before)
	case "rollback":
		rolled := slices.Contains(a.killed.args, "--rollback")
		half := before != second && k.recorded(store.OpenAccounts(k.records())).Fingerprint == secret.New(second).Fingerprint()
		out, status := k.run("", append(rollback, "--account", k.account)...)
		switch {
		case status == 1 && strings.Contains(out, " to go back to") && before == first && !rolled:
			k.clean(first, "") // the new token had not come
		case status != 0:
			k.Errorf("exit status %d: %s", status, out)
		case before == second:
			k.clean(first, second)
		case half:
			k.clean(first, second)
		case rolled:
			k.clean(second, first)
		default:
			k.clean(a.made[0].token, first) // nothing had happened yet
		}
	case "forget":
		k.must("", "forget", k.account)
		k.clean("", "")
	case "again":
		out, status := k.run(second, append(rotates, "--account", k.account)...)
		if status != 0 && !strings.Contains(out, " has already; ") {
			k.Errorf("exit status %d: %s", status, out)
		}
		k.clean(second, first)
	}
}

// An attempt is a command that is to be killed, and what made the home in which it is
// typed: the command lines with their tokens.
type attempt struct {
	name   string
	made   []typed
	killed typed
	follow []string
}

type typed struct {
	token string
	args  []string
}

var (
	rotates  = []string{"rotate", "--no-verify", "--token-stdin"}
	rollback = []string{"rotate", "--no-verify", "--rollback"}
	stores   = []string{"store", "--no-verify", "--token-stdin"}
)

var attempts = []attempt{
	{"rotate", []typed{{first, stores}}, typed{second, rotates}, []string{"rotate", "rollback", "forget", "again"}},
	{"second rotate", []typed{{third, stores}, {first, rotates}}, typed{second, rotates}, []string{"rollback", "forget"}},
	{"rollback", []typed{{first, stores}, {second, rotates}}, typed{"", rollback}, []string{"rotate", "rollback", "forget"}},
}

func (k *kit) types(what typed) {
	k.Helper()
	k.must(what.token, append(what.args, "--account", k.account)...)
}

// kill types the attempt's command and kills it at that change of those that count.
func (k *kit) kill(a attempt, number int, counts func(what string) bool) (at string) {
	k.Helper()
	killer := killer{number: number, counts: counts}
	at, status, err := killer.kill(k.command(a.killed.token, append(a.killed.args, "--account", k.account)...))
	if err != nil || at == "" && status != 0 {
		k.Fatalf("unharmed it ends with %d, %v", status, err)
	}
	return at
}

func TestKilledRotate(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	for _, a := range attempts {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			origin := newKit(t, program, newHome(t), "work", store.BackendFile, "DBUS_SESSION_BUS_ADDRESS=disabled:")
			for _, what := range a.made {
				origin.types(what)
			}
			for n := 1; ; n++ {
				k := origin.copied()
				at := k.kill(a, n, func(string) bool { return true })
				if at == "" {
					if t.Logf("killed at %d changes", n-1); n < 25 {
						t.Error("fewer changes than there are")
					}
					break
				}
				before := k.sound()
				for _, next := range a.follow {
					k.copied().follow(next, before, a)
				}
				if t.Failed() {
					t.Fatalf("killed at change %d, %s", n, at)
				}
			}
		})
	}
}

func toOthers(what string) bool { return strings.Contains(what, "socket:") }

// The same in the system's keyring, which has a request for each change. What it holds
// cannot be copied: one command follows each kill, in turn.
func TestKilledRotateInKeyring(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	keyring := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	for i, a := range attempts {
		for n := 1; ; n++ {
			k := newKit(t, program, newHome(t), fmt.Sprintf("k%d-%d", i, n), store.BackendKeyring, "DBUS_SESSION_BUS_ADDRESS="+keyring.Address)
			for _, what := range a.made {
				k.types(what)
			}
			at := k.kill(a, n, toOthers)
			if at == "" {
				if t.Logf("%s: killed at %d changes", a.name, n-1); n < 5 {
					t.Error("fewer changes than there are")
				}
				break
			}
			before := k.sound()
			k.follow(a.follow[n%len(a.follow)], before, a)
			if t.Failed() {
				t.Fatalf("%s: killed at change %d, %s", a.name, n, at)
			}
		}
	}
}
