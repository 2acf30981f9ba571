package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/internal/require"
)

// ciMachine is what a CI system starts a job on: an empty home, a folder to work in, and
// the way to the test Bitbucket.
type ciMachine struct {
	*testing.T
	server          *bitbuckettest.Server
	home, work, aux string
	env             map[string]string
	token           string
}

func newCIMachine(t *testing.T) *ciMachine {
	t.Helper()
	if runtime.GOOS == "windows" {
		require.Absent(t, "a POSIX shell: the recipes are for Linux")
	}
	require.Tool(t, "bash", "git-lfs")
	program, err := exec.LookPath("git-credential-bitbucket")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	server, err := bitbuckettest.Start(filepath.Join(dir, "bitbucket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	m := &ciMachine{T: t, server: server, home: filepath.Join(dir, "home"), work: filepath.Join(dir, "work"), aux: filepath.Join(dir, "aux"), env: map[string]string{}}
	for _, folder := range []string{m.home, m.work, m.aux} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m.serve("repo acme/lib", "repo beta/lib-b", "repo acme/app submodules=acme/lib,beta/lib-b", "token ci kind=workspace")
	token, _ := server.Token("ci")
	m.token = token.Text
	for _, line := range append(server.Env(), "HOME="+m.home, "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"), "TMPDIR="+m.aux, "CI=true", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_SSL_CAINFO="+server.CAFile(), "GIT_TERMINAL_PROMPT=0", "DBUS_SESSION_BUS_ADDRESS=disabled:", "LC_ALL=C", "TZ=UTC", noRaceSleep, "GITHUB_ENV="+filepath.Join(m.aux, "github")) {
		name, value, _ := strings.Cut(line, "=")
		m.env[name] = value
	}
	return m
}

func (m *ciMachine) serve(commands ...string) {
	m.Helper()
	for _, command := range commands {
		if err := m.server.Command(strings.Fields(command)...); err != nil {
			m.Fatal(err)
		}
	}
}

// run runs the job's steps until one fails, as its system does, and returns the log and the
// status of the last.
func (m *ciMachine) run(r recipe) (log string, status int) {
	m.Helper()
	env := maps.Clone(m.env)
	for _, step := range r.steps {
		args := append(slices.Clone(step.shell), step.script)
		if !step.inline {
			file := filepath.Join(m.aux, "script")
			if err := os.WriteFile(file, []byte(step.script), 0o600); err != nil {
				m.Fatal(err)
			}
			args[len(args)-1] = file
		}
		if step.env != nil {
			delete(env, accessVariable)
		}
		if _, mapped := step.env[accessVariable]; mapped {
			env[accessVariable] = m.token
		}
		out, exit := m.exec(env, args...)
		log += out
		if exit != 0 {
			return log, exit
		}
		maps.Copy(env, readGitHubEnv(m, env["GITHUB_ENV"]))
		maps.Copy(env, readAzureVariables(out))
	}
	return log, 0
}

func (m *ciMachine) exec(env map[string]string, args ...string) (log string, status int) {
	m.Helper()
	var out bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = m.work, &out, &out, nil
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// readGitHubEnv reads the file as actions/runner does, src/Runner.Worker/FileCommandManager.cs.
func readGitHubEnv(t testing.TB, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	found := map[string]string{}
	rest := string(data)
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case equals > 0 && (heredoc < 0 || equals < heredoc):
			found[line[:equals]] = line[equals+1:]
		case heredoc > 0:
			value, after, ok := strings.Cut("\n"+rest, "\n"+line[heredoc+2:]+"\n")
			if !ok {
				t.Fatalf("no end of %q", line)
			}
			found[line[:heredoc]], rest = strings.TrimPrefix(value, "\n"), after
		case line != "":
			t.Fatalf("GitHub takes no line %q", line)
		}
	}
	return found
}

var azureCommand = regexp.MustCompile(`(?m)^##vso\[task\.setvariable variable=([^;\]]+)\](.*)$`)

