package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// The recipes in install/ci, read as their systems do.

// A recipe is a job: what its system runs, one process after another.
type recipe struct {
	steps []recipeStep
	image bool // the job runs in the image of install/ci/Dockerfile
}

type recipeStep struct {
	shell  []string // the command, with the script's file or, last, the script itself
	inline bool     // the script is an argument
	script string
	env    map[string]string // secrets: the variable and how the recipe names the secret
}

// as is a step in that shell.
func as(script string, shell ...string) recipeStep { return recipeStep{shell: shell, script: script} }

func recipePath(name string) string {
	return filepath.Join("..", "..", "install", "ci", filepath.FromSlash(name))
}

func readRecipe(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(recipePath(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// parse reads a recipe's YAML; fields of which it knows nothing are let be.
func parse[T any](t *testing.T, name string) (to T) {
	t.Helper()
	if err := yaml.Unmarshal(readRecipe(t, name), &to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return to
}

const accessVariable = "BITBUCKET_ACCESS_TOKEN"

func lines(commands []string) string { return strings.Join(commands, "\n") + "\n" }

// recipes are read by the system's name. Each says where its shell is from.
var recipes = map[string]func(*testing.T) recipe{
	// support.atlassian.com, "Configure your first pipeline": the commands of a step share a
	// shell, bash where the image has it, and the first that fails ends it.
	"bitbucket-pipelines.yml": func(t *testing.T) recipe {
		f := parse[struct {
			Image     string
			Pipelines struct {
				Default []struct{ Step struct{ Script []string } }
			}
		}](t, "bitbucket-pipelines.yml")
		return recipe{[]recipeStep{as(lines(f.Pipelines.Default[0].Step.Script), "bash", "-e")}, f.Image != ""}
	},
	// jenkinsci/durable-task-plugin, BourneShellScript: sh -xe.
	"Jenkinsfile": func(t *testing.T) recipe {
		text := string(readRecipe(t, "Jenkinsfile"))
		var steps []recipeStep
		for _, found := range regexp.MustCompile(`(?s)\bsh '''(.*?)'''`).FindAllStringSubmatch(text, -1) {
			steps = append(steps, as(found[1], "sh", "-xe"))
		}
		if !strings.Contains(text, accessVariable+" = credentials('bitbucket-access-token')") {
			t.Error("the token is no credential of Jenkins")
		}
		return recipe{steps, strings.Contains(text, "docker { image '")}
	},
	// github/docs, "Workflow syntax", jobs.<id>.steps[*].shell.
	"github-actions.yml": func(t *testing.T) recipe {
		f := parse[struct {
			Jobs map[string]struct {
				Container string
				Defaults  struct{ Run struct{ Shell string } }
				Env       map[string]string
				Steps     []struct{ Run string }
			}
		}](t, "github-actions.yml")
		job := f.Jobs["clone"]
		if job.Defaults.Run.Shell != "bash" || job.Env[accessVariable] != "${{ secrets."+accessVariable+" }}" {
			t.Errorf("shell %q, variables %q", job.Defaults.Run.Shell, job.Env)
		}
		r := recipe{image: job.Container != ""}
		for _, s := range job.Steps {
			r.steps = append(r.steps, as(s.Run, "bash", "--noprofile", "--norc", "-eo", "pipefail"))
		}
		return r
	},
	// gitlab-org/gitlab-runner, shells/bash.go: the lines are evaluated by bash, or sh, with errexit and pipefail.
	"gitlab-ci.yml": func(t *testing.T) recipe {
		f := parse[map[string]struct {
			Image  string
			Script []string
		}](t, "gitlab-ci.yml")
		return recipe{[]recipeStep{as(lines(f["clone"].Script), "bash", "-eo", "pipefail")}, f["clone"].Image != ""}
	},
	// microsoft/azure-pipelines-tasks, Tasks/BashV3/bash.ts: bash FILE, without -e.
	"azure-pipelines.yml": func(t *testing.T) recipe {
		f := parse[struct {
			Container string
			Steps     []struct {
				Bash string
				Env  map[string]string
			}
		}](t, "azure-pipelines.yml")
		r := recipe{image: f.Container != ""}
		for _, s := range f.Steps {
			step := as(s.Bash, "bash")
			step.env = s.Env
			if s.Env[accessVariable] != "$("+accessVariable+")" {
				t.Errorf("the token is not mapped: %q", s.Env)
			}
			r.steps = append(r.steps, step)
		}
		return r
	},
	// docs.aws.amazon.com, "Build specification reference": with version 0.2 all commands
	// share a shell, and the first that fails ends the phase.
	"buildspec.yml": func(t *testing.T) recipe {
		f := parse[struct {
			Version string
			Env     struct {
				Shell   string
				Secrets map[string]string `yaml:"secrets-manager"`
			}
			Phases struct{ Build struct{ Commands []string } }
		}](t, "buildspec.yml")
		if f.Version != "0.2" || f.Env.Secrets[accessVariable] != "bitbucket/ci:token" {
			t.Errorf("version %q, secrets %q", f.Version, f.Env.Secrets)
		}
		return recipe{[]recipeStep{as(lines(f.Phases.Build.Commands), f.Env.Shell, "-e")}, true}
	},
	// buildkite.com/docs, "Agent configuration", shell: /bin/bash -e -c COMMANDS.
	"buildkite/pipeline.yml": func(t *testing.T) recipe {
		f := parse[struct {
			Steps []struct{ Secrets, Commands []string }
		}](t, "buildkite/pipeline.yml")
		if secrets := f.Steps[0].Secrets; len(secrets) != 1 || secrets[0] != accessVariable {
			t.Errorf("secrets %q", secrets)
		}
		uploaded := strings.ReplaceAll(lines(f.Steps[0].Commands), "$$", "$")
		step := as(uploaded, "bash", "-e", "-c")
		step.inline = true
		return recipe{[]recipeStep{step}, false}
	},
}
