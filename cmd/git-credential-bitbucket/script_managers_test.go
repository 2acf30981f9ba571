package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
)

var fencedBlock = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// takeRecipe is "recipe [PAGE] HEADING": of a page of docs, the one about secret managers
// where none is named, it writes the blocks below that heading into the files
// recipe.LANGUAGE, as they stand there.
func takeRecipe(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 1 {
		args = append([]string{"secret-managers.md"}, args...)
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: recipe [PAGE] HEADING")
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", args[0]))
	ts.Check(err)
	heading := args[1]
	_, section, found := strings.Cut(string(page), "\n## "+heading+"\n")
	if !found {
		ts.Fatalf("%s has no section %q", args[0], heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	old, err := filepath.Glob(ts.MkAbs("recipe.*"))
	ts.Check(err)
	for _, name := range old {
		ts.Check(os.Remove(name))
	}
	for _, block := range fencedBlock.FindAllStringSubmatch(section, -1) {
		file := ts.MkAbs("recipe." + block[1])
		if _, err := os.Stat(file); err == nil {
			ts.Fatalf("%s: two blocks of %s", heading, block[1])
		}
		ts.Check(os.WriteFile(file, []byte(block[2]), 0o600))
	}
}

// serveAWS is "aws FILE": behind the test's proxy, AWS Secrets Manager, which gives out
// the file's line as the secret bitbucket and nothing while there is none, as the
// reference of GetSecretValue has it.
func serveAWS(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: aws FILE")
	}
	file := ts.MkAbs(args[0])
	server := bitbuckettest.FromScript(ts)
	server.AddService("secretsmanager.eu-central-1.amazonaws.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ SecretId string }
		err := json.NewDecoder(r.Body).Decode(&asked)
		secret, readErr := os.ReadFile(file)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		switch {
		case err != nil || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="):
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"__type": "InvalidRequestException", "message": "not as the reference has it"})
		case readErr != nil || asked.SecretId != "bitbucket":
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]any{"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the specified secret."})
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{
				"ARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:bitbucket-a1b2c3", "Name": "bitbucket", "VersionId": "a1b2c3",
				"SecretString": strings.TrimSuffix(string(secret), "\n"), "VersionStages": []string{"AWSCURRENT"}, "CreatedDate": 1.5e9,
			})
		}
	}))
	ts.Setenv("AWS_CA_BUNDLE", server.CAFile())
}
