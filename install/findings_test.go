package install

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kinds are the findings as "kind value" or "kind path", the home folder cut off.
func (h *house) kinds(p *Plan, s Surroundings) []string {
	h.Helper()
	fs, err := p.Findings(context.Background(), s)
	if err != nil {
		h.Fatal(err)
	}
	var all []string
	for _, f := range fs {
		text := string(f.Kind)
		if f.Line.Key != "" {
			text += " " + string(f.Line.Scope) + " " + f.Line.Key + "=" + f.Line.Value
		}
		if f.Path != "" {
			text += " " + strings.TrimPrefix(f.Path, h.home+"/")
		}
		if f.Better != "" {
			text += " " + strings.TrimPrefix(f.Better, h.home+"/")
		}
		all = append(all, text)
	}
	return all
}

// TestLineFindings looks before Apply and after it, and expects the same.
func TestLineFindings(t *testing.T) {
	const generic = "[credential]\n\thelper = store\n"
	const ours = "credential.https://bitbucket.org.helper="
	for name, c := range map[string]struct {
		files map[string]string
		env   []string
		scope Scope
		want  []string
	}{
		"nothing":          {},
		"generic earlier":  {files: map[string]string{".gitconfig": generic, "system": generic}},
		"generic later":    {files: map[string]string{".gitconfig": section("manager") + generic}, want: []string{"later-helper global credential.helper=store"}},
		"generic in local": {files: map[string]string{"repo/.git/config": generic}, want: []string{"later-helper local credential.helper=store"}},
		"generic by -c": {env: []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=credential.helper", "GIT_CONFIG_VALUE_0=store"},
			want: []string{"later-helper command credential.helper=store"}},
		"same host later": {files: map[string]string{"repo/.git/config": section("manager")}, want: []string{"later-helper local " + ours + "manager"}},
		"same host, other spellings": {
			files: map[string]string{"repo/.git/config": "[credential \"https://BitBucket.org/\"]\n\thelper = a\n[credential \"https://me@bitbucket.org\"]\n\thelper = b\n[credential \"https://bitbucket.org/ws\"]\n\thelper = c\n"},
			want: []string{"later-helper local credential.https://BitBucket.org/.helper=a", "later-helper local credential.https://me@bitbucket.org.helper=b",
				"later-helper local credential.https://bitbucket.org/ws.helper=c"},
		},
		"other hosts later": {files: map[string]string{"repo/.git/config": "[credential \"https://example.org\"]\n\thelper = a\n[credential \"http://bitbucket.org\"]\n\thelper = b\n"}},
		"include behind":    {files: map[string]string{".gitconfig": section("manager") + "[include]\n\tpath = inc\n", "inc": generic}, want: []string{"later-helper global credential.helper=store"}},
		"include before":    {files: map[string]string{".gitconfig": "[include]\n\tpath = inc\n", "inc": generic + section("manager")}},
		"include at the end, of a file without our section": {files: map[string]string{".gitconfig": "[a]\n\tb = 1\n[include]\n\tpath = inc\n", "inc": generic}},
		"reset later":                   {files: map[string]string{"repo/.git/config": "[credential]\n\thelper =\n\thelper = store\n"}, want: []string{"shadowed local credential.helper=", "later-helper local credential.helper=store"}},
		"part shadowed":                 {files: map[string]string{"repo/.git/config": "[credential \"https://bitbucket.org/ws\"]\n\thelper =\n"}, want: []string{"shadowed local credential.https://bitbucket.org/ws.helper="}},
		"useHttpPath off later":         {files: map[string]string{"repo/.git/config": "[credential]\n\tuseHttpPath = false\n"}, want: []string{"path-off local credential.useHttpPath=false"}},
		"useHttpPath off before":        {files: map[string]string{"system": "[credential]\n\tuseHttpPath = false\n"}},
		"ours again, another":           {files: map[string]string{"repo/.git/config": section("", "/old/"+Binary)}, want: []string{"other-ours local " + ours + "/old/" + Binary + " /old/" + Binary}},
		"ours for a part":               {files: map[string]string{"repo/.git/config": "[credential \"https://bitbucket.org/ws\"]\n\thelper = bitbucket --account work\n"}},
		"ours again, earlier helper":    {files: map[string]string{"repo/.git/config": section("", "manager", "bitbucket")}, want: []string{"earlier-helper local " + ours + "manager"}},
		"into local":                    {scope: ScopeLocal, files: map[string]string{".gitconfig": generic}},
		"into local, generic behind":    {scope: ScopeLocal, files: map[string]string{"repo/.git/config": section("x") + generic}, want: []string{"later-helper local credential.helper=store"}},
		"into system":                   {scope: ScopeSystem, files: map[string]string{".gitconfig": generic}, want: []string{"later-helper global credential.helper=store"}},
		"into a file git reads":         {scope: ScopeFile, files: map[string]string{"f": "[a]\n\tb = 1\n[credential]\n\tusername = x\n", ".gitconfig": "[include]\n\tpath = f\n" + generic}, want: []string{"later-helper global credential.helper=store"}},
		"into a file git does not read": {scope: ScopeFile, files: map[string]string{".gitconfig": generic}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, c.env...)
			h.git("init", "-q", "repo")
			for name, text := range c.files {
				h.write(name, h.read(name)+text)
			}
			h.Dir = h.path("repo")
			o := h.options()
			if o.Scope = c.scope; c.scope == "" {
				o.Scope = ScopeGlobal
			}
			o.File = h.path("f")
			p := h.plan(o)
			around := Surroundings{Path: filepath.Dir(o.Program)}
			if err := os.Mkdir(around.Path, 0o700); err != nil {
				t.Fatal(err)
			}
			h.write("bin/"+Binary, "x")
			h.chmod("bin/"+Binary, 0o700)
			got := h.kinds(p, around)
			h.equal("before Apply", lineKinds(got), c.want)
			before, err := h.Git.read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			h.install(o)
			after, err := h.Git.read(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if foretold := p.simulate(before); !slices.EqualFunc(foretold, after, func(a, b Line) bool { return a.Key == b.Key && a.Value == b.Value && a.Scope == b.Scope }) {
				t.Errorf("git reads\n%+v\nforetold was\n%+v", after, foretold)
			}
			h.equal("after Apply", lineKinds(h.kinds(h.plan(o), around)), c.want)
		})
	}
}