// readAzureVariables reads a step's log as microsoft/azure-pipelines-agent does,
// Agent.Sdk/CommandStringConvertor.cs.
func readAzureVariables(log string) map[string]string {
	found := map[string]string{}
	unescape := strings.NewReplacer("%3B", ";", "%0D", "\r", "%0A", "\n", "%5D", "]", "%AZP25", "%")
	for _, command := range azureCommand.FindAllStringSubmatch(log, -1) {
		found[command[1]] = unescape.Replace(command[2])
	}
	return found
}

// untouched fails where a job left something in the home, or a token anywhere but in the work folder.
func (m *ciMachine) untouched(log string) {
	m.Helper()
	if strings.Contains(log, m.token) {
		m.Errorf("the log holds the token:\n%s", log)
	}
	for _, folder := range []string{m.home, m.work, m.aux} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if bytes.Contains(data, []byte(m.token)) {
				m.Errorf("%s holds the token", path)
			}
			seen := strings.Contains(path, filepath.Join("git-credential-bitbucket", "observations"))
			if folder == m.home && !seen {
				m.Errorf("the job wrote %s", path)
			}
			return err
		})
		if err != nil {
			m.Error(err)
		}
	}
}

func (m *ciMachine) cloned() {
	m.Helper()
	for _, file := range []string{"app/README.md", "app/lib/README.md", "app/lib-b/README.md"} {
		if _, err := os.Stat(filepath.Join(m.work, file)); err != nil {
			m.Error(err)
		}
	}
}

// pushLarge puts a file into acme/app by git-lfs.
func (m *ciMachine) pushLarge() {
	m.Helper()
	const script = `eval "$(git-credential-bitbucket ci-env --lfs)"
git clone https://bitbucket.org/acme/app.git large
cd large
git lfs install --local
git lfs track '*.bin'
echo large >large.bin
git add .
git -c user.name=CI -c user.email=ci@example.invalid commit --message large
git push
cd ..
rm -rf large
`
	if log, status := m.exec(m.env, "sh", "-e", "-c", script); status != 0 {
		m.Fatalf("git-lfs: %s", log)
	}
}

// Each recipe's shell steps are run as they stand there: with a good token, and with one
// that Bitbucket refuses.
func TestRecipes(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(recipes)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newCIMachine(t)
			r := recipes[name](t)
			if len(r.steps) == 0 || r.steps[0].script == "" {
				t.Fatal("no steps")
			}
			m.env[accessVariable] = m.token
			if name == "github-actions.yml" {
				m.pushLarge()
			}
			before, err := m.server.Head("acme/app")
			if err != nil {
				t.Fatal(err)
			}
			log, status := m.run(r)
			if status != 0 || strings.Contains(log, "bitbucket: ") {
				t.Fatalf("%d:\n%s", status, log)
			}
			m.cloned()
			m.untouched(log)
			if after, err := m.server.Head("acme/app"); err != nil || after == before {
				t.Errorf("nothing was pushed: %v\n%s", err, log)
			}
			if name == "github-actions.yml" {
				if data, err := os.ReadFile(filepath.Join(m.work, "app", "large.bin")); err != nil || string(data) != "large\n" {
					t.Errorf("git-lfs: %q, %v", data, err)
				}
			}

			m.serve("revoke ci", "reset")
			if err := os.RemoveAll(filepath.Join(m.work, "app")); err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(m.env["GITHUB_ENV"])
			log, status = m.run(r)
			if status != 128 || !strings.Contains(log, "bitbucket: warning: Bitbucket refused the token from "+accessVariable+" in workspace acme: ") || strings.Count(log, "fatal: ") != 1 {
				t.Errorf("refused, and gone on or not told: %d:\n%s", status, log)
			}
			m.untouched(log)
		})
	}
}

