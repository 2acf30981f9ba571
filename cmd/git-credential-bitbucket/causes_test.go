package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket"
)

// Where README's rows of causes stand.
const (
	causesBegin = "<!-- written by TestReadmeCauses from causes.go -->\n"
	causesEnd   = "<!-- end -->\n"
)

// README's section "When it does not work" is written from the rows that verify speaks
// from. UPDATE_README=1 writes it anew.
func TestReadmeCauses(t *testing.T) {
	name := filepath.Join("..", "..", "README.md")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(data), causesBegin)
	_, after, ended := strings.Cut(rest, causesEnd)
	if !begun || !ended || !strings.Contains(before, "\n## When it does not work\n") {
		t.Fatal("README.md has no such section")
	}
	table := "| what you see | `verify` names | it means | what to do | exit |\n| --- | --- | --- | --- | --- |\n"
	for _, row := range causeRows {
		table += fmt.Sprintf("| %s | `%s` | %s | %s | %d |\n", row.sign, row.cause, row.means, genericRemedies.Replace(row.remedy), row.status)
	}
	want := before + causesBegin + table + causesEnd + after
	if os.Getenv("UPDATE_README") != "" {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(data) {
		t.Error("the rows in README.md are not those in causes.go; type: UPDATE_README=1 go test ./cmd/... -run TestReadmeCauses")
	}
}

// Every cause that Judge can name has its row, and each row's remedy is filled in, for
// an account's token and for a variable's.
func TestCauseRows(t *testing.T) {
	judge, err := os.ReadFile(filepath.Join("..", "..", "bitbucket", "judge.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all []bitbucket.Cause
	for _, constant := range regexp.MustCompile(`(?m)^\tCause\w+ +Cause = "(.+?)"`).FindAllSubmatch(judge, -1) {
		all = append(all, bitbucket.Cause(constant[1]))
	}
	if len(all) < 16 || len(all) != len(causeRows) {
		t.Errorf("%d causes, %d rows", len(all), len(causeRows))
	}
	p := &process{lookup: func(string) (string, bool) { return "", false }}
	account, variable := newSubject(storedAccount(), apiToken), subject{source: "BITBUCKET_TOKEN", token: apiToken, kind: bitbucket.APIToken}
	for _, cause := range all {
		row := rowOf(cause)
		if row.remedy == "" {
			t.Errorf("%s has no row", cause)
		}
		for _, s := range []subject{account, variable} {
			remedy := p.remedyOf(row, concern{subject: s})
			if remedy == "" || strings.ContainsAny(remedy, "{}") {
				t.Errorf("%s of %s: %q", cause, s, remedy)
			}
			if s.source != "" && strings.Contains(remedy, "store --") {
				t.Errorf("%s: a variable's token is not stored: %q", cause, remedy)
			}
		}
		if generic := genericRemedies.Replace(row.remedy); strings.ContainsAny(generic, "{}") {
			t.Errorf("%s in README: %q", cause, generic)
		}
	}
}
