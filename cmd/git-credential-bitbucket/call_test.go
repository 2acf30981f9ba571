package main

import (
	"slices"
	"strings"
	"testing"

	"git-credential-bitbucket/helper"
)

func TestParseCall(t *testing.T) {
	for _, c := range []struct {
		args     string
		terminal bool
		ok       bool
		want     call
		command  string // --token-command; "-" for none
	}{
		{"get", false, true, call{operation: "get"}, "-"},
		{"get", true, true, call{operation: "get"}, "-"},
		{"erase", true, true, call{operation: "erase"}, "-"},
		{"store", false, true, call{operation: "store"}, "-"},
		{"store", true, false, call{}, "-"},
		{"--account work get", false, true, call{operation: "get", account: "work"}, "-"},
		{"--account=work get", false, true, call{operation: "get", account: "work"}, "-"},
		{"get --account work", false, true, call{operation: "get", account: "work"}, "-"},
		{"store --account work", false, true, call{operation: "store", account: "work"}, "-"},
		{"store --account work", true, false, call{}, "-"},
		{"--account a --account b get", false, true, call{operation: "get", account: "b"}, "-"},
		{"--account=a=b get", false, true, call{operation: "get", account: "a=b"}, "-"},
		{"--account= get", false, true, call{operation: "get"}, "-"},
		{"--token-command cat get", false, true, call{operation: "get"}, "cat"},
		{"--token-command=cat --account work get", false, true, call{operation: "get", account: "work"}, "cat"},
		{"--token-command= get", false, true, call{operation: "get"}, ""},
		{"--token-command cat --token-command-cache 10m get", false, true, call{operation: "get"}, "cat"},
		{"get --token-command-cache=10m", false, true, call{operation: "get"}, "-"},
		{"get --token-command-cache", false, false, call{}, "-"},
		{"--token-command get", false, false, call{}, "-"},
		{"get --account", false, false, call{}, "-"},
		{"--account get", false, false, call{}, "-"},
		{"store --email a@b.c", false, false, call{}, "-"},
		{"store --token-stdin", false, false, call{}, "-"},
		{"get get", false, false, call{}, "-"},
		{"get x", false, false, call{}, "-"},
		{"--help", false, false, call{}, "-"},
		{"-h", false, false, call{}, "-"},
		{"--verbose get", false, false, call{}, "-"},
		{"", false, false, call{}, "-"},
		{"capability", false, true, call{operation: "capability"}, "-"},
		{"capability", true, false, call{}, "-"},
		{"future", false, true, call{operation: "future"}, "-"},
		{"future x", false, false, call{}, "-"},
		{"--account work future", false, true, call{operation: "future", account: "work"}, "-"},
		{"status", false, false, call{}, "-"},
		{"--account work status", false, false, call{}, "-"},
	} {
		got, ok := parseCall(strings.Fields(c.args), func() bool { return c.terminal })
		if ok != c.ok {
			t.Errorf("%q, terminal %v: %v", c.args, c.terminal, ok)
			continue
		}
		if !ok {
			continue
		}
		command := "-"
		if got.tokenCommand != nil {
			command = *got.tokenCommand
		}
		if got.cache != nil != strings.Contains(c.args, cacheFlag) || got.cache != nil && *got.cache != "10m" {
			t.Errorf("%q: its cache is %v", c.args, got.cache)
		}
		got.tokenCommand, got.cache = nil, nil
		if got != c.want || command != c.command {
			t.Errorf("%q: %+v, command %q; want %+v, %q", c.args, got, command, c.want, c.command)
		}
	}
	// A value is one argument, whatever is in it.
	if got, ok := parseCall([]string{"--token-command", "echo --account x", "get"}, func() bool { return false }); !ok || *got.tokenCommand != "echo --account x" || got.account != "" {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := parseCall([]string{""}, func() bool { return false }); !ok {
		t.Error("an empty operation is one of a later git")
	}
}

// Every command is known as one, so that none is taken for an operation of a later git.
func TestCommandNames(t *testing.T) {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	names = append(names, "help", "completion")
	if !slices.Equal(names, commandNames) {
		t.Errorf("commands %v, known as such %v", names, commandNames)
	}
}

func TestExitOf(t *testing.T) {
	for outcome, want := range map[helper.Outcome]exitStatus{
		helper.Done: 0, helper.Failed: 1, helper.NoCredential: 3, helper.SourceFailed: 4, helper.Outcome(99): 1,
	} {
		if got := exitOf(outcome); got != want {
			t.Errorf("%d: %d", outcome, got)
		}
	}
	if got := [...]exitStatus{exitDone, exitFailed, exitUsage, exitNoCredential, exitUnusable, exitInterrupted}; got != [...]exitStatus{0, 1, 2, 3, 4, 130} {
		t.Errorf("the numbers are part of the interface: %v", got)
	}
}
