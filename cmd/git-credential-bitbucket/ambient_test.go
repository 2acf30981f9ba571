package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// inside is a process of this one, with the variables and a file for stderr.
func inside(t *testing.T, variables map[string]string) *process {
	t.Helper()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stderr.Close() })
	return &process{
		stderr: stderr,
		lookup: func(name string) (string, bool) {
			value, set := variables[name]
			return value, set
		},
		now: noonNow,
	}
}

// said is what the process has written to stderr.
func (p *process) said(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(p.stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The first source that is set wins, however it is set.
func TestAmbientOrder(t *testing.T) {
	order := []string{
		"BITBUCKET_TOKEN_COMMAND", "BITBUCKET_API_TOKEN", "BITBUCKET_API_TOKEN_FILE", "BITBUCKET_ACCESS_TOKEN", "BITBUCKET_ACCESS_TOKEN_FILE",
		"BITBUCKET_TOKEN", "BITBUCKET_TOKEN_FILE",
	}
	set := map[string]string{}
	for _, name := range slices.Backward(order) {
		set[name] = "" // an empty one is set, too
		if got := inside(t, set).ambient(nil).Name(); got != name {
			t.Errorf("%s is passed over for %q", name, got)
		}
	}
	flag := ""
	if got := inside(t, set).ambient(&flag).Name(); got != "--token-command" {
		t.Errorf("the flag is passed over for %q", got)
	}
	none := inside(t, map[string]string{"BITBUCKET_ACCOUNT": "x", "BITBUCKET_TOKEN_COMMAND_FILE": "x", "BITBUCKET_API_TOKENS": "x"}).ambient(nil)
	if none.Name() != "" || none.Holds(secret.New("x")) || none.Holds(secret.Secret{}) {
		t.Errorf("%q is no source", none.Name())
	}
}

func TestAmbientToken(t *testing.T) {
	opaque := secret.New("opaque-token")
	for _, c := range []struct {
		name      string
		variables map[string]string
		token     secret.Secret
		kind      bitbucket.Kind
		guessed   bool
		fixes     []bitbucket.Fix
	}{
		{"the kind is read off the token", map[string]string{"BITBUCKET_API_TOKEN": accessToken.Reveal()}, accessToken, bitbucket.AccessToken, false, nil},
		{"and the other way round", map[string]string{"BITBUCKET_ACCESS_TOKEN": apiToken.Reveal()}, apiToken, bitbucket.APIToken, false, nil},
		{"an unknown one by the variable", map[string]string{"BITBUCKET_API_TOKEN": opaque.Reveal()}, opaque, bitbucket.APIToken, true, nil},
		{"an unknown one by the other", map[string]string{"BITBUCKET_ACCESS_TOKEN": opaque.Reveal()}, opaque, bitbucket.AccessToken, true, nil},
		{"an unknown one by the third", map[string]string{"BITBUCKET_TOKEN": opaque.Reveal()}, opaque, bitbucket.APIToken, true, nil},
		{"cleaned", map[string]string{"BITBUCKET_TOKEN": `"x:` + apiToken.Reveal() + `"`}, apiToken, bitbucket.APIToken, false, []bitbucket.Fix{bitbucket.FixQuotes, bitbucket.FixUser}},
		{"a file", map[string]string{"BITBUCKET_TOKEN_FILE": file(t, apiToken.Reveal()+"\n")}, apiToken, bitbucket.APIToken, false, nil},
		{"a file cleaned", map[string]string{"BITBUCKET_ACCESS_TOKEN_FILE": file(t, " "+opaque.Reveal()+"\r\n")}, opaque, bitbucket.AccessToken, true, []bitbucket.Fix{bitbucket.FixBlanks}},
		{"an app password", map[string]string{"BITBUCKET_TOKEN": "ATBBold"}, secret.New("ATBBold"), bitbucket.AppPassword, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := inside(t, c.variables).ambient(nil)
			got, err := source.Token(context.Background())
			if err != nil || !got.Token.Equal(c.token) || got.Kind != c.kind || got.Guessed != c.guessed || !slices.Equal(got.Fixes, c.fixes) || got.Command {
				t.Errorf("%q of kind %s, guessed %v, %q, %v", got.Token.Hint(), got.Kind, got.Guessed, got.Fixes, err)
			}
			if !source.Holds(c.token) || source.Holds(secret.New("other")) || source.Holds(secret.Secret{}) {
				t.Error("it holds another")
			}
		})
	}
}

// A source that is set and cannot be used is an error, and never passed over.
func TestAmbientUnusable(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct{ name, value, says string }{
		{"BITBUCKET_TOKEN", "", "BITBUCKET_TOKEN is set but holds no token"},
		{"BITBUCKET_TOKEN", " \n", "BITBUCKET_TOKEN is set but holds no token"},
		{"BITBUCKET_TOKEN", "ATAT two", "BITBUCKET_TOKEN holds no usable token"},
		{"BITBUCKET_TOKEN", "$(ACCESS_TOKEN)", "BITBUCKET_TOKEN holds no usable token: the token is a variable's name"},
		{"BITBUCKET_TOKEN", "https://a:ATATx@example.com/", "BITBUCKET_TOKEN holds no usable token"},
		{"BITBUCKET_API_TOKEN_FILE", "", "BITBUCKET_API_TOKEN_FILE names no absolute path"},
		{"BITBUCKET_API_TOKEN_FILE", "token.txt", "BITBUCKET_API_TOKEN_FILE names no absolute path"},
		{"BITBUCKET_API_TOKEN_FILE", missing, "BITBUCKET_API_TOKEN_FILE names a file that cannot be read"},
		{"BITBUCKET_API_TOKEN_FILE", t.TempDir(), "BITBUCKET_API_TOKEN_FILE names a file that cannot be read"},
		{"BITBUCKET_API_TOKEN_FILE", file(t, ""), "BITBUCKET_API_TOKEN_FILE names an empty file"},
		{"BITBUCKET_API_TOKEN_FILE", file(t, "\n"), "BITBUCKET_API_TOKEN_FILE is set but holds no token"},
		{"BITBUCKET_API_TOKEN_FILE", file(t, strings.Repeat("x", bitbucket.MaxToken+1)), "BITBUCKET_API_TOKEN_FILE holds no usable token"},
		{"BITBUCKET_TOKEN_COMMAND", "", "BITBUCKET_TOKEN_COMMAND is set but empty"},
		{"BITBUCKET_TOKEN_COMMAND", " \t", "BITBUCKET_TOKEN_COMMAND is set but empty"},
	} {
		source := inside(t, map[string]string{c.name: c.value}).ambient(nil)
		token, err := source.Token(context.Background())
		var known *sourceError
		if !errors.As(err, &known) || !strings.HasPrefix(err.Error(), c.says) || known.remedy == "" || !token.Token.IsZero() {
			t.Errorf("%s=%q: %v", c.name, c.value, err)
		} else if strings.Contains(err.Error()+known.remedy, "ATAT") || c.value != "" && strings.Contains(err.Error(), c.value) && len(c.value) > 3 {
			t.Errorf("%s=%q is in %q", c.name, c.value, err)
		}
		if source.Holds(secret.New("x")) || source.Holds(secret.New(c.value)) {
			t.Errorf("%s=%q holds something", c.name, c.value)
		}
	}
}

// A command is not run to compare what it would give.
func TestAmbientCommandIsNotRunToCompare(t *testing.T) {
	p, home := atHome(t)
	command := "echo x >called; echo token"
	source := p.ambient(&command)
	if source.Holds(secret.New("token")) {
		t.Error("it holds what nobody saw it give")
	}
	if _, err := os.Stat(filepath.Join(home, "called")); err == nil {
		t.Error("it was run")
	}
	if got, err := source.Token(context.Background()); err != nil || got.Token.Reveal() != "token" || !got.Command || !got.Guessed || got.Kind != bitbucket.APIToken {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestHoldsSecret(t *testing.T) {
	for name, want := range map[string]bool{
		"BITBUCKET_API_TOKEN": true, "BITBUCKET_API_TOKEN_FILE": true, "BITBUCKET_ACCESS_TOKEN": true, "BITBUCKET_ACCESS_TOKEN_FILE": true,
		"BITBUCKET_TOKEN": true, "BITBUCKET_TOKEN_FILE": true, "BITBUCKET_TOKEN_COMMAND": true,
		"BITBUCKET_CREDENTIAL_PASSPHRASE": true, "BITBUCKET_CREDENTIAL_PASSPHRASE_FILE": true,
		"BITBUCKET_CREDENTIAL_BACKEND": false, "BITBUCKET_ACCOUNT": false, "BITBUCKET_WORKSPACE": false, "BITBUCKET_TOKENS": false,
		"PATH": false, "_FILE": false, "": false, "BITBUCKET_STEP_OIDC_TOKEN": false,
	} {
		if got := holdsSecret(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestChildEnviron(t *testing.T) {
	for _, name := range []string{"BITBUCKET_API_TOKEN", "BITBUCKET_TOKEN_FILE", "BITBUCKET_TOKEN_COMMAND", "BITBUCKET_CREDENTIAL_PASSPHRASE"} {
		t.Setenv(name, "hidden=from-children")
	}
	t.Setenv("BITBUCKET_WORKSPACE", "kept")
	got := inside(t, nil).childEnviron()
	if strings.Contains(strings.Join(got, "\n"), "hidden=from-children") {
		t.Error("a secret is handed on")
	}
	if !slices.Contains(got, "BITBUCKET_WORKSPACE=kept") || !slices.Contains(got, "PATH="+os.Getenv("PATH")) {
		t.Error("another variable is lost")
	}
}
