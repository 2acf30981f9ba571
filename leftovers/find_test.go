package leftovers

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/store/secret"
)

// Made for tests: their bodies are no token's.
const (
	apiToken    = "ATATT3xFfGF0T3stB0dyQf4kLm8ZcVwXnJrYpHgEaSdUiOqW=1A2B3C4D"
	accessToken = "ATCTT3xFfGN0T3stB0dyZz9kLm8ZcVwXnJrYpHgEaSdUiOqW=5E6F7A8B"
	appPassword = "ATBBq7Rk2LmZx9WvTn4cYpHgEa8sDEADBEEF"
)

// told is what a test compares of a finding: place, line, words, host, user, secret, name.
func told(f Finding) string {
	known := map[string]string{apiToken: "API", accessToken: "ACCESS", appPassword: "APP", "": "-"}
	text, ok := known[f.Secret.Reveal()]
	if !ok {
		text = f.Secret.Reveal()
	}
	s := fmt.Sprintf("%s:%d %s|%s|%s|%s", f.Place, f.Line, f.What, strings.TrimSuffix(f.Host, "bitbucket.org"), f.User, text)
	if f.Workspace != "" {
		s += " ws=" + f.Workspace
	}
	if f.Edit == nil {
		s += " by hand"
	}
	return s
}

// edited is text after all edits.
func edited(text string, fs []Finding) string {
	var edits []Edit
	for _, f := range fs {
		if f.Edit != nil && !slices.ContainsFunc(edits, func(e Edit) bool { return e.From == f.Edit.From && e.To == f.Edit.To }) {
			edits = append(edits, *f.Edit)
		}
	}
	slices.SortFunc(edits, func(a, b Edit) int { return b.From - a.From })
	for _, e := range edits {
		text = text[:e.From] + e.With + text[e.To:]
	}
	return text
}