// What Argo CD's repo-server starts is run as it does, with the patch's variables and
// command; the mounts' paths alone are others.
func TestArgoCDRecipe(t *testing.T) {
	m := newCIMachine(t)
	patch := parse[struct {
		Spec struct {
			Template struct {
				Spec struct {
					InitContainers []struct{ Command []string } `yaml:"initContainers"`
					Containers     []struct {
						Env []struct{ Name, Value string }
					}
				}
			}
		}
	}](t, "argocd/repo-server.yaml")
	pod := patch.Spec.Template.Spec
	wanted, err := install.Environment(install.Options{Program: "/helper/git-credential-bitbucket"}.Wanted(), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	var have []install.Variable
	mounts := strings.NewReplacer("/usr/local/bin", filepath.SplitList(m.env["PATH"])[0], "/helper-secret", m.aux, "/helper/", m.home+"/")
	for _, v := range pod.Containers[0].Env {
		if strings.HasPrefix(v.Name, "GIT_CONFIG_") {
			have = append(have, install.Variable{Name: v.Name, Value: v.Value})
		}
		m.env[v.Name] = mounts.Replace(v.Value)
	}
	if !slices.Equal(have, wanted) {
		t.Errorf("%v\nwant %v", have, wanted)
	}
	var command []string
	for _, word := range pod.InitContainers[0].Command {
		command = append(command, mounts.Replace(word))
	}
	if log, status := m.exec(m.env, command...); status != 0 {
		t.Fatal(log)
	}
	if err := os.WriteFile(filepath.Join(m.aux, "token"), []byte(m.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// argoproj/argo-cd, util/git/client.go, runCmdOutput.
	maps.Copy(m.env, map[string]string{"HOME": "/dev/null", "GIT_LFS_SKIP_SMUDGE": "1", "GIT_TERMINAL_PROMPT": "false"})
	log, status := m.exec(m.env, "git", "clone", "--recurse-submodules", "https://bitbucket.org/acme/app.git")
	if status != 0 || strings.Contains(log, m.token) {
		t.Fatalf("%d: %s", status, log)
	}
	m.cloned()

	secret := parse[struct {
		Metadata struct{ Labels map[string]string }
		Data     map[string]string `yaml:"stringData"`
	}](t, "argocd/repo-creds.yaml")
	if secret.Metadata.Labels["argocd.argoproj.io/secret-type"] != "repo-creds" || secret.Data["username"] != "x-token-auth" || secret.Data["url"] != "https://bitbucket.org/acme" {
		t.Errorf("%+v", secret)
	}
}

// Renovate's stand-in reads the real config.js with Node, and starts git with the variables that
// Renovate hands down: renovatebot/renovate, lib/util/exec/env.ts.
const renovate = `#!/usr/bin/env node
const config = require(process.env.RENOVATE_CONFIG_FILE);
if (config.platform !== 'bitbucket' || !config.token) process.exit(9);
const env = { ...config.customEnvVariables };
for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'HOME', 'PATH', 'LC_ALL', 'LANG', 'GIT_SSL_CAINFO', 'GIT_CONFIG_NOSYSTEM']) {
  if (process.env[name] !== undefined) env[name] = process.env[name];
}
const url = 'https://bitbucket.org/acme/app.git';
process.exit(require('child_process').spawnSync('git', ['clone', '--recurse-submodules', url], { env, stdio: 'inherit' }).status);
`

func TestRenovateRecipe(t *testing.T) {
	m := newCIMachine(t)
	require.Tool(t, "node")
	bin, token := filepath.Join(m.aux, "bin"), filepath.Join(filepath.Dir(m.aux), "token")
	err := errors.Join(os.Mkdir(bin, 0o700), os.WriteFile(filepath.Join(bin, "renovate"), []byte(renovate), 0o700), os.WriteFile(token, []byte(m.token+"\n"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	m.env["PATH"] = bin + ":" + m.env["PATH"]
	m.env["BITBUCKET_ACCESS_TOKEN_FILE"] = token
	script, err := filepath.Abs(recipePath("renovate/run.sh"))
	if err != nil {
		t.Fatal(err)
	}
	log, status := m.exec(m.env, script)
	if status != 0 || strings.Contains(log, "bitbucket: ") {
		t.Fatalf("%d: %s", status, log)
	}
	m.cloned()
	m.untouched(log)
	m.serve("revoke ci")
	_ = os.RemoveAll(filepath.Join(m.work, "app"))
	log, status = m.exec(m.env, script)
	if status != 128 || !strings.Contains(log, "bitbucket: warning: Bitbucket refused the token from BITBUCKET_ACCESS_TOKEN_FILE in workspace acme: ") {
		t.Errorf("refused: %d: %s", status, log)
	}
	m.untouched(log)
}
