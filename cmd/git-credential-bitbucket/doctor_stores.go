package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// siteRequest asks another helper for what it has for the site.
const siteRequest = "protocol=https\nhost=" + bitbucket.Host + "\n\n"

// checkStores looks for secrets of the site in the places of git's other helpers. None is
// started that may open a window.
func checkStores(ctx context.Context, e *examination) []finding {
	var fs []finding
	for _, path := range e.credentialFiles() {
		data, err := readSmall(path)
		if err != nil {
			continue
		}
		fs = append(fs, plainFindings(path, string(data))...)
	}
	if e.gitErr == nil {
		if e.cacheRuns() {
			fs = append(fs, e.kept(ctx, "cache", "git's credential cache")...)
		}
		for _, h := range []struct{ name, where string }{
			{"libsecret", "the system's keyring, from git's own helper,"}, {"osxkeychain", "the Keychain, from git's own helper,"}, {"wincred", "the Credential Manager, from git's own helper,"},
		} {
			if e.hasHelper(ctx, h.name) && e.keyringOpen() {
				fs = append(fs, e.kept(ctx, h.name, h.where)...)
			}
		}
	}
	if slices.ContainsFunc(e.lines, func(l install.Line) bool { return isGCM(l) }) {
		fs = append(fs, finding{levelNote, "gcm", "Git Credential Manager is in git's config, and may hold a secret for " + bitbucket.Host + ": it is not asked, since it may open a window",
			"to remove one, type: " + eraseBy("manager")})
	}
	return fs
}

func isGCM(l install.Line) bool {
	return strings.HasPrefix(l.Key, "credential.") && strings.HasSuffix(l.Key, ".helper") &&
		(l.Value == "manager" || strings.HasPrefix(l.Value, "manager-core") || strings.Contains(l.Value, "git-credential-manager"))
}

func eraseBy(helper string) string {
	return `printf 'protocol=https\nhost=` + bitbucket.Host + `\n\n' | git credential-` + helper + " erase"
}

// credentialFiles are those of git credential-store: its own two, and those that its
// lines in git's config name.
func (e *examination) credentialFiles() []string {
	var paths []string
	add := func(path string) {
		if path != "" && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	home := e.home()
	if home != "" {
		add(filepath.Join(home, ".git-credentials"))
	}
	if xdg := e.folder("XDG_CONFIG_HOME"); xdg != "" {
		add(filepath.Join(xdg, "git", "credentials"))
	} else if home != "" {
		add(filepath.Join(home, ".config", "git", "credentials"))
	}
	for _, l := range e.lines {
		words := strings.Fields(l.Value)
		if !strings.HasSuffix(l.Key, ".helper") || len(words) == 0 || words[0] != "store" {
			continue
		}
		for i, word := range words {
			path, ok := strings.CutPrefix(word, "--file=")
			if word == "--file" && i+1 < len(words) {
				path, ok = words[i+1], true
			}
			if rest, below := strings.CutPrefix(path, "~/"); below && home != "" {
				path = filepath.Join(home, rest)
			}
			if ok && filepath.IsAbs(path) {
				add(path)
			}
		}
	}
	return paths
}

// plainFindings looks through a file of git credential-store, an address a line.
func plainFindings(path, text string) (fs []finding) {
	number := 0
	for line := range strings.Lines(text) {
		number++
		a, ok := leftovers.ParseAddress(strings.TrimSpace(line))
		if !ok || a.Secret.IsZero() {
			continue
		}
		remedy := fmt.Sprintf("remove line %d of %s, and revoke what it holds", number, path)
		fs = append(fs, keptFinding(path, a.Host, "in plain text", a.Secret, remedy))
	}
	return fs
}

// keptFinding is about a secret in another place than ours.
func keptFinding(where, host, how string, s secret.Secret, remedy string) finding {
	if bitbucket.KindOf(s) == bitbucket.AppPassword {
		return finding{levelProblem, "stored-dead", fmt.Sprintf("%s holds an app password for %s: Bitbucket ended those on %s", where, host, bitbucket.AppPasswordsEnded), remedy}
	}
	if how != "" {
		how = " " + how
	}
	return finding{levelNote, "stored-elsewhere", fmt.Sprintf("%s holds %s for %s%s", where, kindWords(s), host, how), remedy}
}

// cacheRuns reports whether git's credential cache has a daemon's socket; asking the
// cache starts none.
func (e *examination) cacheRuns() bool {
	home, cache := e.home(), e.folder("XDG_CACHE_HOME")
	if cache == "" && home != "" {
		cache = filepath.Join(home, ".cache")
	}
	for _, socket := range []string{filepath.Join(home, ".git-credential-cache", "socket"), filepath.Join(cache, "git", "credential", "socket")} {
		if info, err := os.Stat(socket); filepath.IsAbs(socket) && err == nil && info.Mode().Type() == os.ModeSocket {
			return true
		}
	}
	return false
}

// hasHelper reports whether git finds that helper.
func (e *examination) hasHelper(ctx context.Context, name string) bool {
	program := "git-credential-" + name
	if _, err := exec.LookPath(program); err == nil {
		return true
	}
	out, err := e.ask(ctx, "", e.git.Path, "--exec-path")
	if err != nil {
		return false
	}
	_, err = exec.LookPath(filepath.Join(strings.TrimSpace(string(out)), program))
	return err == nil
}

// keyringOpen reports whether the system's keyring answers without a dialog.
func (e *examination) keyringOpen() bool {
	choice, err := e.choice()
	return err == nil && choice.Backend == store.BackendKeyring
}

// kept asks one of git's own helpers.
func (e *examination) kept(ctx context.Context, helper, where string) []finding {
	out, err := e.ask(ctx, siteRequest, e.git.Path, "credential-"+helper, "get")
	_, password := answerOf(out)
	if err != nil || password.IsZero() {
		return nil
	}
	return []finding{keptFinding(where, bitbucket.Host, "", password, "type: "+eraseBy(helper))}
}
