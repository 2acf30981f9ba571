package main

import (
	"context"
	"os/exec"
	"testing"

	"git-credential-bitbucket/install"
)

// A token's repository is that in whose folder it was found, also where a hook or an alias
// of git's runs the command.
func TestRepositoryAtIsTheFolders(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1"}
	var dirs []string
	for _, name := range []string{"one", "two"} {
		dir := t.TempDir()
		for _, args := range [][]string{{"init", "-q"}, {"remote", "add", "origin", "https://bitbucket.org/" + name + "/repo.git"}} {
			cmd := exec.Command(path, append([]string{"-C", dir}, args...)...)
			cmd.Env = env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		dirs = append(dirs, dir)
	}
	git := install.Git{Path: path, Env: append(env, "GIT_DIR="+dirs[1]+"/.git")}
	if got := repositoryAt(context.Background(), git, dirs[0], nil).Workspace; got != "one" {
		t.Errorf("workspace %q", got)
	}
}
