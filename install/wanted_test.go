package install

import (
	"errors"
	"slices"
	"testing"
)

// What git finds in the environment is what an installation writes into a file.
func TestEnvironmentIsWhatInstallWrites(t *testing.T) {
	h := newHouse(t)
	o := h.options()
	o.Program, o.LFS, o.Flags = h.path("a b's/"+Binary), true, " --account work"
	h.install(o)
	variables, err := Environment(o.Wanted(), h.lookup)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variables {
		h.Env = append(h.Env, v.Name+"="+v.Value)
	}
	for _, key := range []string{KeyHelper, KeyPath, KeyLFS} {
		both, written := h.git("config", "--null", "--get-all", key), h.git("config", "--null", "--global", "--get-all", key)
		if written == "" || both != written+written {
			t.Errorf("%s: %q, of the file %q", key, both, written)
		}
	}
}

func TestEnvironmentGoesOn(t *testing.T) {
	settings := []Setting{{"a.b", ""}, {"a.c", "d"}}
	ours := func(n, m string) map[string]string {
		return map[string]string{"GIT_CONFIG_KEY_" + n: "a.b", "GIT_CONFIG_VALUE_" + n: "", "GIT_CONFIG_KEY_" + m: "a.c", "GIT_CONFIG_VALUE_" + m: "d"}
	}
	with := func(m map[string]string, count string, more ...string) map[string]string {
		m["GIT_CONFIG_COUNT"] = count
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		there map[string]string
		count string // "" for a *CountError
	}{
		"none":         {nil, "2"},
		"empty":        {map[string]string{"GIT_CONFIG_COUNT": ""}, "2"},
		"zero":         {map[string]string{"GIT_CONFIG_COUNT": "0"}, "2"},
		"ours":         {with(ours("0", "1"), "2"), "2"},
		"ours behind":  {with(ours("1", "2"), "3", "GIT_CONFIG_KEY_0", "x.y", "GIT_CONFIG_VALUE_0", ""), "3"},
		"ours, others": {with(ours("0", "1"), "3", "GIT_CONFIG_KEY_2", "x.y", "GIT_CONFIG_VALUE_2", ""), "5"},
		"a key less":   {map[string]string{"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": ""}, ""},
		"a value less": {map[string]string{"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "x.y"}, ""},
		"no number":    {map[string]string{"GIT_CONFIG_COUNT": "one"}, ""},
		"negative":     {map[string]string{"GIT_CONFIG_COUNT": "-1"}, ""},
		"huge":         {map[string]string{"GIT_CONFIG_COUNT": "2147483647"}, ""},
		"too huge":     {map[string]string{"GIT_CONFIG_COUNT": "99999999999999999999"}, ""},
	} {
		got, err := Environment(settings, func(name string) (string, bool) { v, ok := c.there[name]; return v, ok })
		var broken *CountError
		if c.count == "" {
			if !errors.As(err, &broken) || got != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
			continue
		}
		if err != nil || len(got) != 5 || !slices.Contains(got, Variable{"GIT_CONFIG_COUNT", c.count}) || got[4].Name != "GIT_CONFIG_COUNT" {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
