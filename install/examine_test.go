package install

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestExamine(t *testing.T) {
	const url = "https://bitbucket.org/acme/app.git"
	program := filepath.Join(t.TempDir(), Binary)
	for name, c := range map[string]struct {
		config   string
		helpers  int
		usesPath bool
		first    FindingKind // of the lines
	}{
		"nothing":        {"", 0, false, ""},
		"as installed":   {"[credential \"https://bitbucket.org\"]\n helper =\n helper = bitbucket\n useHttpPath = true", 1, true, ""},
		"another after":  {"[credential \"https://bitbucket.org\"]\n helper = bitbucket\n[credential]\n helper = store", 2, false, LaterHelper},
		"another before": {"[credential]\n helper = store\n[credential \"https://bitbucket.org\"]\n helper = bitbucket", 2, false, EarlierHelper},
		"path off":       {"[credential \"https://bitbucket.org\"]\n helper = bitbucket\n useHttpPath = true\n[credential]\n useHttpPath = false", 1, false, PathOff},
		"cleared":        {"[credential \"https://bitbucket.org\"]\n helper = bitbucket\n helper =", 0, false, Shadowed},
		"elsewhere":      {"[credential \"https://example.org\"]\n helper = bitbucket\n useHttpPath = true", 0, false, ""},
		"this workspace": {"[credential \"https://bitbucket.org/acme\"]\n helper = bitbucket\n useHttpPath = true", 1, true, ""},
		"another's":      {"[credential \"https://bitbucket.org/other\"]\n helper = bitbucket\n useHttpPath = true", 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.write(".gitconfig", c.config)
			lines, err := Lines(t.Context(), h.Git, `^credential\.`)
			if err != nil {
				t.Fatal(err)
			}
			e := Examine(lines, url, program, Surroundings{Path: filepath.Dir(program)})
			var first FindingKind
			for _, f := range e.Findings {
				if f.Line.Key != "" {
					first = f.Kind
					break
				}
			}
			if len(e.Helpers) != c.helpers || e.UsesPath != c.usesPath || first != c.first {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestToplevelAndFileLines(t *testing.T) {
	h := newHouse(t)
	if _, err := h.Toplevel(t.Context()); !errors.Is(err, ErrNotRepository) {
		t.Errorf("outside: %v", err)
	}
	h.git("init", "-q", "repo/sub")
	h.Dir = h.path("repo/sub")
	top, err := h.Toplevel(t.Context())
	if err != nil || !sameFile(top, h.Dir) {
		t.Errorf("%q, %v", top, err)
	}
	modules := filepath.Join(top, ".gitmodules")
	if lines, err := FileLines(t.Context(), h.Git, modules); err != nil || lines != nil {
		t.Errorf("none: %+v, %v", lines, err)
	}
	h.write("repo/sub/.gitmodules", "[submodule \"a b\"]\n\turl = ../x\n")
	lines, err := FileLines(t.Context(), h.Git, modules)
	if err != nil || len(lines) != 1 || lines[0].Key != "submodule.a b.url" || lines[0].Value != "../x" || lines[0].File() != modules {
		t.Errorf("%+v, %v", lines, err)
	}
	h.write("repo/sub/.gitmodules", "[submodule")
	if _, err := FileLines(t.Context(), h.Git, modules); err == nil {
		t.Error("a damaged file is no error")
	}
}

func TestPassesCR(t *testing.T) {
	for script, want := range map[string]bool{
		`cat; echo password=none`: true,
		`echo "fatal: credential value for username contains carriage return" >&2; exit 128`: false,
		`tr -d "\r"`: false,
	} {
		if got, err := fakeGit(t, script).PassesCR(t.Context()); got != want || err != nil {
			t.Errorf("%s: %v, %v", script, got, err)
		}
	}
	if _, err := (Git{Path: filepath.Join(t.TempDir(), "none")}).PassesCR(t.Context()); err == nil {
		t.Error("no git is no error")
	}
	// git's own answer, with the protection that it may have and without it.
	h := newHouse(t)
	h.git("config", "--global", "credential.protectProtocol", "false")
	if passes, err := h.PassesCR(t.Context()); err != nil || !passes {
		t.Errorf("without protection: %v, %v", passes, err)
	}
}