func basicOf(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestFinders(t *testing.T) {
	for _, c := range []struct {
		name, path, text string
		want             []string
		after            string // "=" for the same
	}{
		{"credential file", "/h/.git-credentials",
			"https://a:b@github.com\r\nhttps://ann%40x.org:" + strings.Replace(apiToken, "=", "%3D", 1) + "@bitbucket.org\r\nhttp://u:pw@bitbucket.org/acme/x\nhttps://u@bitbucket.org",
			[]string{"git-credentials:2 a line for bitbucket.org||ann@x.org|API", "git-credentials:3 a line for bitbucket.org||u|pw ws=acme"},
			"https://a:b@github.com\r\nhttps://u@bitbucket.org"},
		{"netrc", "/h/.netrc",
			"machine github.com login a password b\n# mine\nmachine bitbucket.org\n\tlogin ann\n\tpassword \"" + appPassword + "\"\n\n# api\nmachine API.bitbucket.org login a password c\nmacdef init\ncd /\n\n",
			[]string{"netrc:5 the entry of bitbucket.org||ann|APP", "netrc:8 the entry of api.bitbucket.org|api.|a|c"},
			"machine github.com login a password b\n# mine\n\n# api\nmacdef init\ncd /\n\n"},
		{"netrc on one line", "/h/_netrc", "machine bitbucket.org login a password b machine x.org login y password z default login q password " + accessToken,
			[]string{"netrc:1 the entry of bitbucket.org||a|b", "netrc:1 the default entry||q|ACCESS"}, " machine x.org login y password z "},
		{"another site's netrc", "/h/.netrc", "machine acme.atlassian.net login a password " + apiToken, nil, "="},
		{"remotes", "/w/.gitmodules",
			"[remote \"origin\"]\r\n\turl = https://ann:" + appPassword + "@bitbucket.org/acme/app.git ; old\r\n\tpushurl = \"https://ann@www.bitbucket.org/acme/app.git\"\r\n[submodule \"lib\"]\n\tpath = lib\n\turl = https://x-token-auth:a\\\"b@bitbucket.org/acme/lib\n",
			[]string{"remote:2 the address of remote origin||ann|APP ws=acme", "remote:3 the username in the address to push to of remote origin|www.|ann|- ws=acme",
				"submodule:6 the address of submodule lib in .gitmodules||x-token-auth|a\"b ws=acme"},
			"[remote \"origin\"]\r\n\turl = https://bitbucket.org/acme/app.git ; old\r\n\tpushurl = \"https://www.bitbucket.org/acme/app.git\"\r\n[submodule \"lib\"]\n\tpath = lib\n\turl = https://bitbucket.org/acme/lib\n"},
		{"quotes inside", "/h/.gitconfig", "[remote \"o\"]\nurl = https://u:\"s;x@bitbucket.org/a b\" # c\n",
			[]string{"remote:2 the address of remote o||u|s;x ws=a b"}, "[remote \"o\"]\nurl = https://\"bitbucket.org/a b\" # c\n"},
		{"insteadOf's value", "/h/.gitconfig", "[url \"git@bitbucket.org:\"]\n\tinsteadOf = https://ann@bitbucket.org/\n\tinsteadOf = https://u:" + accessToken + "@bitbucket.org/\n[a]\n",
			[]string{"insteadof:3 the address that git puts another in place of||u|ACCESS"},
			"[url \"git@bitbucket.org:\"]\n\tinsteadOf = https://ann@bitbucket.org/\n[a]\n"},
		{"block with comments", "/h/.bashrc", "if x; then # why\n# a\n\n\t# b\nT=" + appPassword + "\n# c\n  # d\nfi\n",
			[]string{"environment:5 the variable T|||APP"}, "if x; then # why\n# a\n\n\t# b\n:\n# c\n  # d\nfi\n"},
		{"block ended behind comments", "/h/.bashrc", "if x\nthen y\n# a\nT=" + appPassword + "\n# c\nfi\n",
			[]string{"environment:4 the variable T|||APP"}, "if x\nthen y\n# a\n:\n# c\nfi\n"},
		{"examples", "/r/a.txt", "https://u:APP_PASSWORD@bitbucket.org https://u:YOUR_ACCESS_TOKEN@bitbucket.org https://u:repository_access_token@bitbucket.org https://u:my-apikey@bitbucket.org\n",
			nil, "https://u:APP_PASSWORD@bitbucket.org https://u:YOUR_ACCESS_TOKEN@bitbucket.org https://u:repository_access_token@bitbucket.org https://u:my-apikey@bitbucket.org\n"},
		{"insteadOf", "/h/.gitconfig", "[url \"https://u:" + accessToken + "@bitbucket.org/\"]\n\tinsteadOf = https://bitbucket.org/\n[url \"https://ann@bitbucket.org/\"]\npushInsteadOf = bb:\n[credential \"https://ann@bitbucket.org\"]\nhelper = x\n",
			[]string{"insteadof:1 the address that git puts in place of https://bitbucket.org/||u|ACCESS", "insteadof:3 the username in the address that git puts in place of bb:||ann|-"},
			"[url \"https://bitbucket.org/\"]\n\tinsteadOf = https://bitbucket.org/\n[url \"https://bitbucket.org/\"]\npushInsteadOf = bb:\n[credential \"https://ann@bitbucket.org\"]\nhelper = x\n"},
		{"extraHeader", "/h/.gitconfig",
			"[http]\n\textraHeader = Authorization: Bearer other\n\textraheader = \"AUTHORIZATION: bearer " + accessToken + "\"\n[http \"https://bitbucket.org/\"]\n\textraHeader = Authorization: Basic " + basicOf("ann:"+appPassword) + "\n[core]\nx=y\n[http \"https://bitbucket.org\"] extraHeader = Authorization: Bearer opaque\n",
			[]string{"extraheader:3 the header that git sends|||ACCESS", "extraheader:5 the header that git sends||ann|APP", "extraheader:8 the header that git sends|||opaque"},
			"[http]\n\textraHeader = Authorization: Bearer other\n[core]\nx=y\n"},
		{"header with a secret in its section", "/h/.gitconfig", "[http \"https://u:p9q@bitbucket.org/\"]\n\textraHeader = Authorization: Bearer opaque\n",
			[]string{"extraheader:1 the address in a section's name||u|p9q", "extraheader:2 the header that git sends|||opaque"}, ""},
		{"LFS access", "/h/.gitconfig", "[lfs \"https://u:p9q@bitbucket.org/a/b.git/info/lfs\"]\n\taccess = basic\n",
			[]string{"remote:1 the address in a section's name||u|p9q ws=a"}, "[lfs \"https://bitbucket.org/a/b.git/info/lfs\"]\n\taccess = basic\n"},
		{"a remote's name that is an address", "/h/.gitconfig", "[remote \"https://u:p9q@bitbucket.org/a\x1b\"]\n\turl = https://v:w@bitbucket.org/a\n[remote \"e\x1b[31m\"]\nurl = https://x:y@bitbucket.org/\n",
			[]string{"remote:1 the address in a section's name||u|p9q ws=a\x1b", "remote:2 the address of remote …||v|w ws=a", `remote:4 the address of remote "e\x1b[31m"||x|y`},
			"[remote \"https://bitbucket.org/a\x1b\"]\n\turl = https://bitbucket.org/a\n[remote \"e\x1b[31m\"]\nurl = https://bitbucket.org/\n"},
		{"a token in a comment", "/h/.gitconfig", "# " + accessToken + "\n[a]\nb = c\n", []string{"remote:1 the text of an access token|||ACCESS by hand"}, "="},
		{"dotenv", "/w/.env",
			"A=1\nBITBUCKET_TOKEN=" + apiToken + "\nexport URL=\"https://u:p9q@bitbucket.org/acme/x\" # y\nBITBUCKET_APP_PASSWORD='hunter22!'\nOTHER=$BITBUCKET_APP_PASSWORD\nGMAIL_APP_PASSWORD=hunter23\nX=a b " + accessToken + "\n",
			[]string{"environment:2 the variable BITBUCKET_TOKEN|||API", "environment:3 an address||u|p9q ws=acme", "environment:4 the value of BITBUCKET_APP_PASSWORD|||hunter22!",
				"environment:5 the name BITBUCKET_APP_PASSWORD|||- by hand", "environment:7 the variable X|||ACCESS by hand"},
			"A=1\nOTHER=$BITBUCKET_APP_PASSWORD\nGMAIL_APP_PASSWORD=hunter23\nX=a b " + accessToken + "\n"},
		{"plain http", "/w/.env", "http://u:p9q@bitbucket.org/x\nA=http://u:q9p@bitbucket.org/y\nB=2\n",
			[]string{"environment:1 an address||u|p9q ws=x", "environment:2 an address||u|q9p ws=y"}, "http://bitbucket.org/x\nB=2\n"},
		{"behind a byte order mark", "/w/.env", "\ufeffA=" + apiToken + "\r\nB=2", []string{"environment:1 the variable A|||API"}, "\ufeffB=2"},
		{"commented out", "/w/.env", "B=2\n# A=" + apiToken + "\n#use A=" + appPassword, []string{"environment:2 the variable A|||API", "environment:3 the text of an app password|||APP by hand"}, "B=2\n#use A=" + appPassword},
		{"commented out, in a block", "/h/.bashrc", "if x; then\n  y\n  #export A='" + apiToken + "'\nfi\n", []string{"environment:3 the variable A|||API"}, "if x; then\n  y\nfi\n"},
		{"two in a line", "/w/.env", "A=" + apiToken + ":" + appPassword + "\nB=2", []string{"environment:1 the variable A|||API", "environment:1 the variable A|||APP"}, "B=2"},
		{"other sites' secrets beside it", "/w/.env",
			"A=" + appPassword + ";ghp_1\nB='{\"x\":\"" + apiToken + "\",\"y\":\"s1\"}'\nC=\"https://u:p9q@bitbucket.org/a postgres://v:q9p@db/x\"\nD=\"ann:" + appPassword + "\"\nE=git+https://u:p9q@bitbucket.org/a\n",
			[]string{"environment:1 the variable A|||APP by hand", "environment:2 the variable B|||API by hand", "environment:3 an address||u|p9q ws=a", "environment:4 the variable D|||APP", "environment:5 an address||u|p9q ws=a"},
			"A=" + appPassword + ";ghp_1\nB='{\"x\":\"" + apiToken + "\",\"y\":\"s1\"}'\nC=\"https://bitbucket.org/a postgres://v:q9p@db/x\"\n"},
		{"a token for a username", "/w/.gitmodules", "[remote \"o\"]\nurl = https://" + accessToken + ":" + appPassword + "@bitbucket.org/acme/app\n",
			[]string{"remote:2 the text of an access token|||ACCESS", "remote:2 the address of remote o||" + accessToken + "|APP ws=acme"}, "[remote \"o\"]\nurl = https://bitbucket.org/acme/app\n"},
		{"a token for a login", "/h/.netrc", "machine bitbucket.org login " + apiToken + " password " + appPassword + "\nmachine x.org login " + accessToken + " password y\n",
			[]string{"netrc:1 the text of an API token|||API", "netrc:1 the entry of bitbucket.org||" + apiToken + "|APP"}, "machine x.org login " + accessToken + " password y\n"},
		{"two passwords of an entry", "/h/.netrc", "machine bitbucket.org login a password " + apiToken + " password " + appPassword + "\n",
			[]string{"netrc:1 the text of an API token|||API", "netrc:1 the entry of bitbucket.org||a|APP"}, ""},
		{"blocks of a profile", "/h/.profile",
			"if x; then\nexport T=" + appPassword + "\nfi\n[ -d x ] &&\nT=" + appPassword + "\nf() {\nT=" + appPassword + "\n}\nT=" + appPassword + "\n",
			[]string{"environment:2 the variable T|||APP", "environment:5 the variable T|||APP", "environment:7 the variable T|||APP", "environment:9 the variable T|||APP"},
			"if x; then\n:\nfi\n[ -d x ] &&\n:\nf() {\n:\n}\n"},
		{"profile", "/h/.bashrc",
			"if x; then\n  export T=" + apiToken + "\nfi\nT=" + appPassword + " git push\nalias p='git push https://u:p9q@bitbucket.org/a'\nexport L=\\\n" + accessToken + "\n",
			[]string{"environment:2 the variable T|||API", "environment:4 the variable T|||APP by hand", "environment:5 an address||u|p9q ws=a", "environment:7 the text of an access token|||ACCESS by hand"},
			"if x; then\n  :\nfi\nT=" + appPassword + " git push\nalias p='git push https://bitbucket.org/a'\nexport L=\\\n" + accessToken + "\n"},
		{"fish", "/h/.config/fish/config.fish", "set -gx BITBUCKET_APP_PASSWORD s3cretw0rd\nset -x T " + accessToken + "\n",
			[]string{"environment:1 the value of BITBUCKET_APP_PASSWORD|||s3cretw0rd", "environment:2 the variable T|||ACCESS"}, ""},
		{"pipelines", "/w/bitbucket-pipelines.yml",
			"script:\n  - git clone https://u:p9q@bitbucket.org/acme/x.git\n  - git clone https://x-token-auth:${BITBUCKET_TOKEN}@bitbucket.org/a/b\n  - curl -u a:$BITBUCKET_APP_PASSWORD x\n  - echo $BITBUCKET_APP_PASSWORD\n  - T=" + accessToken + "\n",
			[]string{"ci:2 an address||u|p9q ws=acme", "ci:4 the name BITBUCKET_APP_PASSWORD, 2 times|||- by hand", "ci:6 the text of an access token|||ACCESS by hand"},
			"script:\n  - git clone https://bitbucket.org/acme/x.git\n  - git clone https://x-token-auth:${BITBUCKET_TOKEN}@bitbucket.org/a/b\n  - curl -u a:$BITBUCKET_APP_PASSWORD x\n  - echo $BITBUCKET_APP_PASSWORD\n  - T=" + accessToken + "\n"},
		{"workflow", "/w/.github/workflows/x.yml", "env:\n  app_password: ${{ secrets.BITBUCKET_APP_PASSWORD }}\n",
			[]string{"ci:2 the name app_password|||- by hand", "ci:2 the name BITBUCKET_APP_PASSWORD|||- by hand"}, "="},
		{"requirements", "/w/requirements-dev.txt", "x @ git+https://u:p9q@bitbucket.org/acme/x.git@v1#egg=x\n", []string{"packages:1 an address||u|p9q ws=acme"}, "x @ git+https://bitbucket.org/acme/x.git@v1#egg=x\n"},
		{"package.json", "/w/package.json", `{"dependencies": {"x": "git+https:\/\/u:p9q@bitbucket.org\/acme\/x.git"}}`, []string{"packages:1 an address||u|p9q"}, `{"dependencies": {"x": "git+https:\/\/bitbucket.org\/acme\/x.git"}}`},
		{"composer", "/h/.config/composer/auth.json",
			`{"http-basic": {"x.org": {"username": "a", "password": "b"}, "bitbucket.org": {"username": "ann", "password": "` + appPassword + `"}}, "bitbucket-oauth": {"bitbucket.org": {"consumer-key": "k", "consumer-secret": "s1"}}, "bearer": {"bitbucket.org": "b1", "y.org": "z"}}`,
			[]string{"packages:1 composer's login for bitbucket.org||ann|APP", "packages:1 composer's login for bitbucket.org|||s1", "packages:1 composer's login for bitbucket.org|||b1"},
			`{"http-basic": {"x.org": {"username": "a", "password": "b"}}, "bitbucket-oauth": {}, "bearer": {"y.org": "z"}}`},
		{"docker", "/h/.docker/config.json", `{"auths": {"crg.apkg.io": {"auth": "` + basicOf("ann:"+appPassword) + `"}, "x.org": {"auth": "` + basicOf("a:b") + `"}}}`,
			[]string{"packages:1 docker's login for crg.apkg.io||ann|APP by hand"}, "="},
		{"terraform", "/w/main.tf", "provider \"bitbucket\" {\n  app_password = \"hunter22x\"\n}\nvariable \"bitbucket_app_password\" {}\nsource = \"git::https://u:p9q@bitbucket.org/acme/m.git\"\n",
			[]string{"packages:2 the value of app_password|||hunter22x by hand", "packages:4 the name bitbucket_app_password|||- by hand", "packages:5 an address||u|p9q ws=acme"},
			"provider \"bitbucket\" {\n  app_password = \"hunter22x\"\n}\nvariable \"bitbucket_app_password\" {}\nsource = \"git::https://bitbucket.org/acme/m.git\"\n"},
		{"Dockerfile", "/w/Dockerfile", "ENV BITBUCKET_APP_PASSWORD hunter22x\nRUN git clone https://u:p9q@bitbucket.org/a/b\n",
			[]string{"packages:1 the value of BITBUCKET_APP_PASSWORD|||hunter22x by hand", "packages:2 an address||u|p9q ws=a"}, "ENV BITBUCKET_APP_PASSWORD hunter22x\nRUN git clone https://bitbucket.org/a/b\n"},
		{"source", "/w/main.go", "token := \"" + apiToken + "\"\n// https://u:p9q@bitbucket.org/a and app_password=hunter22x\nu = \"a%3A" + strings.Replace(accessToken, "=", "%3D", 1) + "@x\"\n",
			[]string{"file:1 the text of an API token|||API by hand", "file:2 an address||u|p9q ws=a by hand", "file:3 the text of an access token|||ACCESS by hand"}, "="},
		{"DNA", "/w/dna.txt", "ATCTTCAGGKMRYWSBDHVNACGTTGCAACGTKMRYWSBDHVNACGTTGCAGGG\n", nil, "="},
		{"examples", "/w/README.md",
			"ATBBxxxx ATATT3... ATATT3xFfGF0" + strings.Repeat("x", 100) + " ATBB" + strings.Repeat("A", 32) + " x" + appPassword + " " + appPassword + "x https://user:password@bitbucket.org/a https://user:<app-password>@bitbucket.org/ https://u:$T@bitbucket.org https://a:b9c@bitbucket.org.evil.com/ https://a:b9c@bitbucket.organic https://bitbucket.org/x@bitbucket.org https://a:" + apiToken + "@acme.atlassian.net/",
			nil, "="},
	} {
		fs, _ := fileFindings(c.path, classOf(c.path), []byte(c.text))
		var got []string
		for _, f := range fs {
			got = append(got, told(f))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n  %s\nwant\n  %s", c.name, strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
		}
		after := c.after
		if after == "=" {
			after = c.text
		}
		if got := edited(c.text, fs); got != after {
			t.Errorf("%s: after the edits:\n%q, want\n%q", c.name, got, after)
		}
		check(t, c.text, fs)
	}
}

// The JSON as gildas/git-credential-bitbucket writes it (its credentials.go).
func TestOlderTool(t *testing.T) {
	const text = `{"protocol":"https","host":"bitbucket.org","username":"ann","workspace":"acme","client_id":"Kq","secret":"s3cr3t","token":{"token_type":"bearer","access_token":"o\u003dp\"q","refresh_token":"r1","scopes":"repository","expires_on":"2026-01-01T00:00:00Z"}}`
	fs, _ := fileFindings("/d/ann@bitbucket.org.json", olderTool, []byte(text))
	var got []string
	for _, f := range fs {
		got = append(got, told(f))
	}
	want := []string{
		"older-tool:1 the member secret||ann|s3cr3t ws=acme", "older-tool:1 the member access_token||ann|o=p\"q ws=acme", "older-tool:1 the member refresh_token||ann|r1 ws=acme",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	const after = `{"protocol":"https","host":"bitbucket.org","username":"ann","workspace":"acme","client_id":"Kq","token":{"token_type":"bearer","scopes":"repository","expires_on":"2026-01-01T00:00:00Z"}}`
	if got := edited(text, fs); got != after {
		t.Errorf("%s", got)
	}
	check(t, text, fs)
}

// check holds fs to what Finding and Edit promise.
func check(t *testing.T, text string, fs []Finding) {
	t.Helper()
	for i, f := range fs {
		if strings.ContainsFunc(f.What+f.Name+f.Instead, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }) {
			t.Errorf("%q: control characters in %q", text, f.What)
		}
		if s := f.Secret.Reveal(); len(s) >= 16 && strings.Contains(f.What+f.Instead+f.Name, s) {
			t.Errorf("%q: the secret is in its words", text)
		}
		if f.Secret.IsZero() != (f.End == 0) || f.At < 0 || f.At > f.End || f.End > len(text) {
			t.Errorf("%q: secret from %d to %d", text, f.At, f.End)
		}
		if f.Line < 1 || f.Line > 1+strings.Count(text, "\n") {
			t.Errorf("%q: line %d", text, f.Line)
		}
		e := f.Edit
		if e == nil {
			if f.Instead == "" {
				t.Errorf("%q: no word of what to do about %s", text, f.What)
			}
			continue
		}
		if e.From < 0 || e.To > len(text) || e.From >= e.To || f.End > 0 && (f.At < e.From || f.End > e.To) {
			t.Fatalf("%q: edit from %d to %d, secret from %d to %d", text, e.From, e.To, f.At, f.End)
		}
		if !e.Was.Equal(secret.New(text[e.From:e.To])) {
			t.Errorf("%q: the edit takes away something else than it says", text)
		}
		for _, g := range fs[:i] {
			if o := g.Edit; o != nil && *o != *e && o.From < e.To && e.From < o.To && (o.From != e.From || o.To != e.To || o.With != e.With) {
				t.Errorf("%q: edits from %d to %d and from %d to %d", text, o.From, o.To, e.From, e.To)
			}
		}
	}
}

// Files that are made to keep the finders busy. What looks at a whole line or word for each
// finding takes 15 seconds and more for the first and the second of these.
func TestFindersAreLinear(t *testing.T) {
	for unit, paths := range map[string][]string{
		"ATAT-":                             {"/w/.env", "/w/main.go"},
		"machine bitbucket.org password x ": {"/h/.netrc"},
		"https://u:s9@bitbucket.org/":       {"/h/.bashrc", "/w/package.json"},
		appPassword + " ":                   {"/w/.env"},
		"[http]\nextraHeader=Authorization: Bearer " + appPassword + "\n": {"/h/.gitconfig"},
		"bitbucket_app_password=abcdefg1 ":                                {"/w/Jenkinsfile"},
	} {
		for _, path := range paths {
			start := time.Now()
			fileFindings(path, classOf(path), []byte(strings.Repeat(unit, largest/len(unit))))
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s, %q: %v", path, unit, took)
			}
		}
	}
}