// lineKinds leaves out what is found of the binary, which lies in a temporary folder.
func lineKinds(all []string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, string(Unstable)) })
}

func TestBinaryFindings(t *testing.T) {
	h := newHouse(t)
	for _, dir := range []string{"a", "b", "1.2.3"} {
		if err := os.Mkdir(h.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		h.write(dir+"/"+Binary, dir)
		h.chmod(dir+"/"+Binary, 0o700)
	}
	if err := os.Mkdir(h.path("link"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../a/"+Binary, h.path("link/"+Binary)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path []string
		want []string
	}{
		"ours":           {[]string{"none", "a", "b"}, nil},
		"ours by a link": {[]string{"link"}, nil},
		"nowhere":        {[]string{"none"}, []string{"not-on-path a/" + Binary}},
		"another first":  {[]string{"b", "a"}, []string{"other-on-path b/" + Binary}},
		"another alone":  {[]string{"b"}, []string{"other-on-path b/" + Binary, "not-on-path a/" + Binary}},
	} {
		t.Run(name, func(t *testing.T) {
			o := h.options()
			o.Program = h.path("a/" + Binary)
			dirs := []string{"", ".", "relative"}
			for _, dir := range c.path {
				dirs = append(dirs, h.path(dir))
			}
			h.equal(name, lineKinds(h.kinds(h.plan(o), Surroundings{Path: strings.Join(dirs, ":")})), c.want)
		})
	}
}

func TestLFSFinding(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	o.Program = "/usr/bin/git" // anything that is on PATH below
	find := func() []string {
		return slices.DeleteFunc(h.kinds(h.plan(o), Surroundings{LFS: true}), func(s string) bool { return s != string(NoLFSAccess) })
	}
	h.equal("not asked for", find(), []string{"no-lfs-access"})
	o.LFS = true
	h.equal("planned", find(), nil)
	h.install(o)
	o.LFS = false
	h.equal("there", find(), nil)
}

func TestVolatile(t *testing.T) {
	for _, path := range []string{
		"/nix/store/abc-git-credential-bitbucket-1.0/bin/x", "/gnu/store/abc/bin/x", "/opt/homebrew/Cellar/git-credential-bitbucket/1.2.3/bin/x",
		"/tmp/go-build123/b001/exe/x", "/home/ann/.cache/go-build/ab/cd-d/x", "/var/folders/ab/cd/T/go-build1/b001/exe/x", `C:\Users\ann\AppData\Local\Temp\go-build1\x.exe`,
		"/snap/git-credential-bitbucket/42/bin/x", "/home/ann/.asdf/installs/bitbucket/1.2.3/bin/x", `C:\Users\ann\scoop\apps\bitbucket\1.2.3\x.exe`,
		"/opt/bitbucket-1.2/x", "/opt/v2.0/x", "/home/ann/go/pkg/mod/example.org/x@v1.2.3/x", "/opt/tool/1.0.0-rc.1/x",
	} {
		if !Volatile(path) {
			t.Errorf("%s counts as lasting", path)
		}
	}
	for _, path := range []string{
		"/usr/local/bin/" + Binary, "/home/ann/go/bin/" + Binary, "/home/ann/.local/bin/" + Binary, "/home/linuxbrew/.linuxbrew/bin/x", `C:\Program Files\Git\mingw64\bin\x.exe`,
		"/home/ann/.nix-profile/bin/x", "/run/current-system/sw/bin/x", `C:\Users\ann\scoop\apps\bitbucket\current\x.exe`, "/home/ann/1/x", "/opt/x86_64/x", "/snap/bin/x",
	} {
		if Volatile(path) {
			t.Errorf("%s counts as volatile", path)
		}
	}
}

func TestStable(t *testing.T) {
	if path, ok := Stable("/usr/local/bin/"+Binary, "", "linux"); !ok || path != "/usr/local/bin/"+Binary {
		t.Errorf("its own: %q", path)
	}
	h := newHouse(t)
	for _, dir := range []string{"store", "other", "profile"} {
		if err := os.Mkdir(h.path(dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	h.write("store/x", "ours")
	h.write("other/x", "another's")
	if err := os.Symlink(h.path("store/x"), h.path("profile/x")); err != nil {
		t.Fatal(err)
	}
	inStore := func(path string) bool { return path == h.path("store/x") } // this home may lie in a folder that counts as temporary
	if path, ok := lasting(h.path("store/x"), []string{h.path("store/x"), h.path("other/x"), h.path("profile/x")}, inStore); !ok || path != h.path("profile/x") {
		t.Errorf("by a link: %q", path)
	}
	if path, ok := lasting(h.path("store/x"), []string{h.path("store/x"), h.path("other/x")}, inStore); ok || path != "" {
		t.Errorf("none: %q", path)
	}
}

func TestCandidates(t *testing.T) {
	for name, c := range map[string]struct {
		goBin, goPath, home, path, goos string
		want                            []Candidate
	}{
		"home alone": {home: "/home/ann", path: "/bin:/home/ann/go/bin/", goos: "linux",
			want: []Candidate{{"/home/ann/go/bin", "GOPATH", true}, {"/home/ann/.local/bin", "home", false}}},
		"all": {goBin: "/gb", goPath: "/gp:/gp2", home: "/home/ann", path: "/gb", goos: "darwin",
			want: []Candidate{{"/gb", "GOBIN", true}, {"/gp/bin", "GOPATH", false}, {"/home/ann/.local/bin", "home", false}}},
		"the same twice": {goBin: "/home/ann/go/bin", home: "/home/ann", goos: "linux",
			want: []Candidate{{"/home/ann/go/bin", "GOBIN", false}, {"/home/ann/.local/bin", "home", false}}},
		"relative": {goBin: "gb", home: ".", path: "gb", goos: "linux"},
		"nothing":  {goos: "linux"},
		"windows": {goBin: `D:\gb`, home: `C:\Users\Ann`, path: `C:\Windows;"c:\users\ann\go\bin\";d:/GB`, goos: "windows",
			want: []Candidate{{`D:\gb`, "GOBIN", true}, {`C:\Users\Ann\go\bin`, "GOPATH", true}, {`C:\Users\Ann\.local\bin`, "home", false}}},
	} {
		if got := Candidates(c.goBin, c.goPath, c.home, c.path, c.goos); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
