package install

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestInstallAndBack runs install, install, uninstall, uninstall over configs: the
// second of each finds nothing to do, and at the end the config is what it was.
func TestInstallAndBack(t *testing.T) {
	const ours = "{}"
	for name, c := range map[string]struct {
		before, after string   // "" for after: byte for byte as before
		helpers       []string // while installed; "{}" is our path
	}{
		"missing":           {before: "", helpers: []string{"", ours}},
		"another section":   {before: "# mine\n[user]\n\tname = Ann # her\n; end\n", helpers: []string{"", ours}},
		"no newline at end": {before: "[user]\n\tname = Ann\n", helpers: []string{"", ours}},
		"generic helper":    {before: "[credential]\n\thelper = store\n", helpers: []string{"", ours}},
		"other host":        {before: "[credential \"https://example.org\"]\n\thelper = store\n\tuseHttpPath = false\n", helpers: []string{"", ours}},
		"foreign":           {before: section("manager"), helpers: []string{"", ours}},
		"foreign, two":      {before: section("manager", "!gh auth git-credential"), helpers: []string{"", ours}},
		"foreign, reset":    {before: section("", "manager"), after: section("", "manager"), helpers: []string{"", ours}},
		"reset alone":       {before: section(""), helpers: []string{"", ours}},
		"foreign in middle": {before: "[a]\n\tb = 1\n" + section("manager") + "[c]\n\td = 2\n", helpers: []string{"", ours}},
		"dash":              {before: section("-x"), helpers: []string{"", ours}},
		"quotes":            {before: section(`"a \"b\" ; c # d  "`, `e\nf\tg`), helpers: []string{"", ours}},
		"not UTF-8":         {before: section("/opt/caf\xe9/helper"), helpers: []string{"", ours}},
		"path true already": {before: "[credential \"https://bitbucket.org\"]\n\tuseHttpPath = yes\n", helpers: []string{"", ours}},
		"path false":        {before: "[credential \"https://bitbucket.org\"]\n\tuseHttpPath = false\n", helpers: []string{"", ours}},
		"lfs none":          {before: "[lfs \"https://bitbucket.org\"]\n\taccess = none\n", helpers: []string{"", ours}},
		"host in capitals":  {before: "[credential \"https://BitBucket.org\"]\n\thelper = manager\n", helpers: []string{"", ours}},
		"section in capitals": {before: "[CREDENTIAL \"https://bitbucket.org\"]\n\tHELPER = manager\n",
			after: "[CREDENTIAL \"https://bitbucket.org\"]\n\thelper = manager\n", helpers: []string{"", ours}},
		"CRLF":                 {before: "[user]\r\n\tname = Ann\r\n[credential]\r\n\thelper = store\r\n", helpers: []string{"", ours}},
		"ours by name":         {before: section("bitbucket"), after: "-", helpers: []string{"", ours}},
		"ours elsewhere":       {before: section("", "/old/git-credential-bitbucket"), after: "-", helpers: []string{"", ours}},
		"ours with flags":      {before: section("bitbucket --account work"), after: "-", helpers: []string{"", ours + " --account work"}},
		"ours twice":           {before: section("", "bitbucket", "", "/old/git-credential-bitbucket"), after: "-", helpers: []string{"", ours}},
		"ours and foreign":     {before: section("manager", "", "bitbucket"), after: section("manager"), helpers: []string{"", ours}},
		"helper without \"=\"": {before: "[credential \"https://bitbucket.org\"]\n\thelper\n", after: "-", helpers: []string{"", ours}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if c.before != "" {
				h.write(".gitconfig", c.before)
			}
			o := h.options()
			o.LFS = true
			h.install(o)
			var want []string
			for _, v := range c.helpers {
				want = append(want, strings.ReplaceAll(v, ours, o.Program))
			}
			h.equal("helpers", h.values(o, KeyHelper), want)
			if got := h.values(o, KeyPath); len(got) != 1 || got[0] != "true" && got[0] != "yes" {
				t.Errorf("useHttpPath: %q", got)
			}
			h.equal("access", h.values(o, KeyLFS), []string{"basic"})
			installed, record := h.read(".gitconfig"), h.read("record.json")
			if p := h.install(o); !p.Empty() || p.String() != "" {
				t.Errorf("the second install is not empty:\n%s", p)
			}
			if got := h.read(".gitconfig"); got != installed {
				t.Errorf("the second install changed the file:\n%s", got)
			}
			if got := h.read("record.json"); got != record {
				t.Errorf("the second install changed the record:\n%s", got)
			}
			h.uninstall(o)
			if p := h.uninstall(o); !p.Empty() {
				t.Errorf("the second uninstall is not empty:\n%s", p)
			}
			after := c.after
			if after == "" {
				after = c.before
			}
			if after == "-" {
				after = ""
			}
			if got := h.read(".gitconfig"); got != after {
				t.Errorf("afterwards:\n%q\nwant\n%q", got, after)
			}
			if _, err := os.Stat(h.path("record.json")); err == nil {
				t.Error("the record is left behind")
			}
		})
	}
}

