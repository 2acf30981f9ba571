package leftovers

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// A household is where a helper runs, with what was said to it.
type household struct {
	testing.TB
	Helpers
	helper OtherHelper
	env    []string
	args   []string
}

// newHousehold has the helper of that name, which is looked for in dir and on PATH.
func newHousehold(t testing.TB, name, dir string, env ...string) *household {
	t.Helper()
	require.Tool(t, "git")
	git, err := exec.LookPath("git")
	must(t, err)
	h := &household{TB: t}
	h.helper = OtherHelpers()[slices.IndexFunc(OtherHelpers(), func(o OtherHelper) bool { return o.Name == name })]
	home, err := os.MkdirTemp("", "h") // a socket's path is short
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	paths := os.Getenv("PATH")
	if dir != "" {
		paths = dir + string(filepath.ListSeparator) + paths
	}
	h.env = append([]string{"HOME=" + home, "PATH=" + paths, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C"}, env...)
	h.Helpers = Helpers{Git: git, Paths: paths, Home: home, Run: h.run}
	return h
}

func (h *household) run(ctx context.Context, input, program string, args ...string) ([]byte, error) {
	h.args = append(h.args, args...)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Stdin, cmd.WaitDelay = h.env, strings.NewReader(input), time.Second
	return cmd.Output()
}

func (h *household) keep(user, password string) {
	h.Helper()
	_, err := h.run(h.Context(), question(user)+"password="+password+"\n\n", h.Git, "credential-"+h.helper.Name, "store")
	must(h, err)
}

// empties asks for three secrets and erases them, two under the usernames that git sends
// with tokens.
func (h *household) empties() {
	h.Helper()
	if !h.Has(h.Context(), h.helper.Name) {
		h.Fatal("git does not find the helper")
	}
	if got := h.Ask(h.Context(), h.helper); len(got) != 0 {
		h.Fatalf("at first: %+v", got)
	}
	h.keep("x-bitbucket-api-token-auth", alive)
	h.keep("x-token-auth", "another")
	h.keep("ann@example.com", dead)
	found := h.Ask(h.Context(), h.helper, "ann@example.com", "ann@example.com", "evil\nhost=example.com")
	if len(found) != 3 {
		h.Fatalf("%d findings: %+v", len(found), found)
	}
	for _, f := range found {
		want := map[string]string{"x-bitbucket-api-token-auth": alive, "x-token-auth": "another", "ann@example.com": dead}[f.User]
		if f.Secret.Reveal() != want || f.Name != h.helper.Name || f.Place != Helper || f.Host != "bitbucket.org" || f.What == "" || f.Path != "" {
			h.Errorf("%+v", f)
		}
	}
	for i, f := range found {
		if err := h.EraseFrom(h.Context(), f); err != nil {
			h.Errorf("%s: %v", f.User, err)
		}
		if left := h.Ask(h.Context(), h.helper, "ann@example.com"); len(left) != len(found)-1-i {
			h.Errorf("after %s: %+v", f.User, left)
		}
	}
	untold(h, strings.Join(h.args, " "), alive, dead, "another")
}

func TestCache(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		require.Absent(t, "git's credential cache wants sockets")
	}
	h := newHousehold(t, "cache", "")
	if h.CacheRuns() {
		t.Error("it runs before it was started")
	}
	t.Cleanup(func() { _, _ = h.run(context.Background(), "", h.Git, "credential-cache", "exit") })
	h.empties()
	if !h.CacheRuns() {
		t.Error("it does not run")
	}
}

func TestCacheRuns(t *testing.T) {
	t.Parallel()
	for _, path := range []string{".git-credential-cache/socket", ".cache/git/credential/socket", "xdg/git/credential/socket"} {
		home, err := os.MkdirTemp("", "h")
		must(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(home) })
		h := Helpers{Home: home}
		if strings.HasPrefix(path, "xdg") {
			h.Cache = filepath.Join(home, "xdg")
		}
		if h.CacheRuns() {
			t.Errorf("%s: runs without a socket", path)
		}
		socket := filepath.Join(home, path)
		must(t, os.MkdirAll(filepath.Dir(socket), 0o700))
		l, err := net.Listen("unix", socket)
		must(t, err)
		if !h.CacheRuns() {
			t.Errorf("%s: is not seen", path)
		}
		_ = l.Close()
	}
	if (Helpers{}).CacheRuns() {
		t.Error("it runs without a home")
	}
}

