package install

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestHelperValueRuns: git itself runs a helper at each of these paths, with its
// operation last, and our flags before it.
func TestHelperValueRuns(t *testing.T) {
	for _, dir := range []string{"plain", "a b", `q"uo'te`, "$HOME", "`id`", "$(id)", "Zoë — 日本", `back\slash`, "new\nline", "tab\tx", "a;b|c&d", "(x) [y] {z}", "~", "#x", "!x", "*?", "per%cent=", "-dash", "cr\rx"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			o := h.options()
			o.Program = filepath.Join(h.home, dir, Binary)
			if err := os.Mkdir(filepath.Dir(o.Program), 0o700); err != nil {
				t.Fatal(err)
			}
			stub := "#!/bin/sh\necho username=me\necho \"password=$*\"\n"
			if err := os.WriteFile(o.Program, []byte(stub), 0o700); err != nil {
				t.Fatal(err)
			}
			h.write(".gitconfig", section(`bitbucket --account 'the work'`))
			h.install(o)
			if got := h.fill("https://bitbucket.org/ws/repo.git"); got != "--account the work get" {
				t.Errorf("%s: %q", h.read(".gitconfig"), got)
			}
			if p := h.install(o); !p.Empty() {
				t.Errorf("not recognised again:\n%s", p)
			}
			if got := ParseHelper(HelperValue(o.Program, "linux")+" -x", ""); got != (Command{true, o.Program, " -x"}) {
				t.Errorf("read back as %+v", got)
			}
		})
	}
}

// fill is the password that git's helpers give for a URL.
func (h *house) fill(url string) string {
	h.Helper()
	cmd := exec.Command(h.Path, "credential", "fill")
	cmd.Dir, cmd.Env = h.Dir, h.Env
	cmd.Stdin = strings.NewReader("url=" + url + "\n\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		h.Fatalf("git credential fill: %v\n%s", err, &errs)
	}
	_, password, _ := strings.Cut(string(out), "\npassword=")
	return strings.TrimSuffix(password, "\n")
}

func TestHelperValue(t *testing.T) {
	for _, c := range [][3]string{
		{"linux", "/usr/bin/" + Binary, "/usr/bin/" + Binary},
		{"linux", `/a b/x`, `/a\ b/x`},
		{"windows", `C:\Program Files (x86)\b\` + Binary + ".exe", `C:/Program\ Files\ \(x86\)/b/` + Binary + ".exe"},
		{"windows", `\\server\share\x.exe`, "//server/share/x.exe"},
		{"windows", `C:\Users\Zoë\it's\x.exe`, `C:/Users/Zoë/it\'s/x.exe`},
	} {
		if got := HelperValue(c[1], c[0]); got != c[2] {
			t.Errorf("%s %s: %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func TestParseHelper(t *testing.T) {
	const at = "/x/" + Binary
	for value, want := range map[string]Command{
		"bitbucket":                   {Ours: true},
		"bitbucket --account work":    {Ours: true, Flags: " --account work"},
		at:                            {Ours: true, Program: at},
		at + " --token-command 'a b'": {Ours: true, Program: at, Flags: " --token-command 'a b'"},
		"!" + at + " -x":              {Ours: true, Program: at, Flags: " -x"},
		"! '" + at + "'":              {Ours: true, Program: at},
		"!" + Binary:                  {Ours: true, Program: Binary},
		`!"/a b/` + Binary + `"`:      {Ours: true, Program: "/a b/" + Binary},
		`/a\ b/` + Binary + "\t-x":    {Ours: true, Program: "/a b/" + Binary, Flags: "\t-x"},
		"C:/x/" + Binary + ".EXE -x":  {Ours: true, Program: "C:/x/" + Binary + ".EXE", Flags: " -x"},
		`C:\x\` + Binary + `.exe -x`:  {Ours: true, Program: `C:\x\` + Binary + ".exe", Flags: " -x"},
		"/opt/renamed -x":             {Ours: true, Program: "/opt/renamed", Flags: " -x"},
		"/opt/other -x":               {Program: "/opt/other"},
		"":                            {},
		"!":                           {},
		"manager":                     {},
		"bitbucket-server":            {},
		"bitbucket;x":                 {},
		"'" + at + "'":                {}, // git would run "git credential-'/x/…"
		Binary:                        {},
		at + "-old":                   {Program: at + "-old"},
		at + ".old":                   {Program: at + ".old"},
		"/x/not-" + Binary:            {Program: "/x/not-" + Binary},
		at + "|tee x":                 {},
		at + "$X":                     {},
		"!f() { " + at + "; }; f":     {},
		"!gh auth git-credential":     {},
		"!echo " + at:                 {},
		`/x/"open`:                    {},
		`/x/end\`:                     {},
	} {
		if got := ParseHelper(value, "/opt/renamed"); got != want {
			t.Errorf("%s: %+v, want %+v", value, got, want)
		}
	}
}

// A value that runs another program beside ours is not ours; the same text in quotes is.
func TestParseHelperRunsNothingElse(t *testing.T) {
	const at = "/x/" + Binary
	foreign := []string{
		"!X=" + at + " other", "!f() { " + at + ` "$@"; other; }; f`, "!f() { other; }; f", "!{ " + at + "; other; }", "!(" + at + ")",
		`C:\x\` + Binary + `.exe ; other`, `\x;other\` + Binary,
	}
	for _, behind := range []string{
		" ; other", " -x; other", " | other", " || other", " & other", " && other", " < f", " > f", "\nother", " -x\nother", " () { other",
		" `other`", " $(other)", ` "$(other)"`, " \"`other`\"", " ${X:-$(other)}", " # '\nother\n'", " $'\\'' ; other #'",
		" 'a' ; other", ` "a" ; other`, ` \" ; other \"`, ` '\' ; other`, ` \\; other`, ` "open`, " 'open",
	} {
		foreign = append(foreign, "bitbucket"+behind, at+behind, "!"+at+behind, "! "+Binary+behind)
	}
	for _, value := range foreign {
		if got := ParseHelper(value, ""); got.Ours {
			t.Errorf("%q is taken for ours: %+v", value, got)
		}
	}
	for _, flags := range []string{
		" 'a ; b | c & d < e > f'", " '`a` $(b)'", ` "a ; b & c"`, " \\; \\| \\` x", ` -x "cat $HOME/t"`, " -x 'a\nb'", " a#b", ` "it's" $X`, ` "#" x`, ` "$'" x`,
	} {
		for _, value := range []string{"bitbucket" + flags, at + flags, "!" + at + flags} {
			if got := ParseHelper(value, ""); !got.Ours || got.Flags != flags {
				t.Errorf("%q is not taken for ours: %+v", value, got)
			}
		}
	}
}
