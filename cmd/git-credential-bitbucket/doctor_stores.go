package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

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
		others := e.otherHelpers(e.git)
		for _, h := range leftovers.OtherHelpers() {
			switch {
			case h.MayShow || h.IsDaemon && !others.CacheRuns():
			case h.Keyring && !(others.Has(ctx, h.Name) && e.keyringOpen()):
			default:
				for _, f := range others.Ask(ctx, h) {
					fs = append(fs, keptFinding(h.Where, bitbucket.Host, "", f.Secret, "type: "+leftovers.EraseBy(h.Name)))
				}
			}
		}
	}
	if slices.ContainsFunc(e.lines, func(l install.Line) bool { return isGCM(l) }) {
		fs = append(fs, finding{levelNote, "gcm", "Git Credential Manager is in git's config, and may hold a secret for " + bitbucket.Host + ": it is not asked, since it may open a window",
			"to remove one, type: " + leftovers.EraseBy("manager")})
	}
	return fs
}

func isGCM(l install.Line) bool {
	return strings.HasPrefix(l.Key, "credential.") && strings.HasSuffix(l.Key, ".helper") &&
		(l.Value == "manager" || strings.HasPrefix(l.Value, "manager-core") || strings.Contains(l.Value, "git-credential-manager"))
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

// otherHelpers asks git's other helpers.
func (p *process) otherHelpers(git install.Git) leftovers.Helpers {
	return leftovers.Helpers{Git: git.Path, Paths: p.env("PATH"), Home: p.home(), Cache: p.folder("XDG_CACHE_HOME"), Run: p.ask}
}

// keyringOpen reports whether the system's keyring answers without a dialog.
func (e *examination) keyringOpen() bool {
	choice, err := e.choice()
	return err == nil && choice.Backend == store.BackendKeyring
}