// git's own libsecret helper, built from the source that comes with git, on a real
// gnome-keyring.
func TestLibsecret(t *testing.T) {
	t.Parallel()
	const source = "/usr/share/doc/git/contrib/credential/libsecret/git-credential-libsecret.c"
	if _, err := os.Stat(source); err != nil {
		require.Absent(t, "git's contrib/credential/libsecret is not installed")
	}
	require.Tool(t, "cc", "pkg-config")
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libsecret-1", "glib-2.0").Output()
	if err != nil {
		require.Absent(t, "libsecret's headers are not installed (libsecret-1-dev)")
	}
	dir := t.TempDir()
	args := append([]string{"-w", "-o", filepath.Join(dir, "git-credential-libsecret"), source}, strings.Fields(string(flags))...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	keyring := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
	newHousehold(t, "libsecret", dir, keyring.Env...).empties()
}

// script puts a stand-in for a helper into a folder. It is none of the real ones: it
// answers as the script says.
func script(t testing.TB, name, text string) (dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		require.Absent(t, "scripts are not run on Windows")
	}
	require.Tool(t, "sh")
	dir = t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "git-credential-"+name), []byte("#!/bin/sh\n"+text), 0o700))
	return dir
}

func TestEraseFromIsProven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want error
		any  bool
		told int
	}{
		// The helper holds the same thing three times.
		"several copies": {text: `if test $1 = erase; then cat >/dev/null; echo x >>"$DIR/told"; fi
if test $1 = get && test "$(cat "$DIR/told" 2>/dev/null | wc -l)" -lt 3; then printf 'username=ann\npassword=secret\n'; fi`, told: 3},
		"does nothing":  {text: `if test $1 = erase; then echo x >>"$DIR/told"; else printf 'username=ann\npassword=secret\n'; fi`, want: ErrStillKept, told: 5},
		"another's now": {text: `if test $1 = erase; then echo x >>"$DIR/told"; else printf 'username=bob\npassword=secret\n'; fi`, told: 1},
		"fails":         {text: `exit 3`, any: true},
		// Git Credential Manager, not allowed to ask, ends so.
		"refuses to ask": {text: `if test $1 = erase; then echo x >>"$DIR/told"; else echo 'fatal: Cannot prompt because user interactivity has been disabled.' >&2; exit 1; fi`, told: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := script(t, "manager", c.text)
			h := newHousehold(t, "manager", dir, "DIR="+dir)
			err := h.EraseFrom(t.Context(), Finding{Place: Helper, Name: "manager", User: "ann", Secret: secret.New("secret")})
			if c.any && err == nil || !c.any && !errors.Is(err, c.want) || err != nil && strings.Contains(err.Error(), "password=") {
				t.Errorf("%v", err)
			}
			told, _ := os.ReadFile(filepath.Join(dir, "told"))
			if n := bytes.Count(told, []byte("\n")); n != c.told {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// A helper that hangs is asked once.
func TestAskAHangingHelper(t *testing.T) {
	t.Parallel()
	asked := 0
	h := Helpers{Git: "git", Run: func(context.Context, string, string, ...string) ([]byte, error) {
		asked++
		return []byte("password=x"), context.DeadlineExceeded
	}}
	if got := h.Ask(t.Context(), OtherHelper{Name: "manager"}); len(got) != 0 || asked != 1 {
		t.Errorf("asked %d times: %+v", asked, got)
	}
	if err := h.EraseFrom(t.Context(), Finding{Name: "manager", User: "a\nhost=b", Secret: secret.New("x")}); err == nil || asked != 1 {
		t.Error("a username with a line break is sent")
	}
}
