package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"git-credential-bitbucket/install"
	"git-credential-bitbucket/internal/require"
)

// oddValues are what a shell, GitHub's file or Azure's log could break on.
var oddValues = []string{
	"", " ", "a b", "'", `'\''`, `"`, "$HOME", "$(touch x)", "`touch x`", `\`, "!", "#", "~", "*", "a\nb", "\n", "EOF", "EOF\nEOF_\n", "a<<EOF\n=b", "%", "%0A", "%AZP25",
	"]", ";", "##vso[task.setvariable variable=X]y", "-n", "é", "caf\xe9", "\r", "a\rb",
}

// A real shell gives back each value byte for byte.
func FuzzShellQuoted(f *testing.F) {
	for _, value := range oddValues {
		f.Add(value)
	}
	shell, err := exec.LookPath("sh")
	f.Fuzz(func(t *testing.T, value string) {
		if err != nil || runtime.GOOS == "windows" {
			require.Absent(t, "a POSIX shell")
		}
		if strings.ContainsRune(value, 0) {
			return
		}
		text := ciFormats["sh"](install.Variable{Name: "GIT_CONFIG_VALUE_0", Value: value})
		cmd := exec.Command(shell, "-ec", `eval "$TEXT"; printf %s "$GIT_CONFIG_VALUE_0"`)
		cmd.Env, cmd.Dir = []string{"TEXT=" + text}, t.TempDir()
		out, err := cmd.CombinedOutput()
		if left, _ := os.ReadDir(cmd.Dir); err != nil || string(out) != value || len(left) > 0 {
			t.Errorf("%q: %q, %v", value, out, err)
		}
	})
}

// The readers of GitHub's and Azure's agents give back each value that is let through.
func FuzzCIFormats(f *testing.F) {
	for _, value := range oddValues {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if !utf8.ValidString(value) || strings.ContainsAny(value, "\x00\r") {
			return
		}
		want := map[string]string{"GIT_CONFIG_VALUE_0": value, "GIT_CONFIG_COUNT": "1"}
		var github, azure string
		for _, v := range []install.Variable{{Name: "GIT_CONFIG_VALUE_0", Value: value}, {Name: "GIT_CONFIG_COUNT", Value: "1"}} {
			github += ciFormats["github"](v)
			azure += ciFormats["azure"](v)
		}
		file := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(file, []byte(github), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readGitHubEnv(t, file); !maps.Equal(got, want) {
			t.Errorf("github: %q from %q", got, github)
		}
		if got := readAzureVariables(azure); !maps.Equal(got, want) {
			t.Errorf("azure: %q from %q", got, azure)
		}
	})
}
