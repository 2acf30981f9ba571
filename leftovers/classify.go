package leftovers

import (
	"path"
	"path/filepath"
	"strings"
)

// A class is what a file is by its name, which says how it is read and how a secret in it
// is taken out.
type class int

const (
	plain class = iota
	credentials
	netrc
	gitConfig
	olderTool
	composer
	docker // its config.json
	dotenv
	shell // a profile, .envrc
	ci
	packages
	dockerfile
)

// classOf reads the class off an absolute path.
func classOf(name string) class {
	name = filepath.ToSlash(name)
	folder, base := path.Split(name)
	folder = strings.TrimSuffix(folder, "/")
	lower := strings.ToLower(base)
	in := func(suffix string) bool { return folder == suffix || strings.HasSuffix(folder, "/"+suffix) }
	switch lower {
	case ".git-credentials":
		return credentials
	case ".netrc", "_netrc":
		return netrc
	case ".gitmodules", ".gitconfig", ".lfsconfig":
		return gitConfig
	case "auth.json":
		return composer
	case ".envrc", ".bashrc", ".bash_profile", ".bash_login", ".bash_aliases", ".profile", ".zshrc", ".zshenv", ".zprofile", ".zlogin", ".kshrc", ".cshrc", ".tcshrc", ".login", "config.fish":
		return shell
	case "bitbucket-pipelines.yml", "bitbucket-pipelines.yaml", ".gitlab-ci.yml", ".travis.yml", ".drone.yml", "appveyor.yml", ".appveyor.yml", "azure-pipelines.yml", "azure-pipelines.yaml", "buildspec.yml", "buildspec.yaml",
		"cloudbuild.yaml", "renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json":
		return ci
	case "pip.conf", "pip.ini", ".pypirc", "pipfile", "pyproject.toml", ".npmrc", ".yarnrc", ".yarnrc.yml", "package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "composer.json", "composer.lock",
		"gemfile", "gemfile.lock", "podfile", "cargo.toml", ".terraformrc", "terraform.rc", "credentials.tfrc.json", "compose.yml", "compose.yaml":
		return packages
	case "config.json":
		if in(".docker") {
			return docker
		}
	case "env":
		if in("go") {
			return packages
		}
	case "config":
		if in(".git") || in("git") {
			return gitConfig
		}
		if in(".bundle") {
			return packages
		}
	case "credentials":
		if in(".config/git") {
			return credentials
		}
	}
	yaml := strings.HasSuffix(lower, ".yml") || strings.HasSuffix(lower, ".yaml")
	switch {
	case lower == ".env" || strings.HasPrefix(lower, ".env.") || strings.HasSuffix(lower, ".env"):
		return dotenv
	case strings.HasPrefix(lower, "jenkinsfile") || strings.HasSuffix(lower, ".jenkinsfile"):
		return ci
	case yaml && (in(".github/workflows") || in(".circleci") || in(".buildkite") || in(".gitlab/ci") || strings.HasSuffix(lower, ".gitlab-ci.yml")):
		return ci
	case strings.HasPrefix(lower, "dockerfile") || strings.HasSuffix(lower, ".dockerfile") || strings.HasPrefix(lower, "containerfile"):
		return dockerfile
	case strings.HasPrefix(lower, "requirements") && strings.HasSuffix(lower, ".txt") || strings.HasPrefix(lower, "constraints") && strings.HasSuffix(lower, ".txt"),
		strings.HasSuffix(lower, ".tf") || strings.HasSuffix(lower, ".tfvars") || strings.HasSuffix(lower, ".tfvars.json"),
		yaml && strings.HasPrefix(lower, "docker-compose"):
		return packages
	}
	return plain
}

// place is what a finding in the running text of such a file is listed as.
func (c class) place() Place {
	switch c {
	case credentials:
		return CredentialFile
	case netrc:
		return Netrc
	case gitConfig:
		return Remote
	case olderTool:
		return OlderTool
	case dotenv, shell:
		return Environment
	case ci:
		return CI
	case composer, docker, packages, dockerfile:
		return Packages
	}
	return File
}
