package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
)

func TestPublic(t *testing.T) {
	p := &process{lookup: func(name string) (string, bool) {
		if name == "HOME" || name == "USERPROFILE" {
			return "/home/ann", true
		}
		return "", false
	}}
	for text, want := range map[string]string{
		"nothing to hide":                                           "nothing to hide",
		"in /home/ann/.gitconfig":                                   "in ~/.gitconfig",
		"/home/ann":                                                 "~",
		"/home/anna/x and '/home/ann'":                              "/home/anna/x and '~'",
		"at ann.smith@example.com, that":                            "at a…@example.com, that",
		"at ann%40example.com":                                      "at a…%40example.com",
		"https://ann:pw@bitbucket.org/acme":                         "https://…@bitbucket.org/acme",
		"http://ann%40example.com:p@w@proxy:1 x":                    "http://…@proxy:1 x",
		"https://bitbucket.org/acme/a@b":                            "https://bitbucket.org/acme/a@b",
		"was " + apiToken.Reveal() + "!":                            "was …!",
		"x=" + strings.ReplaceAll(accessToken.Reveal(), "=", "%3D"): "x=…",
		"eyJhbGciOi.eyJzdWIi.c2ln":                                  "…",
		"a\x1b[31mb\r\nc\u202ed":                                    "a [31mb  c d",
	} {
		if got := p.public(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestKnownTrouble(t *testing.T) {
	for text, want := range map[string]install.Version{
		"git-lfs/3.3.0 (GitHub; linux amd64; go 1.19.8)\n": {Major: 3, Minor: 3},
		"git-lfs/3.7.1 (x)": {Major: 3, Minor: 7, Patch: 1},
	} {
		if v, ok := parseLFS(text); !ok || v != want {
			t.Errorf("%q: %v, %v", text, v, ok)
		}
	}
	for _, text := range []string{"", "git-lfs", "git version 2.39.5"} {
		if v, ok := parseLFS(text); ok {
			t.Errorf("%q: %v", text, v)
		}
	}
	limit := func(value string) []install.Line { return []install.Line{{Key: "http.maxretries", Value: value}} }
	for _, c := range []struct {
		minor int
		lines []install.Line
		want  bool
	}{{53, nil, false}, {54, nil, true}, {55, limit("0"), true}, {55, limit("1"), false}, {39, limit("0"), false}} {
		if got := retriesForEver(install.Version{Major: 2, Minor: c.minor}, c.lines); got != c.want {
			t.Errorf("2.%d %v: %v", c.minor, c.lines, got)
		}
	}
}

func TestQuoted(t *testing.T) {
	for name, want := range map[string]string{"origin": "origin", "a/b-c.d": "a/b-c.d", "": `""`, "x; type: y": `"x; type: y"`, "a\x1b": `"a\x1b"`} {
		if got := quoted(name); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
}

// Opening pass takes variables away that other checks look at meanwhile.
func TestFrozen(t *testing.T) {
	env := map[string]string{"BITBUCKET_TOKEN": "x", "LANG": "C"}
	p := &process{lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	frozen := p.frozen()
	env = map[string]string{"LANG": "D", commandVariable: "y"}
	if frozen.env("BITBUCKET_TOKEN") != "x" || frozen.env("LANG") != "D" {
		t.Error("a variable is not as it was, or not as it is")
	}
	if _, set := frozen.lookup(commandVariable); set {
		t.Error("a variable came later")
	}
}

func TestSiteFindings(t *testing.T) {
	for answer, want := range map[bitbucket.Answer]string{
		bitbucket.AnswerRefused: "ok site", bitbucket.AnswerOK: "ok site", bitbucket.AnswerOutage: "problem site-outage",
		bitbucket.AnswerRateLimited: "note site-limit", bitbucket.AnswerMoved: "problem site-other",
	} {
		if fs := siteFindings(bitbucket.Reply{Answer: answer}); len(fs) != 1 || fs[0].Level+" "+fs[0].ID != want {
			t.Errorf("%s: %+v", answer, fs)
		}
	}
}

// A check that does not end is left out, and said.
func TestUnfinished(t *testing.T) {
	before := checks
	t.Cleanup(func() { checks = before })
	checks = []check{
		func(ctx context.Context, _ *examination) []finding { select {} },
		func(context.Context, *examination) []finding { return []finding{{levelOK, "quick", "", ""}} },
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	t.Setenv("PATH", "")
	p := &process{lookup: func(string) (string, bool) { return "", false }, now: time.Now, executable: os.Executable}
	fs := p.examine(ctx, bitbucket.Repository{})
	if len(fs) != 2 || fs[0].ID != "unfinished" || fs[1].ID != "quick" {
		t.Errorf("%+v", fs)
	}
}

func TestSourceFinding(t *testing.T) {
	cut := apiToken.Reveal()[:20]
	for value, want := range map[string]string{
		apiToken.Reveal():             "ok source",
		"unknown-but-fine":            "ok source",
		cut:                           "note source-cut",
		"":                            "problem source-unusable",
		"two words":                   "problem source-unusable",
		"BBDC-of-another-product-123": "problem source-dead",
		made("ATBB", "old").Reveal():  "problem source-dead",
	} {
		p := &process{lookup: func(name string) (string, bool) { return value, name == "BITBUCKET_TOKEN" }}
		e := &examination{process: p}
		f := e.sourceFinding(t.Context(), e.ambient(nil))
		if f.Level+" "+f.ID != want || len(value) > 8 && strings.Contains(f.Text+f.Remedy, value) {
			t.Errorf("%q: %+v", value, f)
		}
	}
}
