package leftovers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// ErrStillKept: a helper answers with a secret that it was told to erase.
var ErrStillKept = errors.New("the helper still has the secret after it was told to erase it")

// An OtherHelper is a git credential helper that may hold a secret for the site.
type OtherHelper struct {
	Name     string // as in "git credential-NAME"
	Where    string // for people
	Keyring  bool   // it asks the system's keyring, which may open a dialog where that is locked
	MayShow  bool   // it may open a window: to be started with GCM_INTERACTIVE=never alone
	IsDaemon bool   // it is asked only if it runs: Helpers.CacheRuns
}

// OtherHelpers are those that are asked. git credential-store is not: its files are read.
func OtherHelpers() []OtherHelper {
	return []OtherHelper{
		{Name: "cache", Where: "git's credential cache", IsDaemon: true},
		{Name: "libsecret", Where: "the system's keyring, from git's own helper,", Keyring: true},
		{Name: "osxkeychain", Where: "the Keychain, from git's own helper,", Keyring: true},
		{Name: "wincred", Where: "the Credential Manager, from git's own helper,", Keyring: true},
		{Name: "manager", Where: "Git Credential Manager", MayShow: true},
	}
}

// Helpers asks git's other credential helpers.
type Helpers struct {
	Git   string // its path
	Paths string // the folders in which programs are looked for: PATH
	Home  string // "" none
	Cache string // XDG_CACHE_HOME, "" none
	// Run runs a program with that input and returns what it wrote, within a time limit, in
	// a process group of its own, without our secrets in its environment, and with
	// GIT_TERMINAL_PROMPT=0 and GCM_INTERACTIVE=never, so that no window is opened.
	Run func(ctx context.Context, input, program string, args ...string) ([]byte, error)
}

// Has reports whether git finds that helper.
func (h Helpers) Has(ctx context.Context, name string) bool {
	dirs := filepath.SplitList(h.Paths)
	if out, err := h.Run(ctx, "", h.Git, "--exec-path"); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return slices.ContainsFunc(dirs, func(dir string) bool {
		if !filepath.IsAbs(dir) {
			return false
		}
		_, err := exec.LookPath(filepath.Join(dir, "git-credential-"+name))
		return err == nil
	})
}

// CacheRuns reports whether git's credential cache has a daemon's socket; asking the
// cache starts none.
func (h Helpers) CacheRuns() bool {
	cache := h.Cache
	if cache == "" && h.Home != "" {
		cache = filepath.Join(h.Home, ".cache")
	}
	for _, socket := range []string{filepath.Join(h.Home, ".git-credential-cache", "socket"), filepath.Join(cache, "git", "credential", "socket")} {
		if info, err := os.Stat(socket); filepath.IsAbs(socket) && err == nil && info.Mode().Type() == fs.ModeSocket {
			return true
		}
	}
	return false
}

// Ask asks a helper what it has for the site: without a username, with those that git
// sends with tokens, and with the given ones. Each secret comes once, the helper's name in
// Name. A helper that fails or does not answer in time has none.
func (h Helpers) Ask(ctx context.Context, helper OtherHelper, usernames ...string) []Finding {
	var found []Finding
	names := append([]string{"", bitbucket.APIToken.GitUsername(), bitbucket.AccessToken.GitUsername()}, usernames...)
	for i, name := range names {
		if slices.Contains(names[:i], name) || strings.ContainsAny(name, "\r\n\x00") {
			continue
		}
		user, password, err := h.get(ctx, helper.Name, name)
		if err != nil {
			break // it hangs, and would again
		}
		known := func(f Finding) bool { return f.Secret.Equal(password) && f.User == user }
		if password.IsZero() || slices.ContainsFunc(found, known) {
			continue
		}
		found = append(found, Finding{Place: Helper, What: strings.TrimSuffix(helper.Where, ","), Host: bitbucket.Host, User: user, Secret: password, Name: helper.Name})
	}
	return found
}

// EraseFrom takes a secret that Ask found out of the helper that has it, and asks again,
// to be sure. Where the helper has it several times it is told as often, five times at
// most; then the error is ErrStillKept. Other errors are those of the run.
func (h Helpers) EraseFrom(ctx context.Context, f Finding) error {
	const times = 5
	if strings.ContainsAny(f.User+f.Secret.Reveal(), "\r\n\x00") {
		return errors.New("the secret cannot be named to a helper")
	}
	for range times {
		input := question(f.User) + "password=" + f.Secret.Reveal() + "\n\n"
		if _, err := h.Run(ctx, input, h.Git, "credential-"+f.Name, "erase"); err != nil {
			return fmt.Errorf("git credential-%s erase: %w", f.Name, err)
		}
		gone := true
		for _, user := range slices.Compact([]string{f.User, ""}) {
			answered, password, err := h.get(ctx, f.Name, user)
			if err != nil {
				return fmt.Errorf("git credential-%s get: %w", f.Name, err)
			}
			gone = gone && !(password.Equal(f.Secret) && answered == f.User)
		}
		if gone {
			return nil
		}
	}
	return ErrStillKept
}

// get asks for one secret. A helper that ends with an error by itself has none: Git
// Credential Manager says so in this way when it may not ask a person.
func (h Helpers) get(ctx context.Context, helper, username string) (user string, password secret.Secret, err error) {
	out, err := h.Run(ctx, question(username)+"\n", h.Git, "credential-"+helper, "get")
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return "", secret.Secret{}, nil
	}
	if err != nil {
		return "", secret.Secret{}, err
	}
	user = username
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		switch name {
		case "username":
			user = value
		case "password":
			password = secret.New(value)
		}
	}
	return user, password, nil
}

// question is the beginning of a request for the site.
func question(username string) string {
	text := "protocol=https\nhost=" + bitbucket.Host + "\n"
	if username != "" {
		text += "username=" + username + "\n"
	}
	return text
}

// EraseBy is what a person can type to do the same.
func EraseBy(helper string) string {
	return `printf 'protocol=https\nhost=` + bitbucket.Host + `\n\n' | git credential-` + helper + " erase"
}
