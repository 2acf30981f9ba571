package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/leftovers"
	"git-credential-bitbucket/store/secret"
)

// An item is a finding, and what becomes of it.
type item struct {
	leftovers.Finding
	helper string      // of the place helper: its name in "git credential-NAME"
	token  *looseToken // nil: a name alone, or a username
	done   bool
	left   string // why it stays, where that is not plain from the rest
}

// key names the item from one look to the next, in which its line may be another.
func (i *item) key() string {
	return strings.Join([]string{string(i.Place), i.Path, i.helper, i.What, i.Name, i.User, i.Commit, i.Secret.Fingerprint()}, "\x00")
}

// survey looks everywhere, and asks Bitbucket about what it did not ask before.
func (m *migration) survey(ctx context.Context) ([]*item, error) {
	git, err := m.git()
	if err != nil {
		return nil, err
	}
	e := &examination{process: m.frozen(), git: git}
	e.lines, _ = install.Lines(ctx, git, `^credential\.`)
	progress := m.newProgress()
	scan := leftovers.Scan{Home: m.home(), Folders: m.flags.folders, Known: m.places(ctx, e), Git: git, Progress: progress.files}
	found, counts, err := scan.Run(ctx)
	progress.clear()
	if err != nil {
		return nil, fail(exitInterrupted, "interrupted; nothing more was changed")
	}
	if m.shown == nil {
		m.sayCounts(counts)
	}
	var items []*item
	for _, f := range found {
		items = append(items, &item{Finding: f})
	}
	items = append(items, m.ownVariables()...)
	items = append(items, m.heldByHelpers(ctx, e, usernames(items))...)
	if m.flags.history {
		items = append(items, m.inHistory(ctx, git, scan.Known.Repositories, progress)...)
	}
	m.judge(ctx, git, items)
	if m.shown != nil {
		m.markDone(items)
	}
	return items, nil
}

// markDone notes which of those that were found first are gone.
func (m *migration) markDone(present []*item) {
	here := map[string]bool{}
	for _, i := range present {
		here[i.key()] = true
	}
	for _, i := range m.shown {
		i.done = !here[i.key()]
	}
}

// profiles and packages are files in the home folder that a shell, or a packaging tool, reads.
var (
	profiles = []string{
		".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin", ".kshrc", ".cshrc", ".tcshrc", ".login",
		".xprofile", ".xsessionrc", ".pam_environment", ".envrc", ".env", ".config/fish/config.fish", ".config/environment.d/bitbucket.conf",
		"Documents/PowerShell/Microsoft.PowerShell_profile.ps1", "Documents/WindowsPowerShell/Microsoft.PowerShell_profile.ps1", ".config/powershell/Microsoft.PowerShell_profile.ps1",
	}
	packages = []string{
		".pip/pip.conf", ".config/pip/pip.conf", "pip/pip.ini", "AppData/Roaming/pip/pip.ini", "Library/Application Support/pip/pip.conf", ".pypirc",
		".npmrc", ".yarnrc", ".yarnrc.yml", ".composer/auth.json", ".config/composer/auth.json", "AppData/Roaming/Composer/auth.json",
		".config/go/env", "Library/Application Support/go/env", "AppData/Roaming/go/env",
		".docker/config.json", ".terraformrc", "terraform.rc", ".terraform.d/credentials.tfrc.json",
		".bundle/config", ".m2/settings.xml", ".gradle/gradle.properties", ".config/pypoetry/auth.toml", ".cargo/config.toml", ".cargo/credentials.toml",
	}
)

// places are those that a machine has besides the folders that were named.
func (m *migration) places(ctx context.Context, e *examination) leftovers.Known {
	home := m.home()
	below := func(names []string) (paths []string) {
		for _, name := range names {
			if home != "" {
				paths = append(paths, filepath.Join(home, filepath.FromSlash(name)))
			}
		}
		return paths
	}
	known := leftovers.Known{
		CredentialFiles: e.credentialFiles(),
		Netrc:           below([]string{".netrc", "_netrc"}),
		Environment:     below(profiles),
		Packages:        below(packages),
	}
	add := func(list *[]string, path string) {
		if path != "" && !slices.Contains(*list, path) {
			*list = append(*list, path)
		}
	}
	add(&known.Netrc, m.folder("NETRC"))
	data := m.folder("XDG_DATA_HOME")
	if data == "" && home != "" {
		data = filepath.Join(home, ".local", "share")
	}
	if data != "" {
		known.OlderTool = []string{filepath.Join(data, "git-credential-bitbucket")}
	}
	if config := m.folder("XDG_CONFIG_HOME"); config != "" {
		for _, name := range []string{"pip/pip.conf", "composer/auth.json", "go/env"} {
			add(&known.Packages, filepath.Join(config, filepath.FromSlash(name)))
		}
		add(&known.Environment, filepath.Join(config, "fish", "config.fish"))
	}
	for _, variable := range []string{"PIP_CONFIG_FILE", "NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "GOENV", "TF_CLI_CONFIG_FILE"} {
		add(&known.Packages, m.folder(variable))
	}
	if folder := m.folder("COMPOSER_HOME"); folder != "" {
		add(&known.Packages, filepath.Join(folder, "auth.json"))
	}
	if folder := m.folder("DOCKER_CONFIG"); folder != "" {
		add(&known.Packages, filepath.Join(folder, "config.json"))
	}
	for _, what := range []string{"--show-toplevel", "--absolute-git-dir"} {
		out, err := e.ask(ctx, "", e.git.Path, "rev-parse", what)
		if path := strings.TrimRight(string(out), "\r\n"); err == nil && filepath.IsAbs(path) {
			known.Repositories = append(known.Repositories, filepath.FromSlash(path))
			break
		}
	}
	return known
}

// ownVariables are the variables of this process that hold an app password. Another
// token in one is a source of ours, and meant.
func (m *migration) ownVariables() (items []*item) {
	for _, line := range os.Environ() {
		name, value, _ := strings.Cut(line, "=")
		found := secret.New(value)
		if cleaned, err := bitbucket.Clean(found); err == nil {
			found = cleaned.Token
		}
		named := strings.Contains(strings.ToUpper(name), "APP_PASSWORD") && strings.Contains(strings.ToUpper(name), "BITBUCKET")
		if bitbucket.KindOf(found) != bitbucket.AppPassword {
			found = secret.Secret{}
			if !named {
				continue
			}
		}
		items = append(items, &item{Finding: leftovers.Finding{
			Place: leftovers.Environment, What: "the variable " + oneLine(name) + " of this process", Name: oneLine(name), Secret: found,
		}})
	}
	return items
}

// inHistory looks through the histories of the repositories here and below the folders.
func (m *migration) inHistory(ctx context.Context, git install.Git, here []string, progress *progress) (items []*item) {
	repositories := leftovers.Repositories(ctx, m.flags.folders)
	for _, path := range here {
		if !slices.Contains(repositories, path) {
			repositories = append(repositories, path)
		}
	}
	for _, repository := range repositories {
		bounded, err := leftovers.History(ctx, git, repository, progress.commits, func(f leftovers.Finding) {
			f.Edit = nil
			items = append(items, &item{Finding: f})
		})
		progress.clear()
		switch {
		case err != nil:
			m.blind = true
			m.say(asWarning, "the history of %s was not looked through to its end: %s", m.public(repository), m.public(err.Error()))
		case bounded:
			m.say(asNote, "the history of %s is longer than what was looked through", m.public(repository))
		}
	}
	return items
}