func TestMissingFileGoesAgain(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	if p := h.plan(o); !p.Missing {
		t.Error("not missing")
	}
	h.install(o)
	h.uninstall(o)
	if _, err := os.Lstat(h.path(".gitconfig")); err == nil {
		t.Error("the file that install made is left behind")
	}
}

func TestPlanShows(t *testing.T) {
	h := newHouse(t)
	h.write(".gitconfig", section("manager", `"a\tb"`))
	o := h.options()
	o.LFS = true
	want := h.path(".gitconfig") + `
- credential.https://bitbucket.org.helper = manager
- credential.https://bitbucket.org.helper = "a\tb"
+ credential.https://bitbucket.org.helper =
+ credential.https://bitbucket.org.helper = ` + o.Program + `
+ credential.https://bitbucket.org.useHttpPath = true
+ lfs.https://bitbucket.org.access = basic
`
	before := h.read(".gitconfig")
	if got := h.plan(o).String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
	if h.read(".gitconfig") != before || h.read("record.json") != "" {
		t.Error("planning wrote")
	}
	o.Program, o.LFS = "/old/"+Binary, false
	h.install(o)
	if got := h.read(".gitconfig"); !strings.Contains(got, "\tuseHttpPath = true\n") {
		t.Errorf("useHttpPath is not written as people write it:\n%s", got)
	}
	o.Program = "/new/" + Binary
	want = h.path(".gitconfig") + `
- credential.https://bitbucket.org.helper = /old/git-credential-bitbucket
+ credential.https://bitbucket.org.helper = /new/git-credential-bitbucket
`
	if got := h.plan(o).String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestByName(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	h.write(".gitconfig", section(o.Program+" --account work"))
	o.ByName = true
	h.install(o)
	h.equal("helpers", h.values(o, KeyHelper), []string{"", "bitbucket --account work"})
}

func TestForeignAddedSince(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	h.write(".gitconfig", section("manager"))
	h.install(o)
	h.git("config", "--global", "--add", KeyHelper, "store")
	h.install(o)
	h.equal("installed", h.values(o, KeyHelper), []string{"", o.Program})
	h.git("config", "--global", "--add", KeyHelper, "cache")
	h.uninstall(o)
	h.equal("afterwards", h.values(o, KeyHelper), []string{"manager", "store", "cache"})
}

func TestChangedByHandSince(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	h.write(".gitconfig", section("manager"))
	h.install(o)
	h.git("config", "--global", "--unset-all", KeyHelper)
	h.git("config", "--global", KeyPath, "false")
	h.uninstall(o)
	h.equal("helper", h.values(o, KeyHelper), []string{"manager"})
	h.equal("useHttpPath", h.values(o, KeyPath), []string{"false"})

	h.install(o)
	h.git("config", "--global", "--replace-all", KeyHelper, "store")
	h.install(o)
	h.uninstall(o)
	h.equal("helper, after ours were taken out by hand", h.values(o, KeyHelper), []string{"store"})
}

func TestFileDeletedSince(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	h.write(".gitconfig", section("manager"))
	h.install(o)
	if err := os.Remove(h.path(".gitconfig")); err != nil {
		t.Fatal(err)
	}
	h.uninstall(o)
	if h.read(".gitconfig") != "" || h.read("record.json") != "" {
		t.Error("uninstall brought back a file that a person deleted, or kept its record")
	}
}

func TestRecordLost(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	o.LFS = true
	before := "[user]\n\tname = Ann\n"
	h.write(".gitconfig", before)
	h.install(o)
	if err := os.Remove(o.Backup); err != nil {
		t.Fatal(err)
	}
	h.uninstall(o)
	if got := h.read(".gitconfig"); got != before {
		t.Errorf("got:\n%s", got)
	}
}

func TestRecordIsKept(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	h.write(".gitconfig", section("manager"))
	h.write("other", section("store"))
	h.install(o)
	o.Scope, o.File = ScopeFile, "other"
	h.install(o)
	if info, err := os.Stat(o.Backup); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the record's mode: %v, %v", info.Mode(), err)
	}
	var got backup
	if err := json.Unmarshal([]byte(h.read("record.json")), &got); err != nil || len(got.Files) != 2 {
		t.Fatalf("%v: %s", err, h.read("record.json"))
	}
	h.uninstall(o)
	h.equal("other", h.values(o, KeyHelper), []string{"store"})
	o.Scope = ScopeGlobal
	h.equal("global", h.values(o, KeyHelper), []string{"", o.Program})

	for _, text := range []string{"not JSON", `{"version": 2, "files": {}}`} {
		h.write("record.json", text)
		if _, err := NewPlan(context.Background(), o); err == nil {
			t.Errorf("a record %q was taken", text)
		}
		if h.read("record.json") != text {
			t.Error("it was written over")
		}
	}
}

// TestNothingToUndo: without ours and without a record, a person's own lines stay.
func TestNothingToUndo(t *testing.T) {
	h := newHouse(t)
	before := section("", "manager") + "\tuseHttpPath = true\n[lfs \"https://bitbucket.org\"]\n\taccess = basic\n"
	h.write(".gitconfig", before)
	if p := h.uninstall(h.options()); !p.Empty() {
		t.Errorf("planned:\n%s", p)
	}
	if got := h.read(".gitconfig"); got != before {
		t.Errorf("got:\n%s", got)
	}
}
