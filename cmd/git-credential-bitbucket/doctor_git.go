package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"git-credential-bitbucket/install"
)

func checkGit(ctx context.Context, e *examination) []finding {
	var known *failure
	switch {
	case errors.As(e.gitErr, &known):
		return []finding{{levelProblem, "git-missing", "there is no git on PATH", "install git 2.26 or later"}}
	case e.gitErr != nil:
		return []finding{{levelProblem, "git-failed", e.gitErr.Error(), "type: git version"}}
	case e.version.Before(install.Oldest):
		return []finding{{levelProblem, "git-old", fmt.Sprintf("git %s is too old for this helper", e.version), "install git " + install.Oldest.String() + " or later"}}
	}
	fs := []finding{{levelOK, "git", "git " + e.version.String(), ""}}
	if e.linesErr != nil {
		return append(fs, finding{levelProblem, "git-config", "git's config cannot be read: " + e.linesErr.Error(), "type: git config --list"})
	}
	if passes, err := e.git.PassesCR(ctx); err == nil && passes {
		fs = append(fs, finding{levelProblem, "git-cr", "git hands line breaks in addresses on to its helpers (CVE-2024-52006), by which a repository can ask for other hosts' secrets",
			"install a git with that mended, such as 2.48.1, and remove credential.protectProtocol from its config"})
	}
	if retriesForEver(e.version, e.lines) {
		fs = append(fs, finding{levelNote, "git-429", "this git may try again without end where Bitbucket limits its rate (429)", "type: git config --global http.maxRetries 1"})
	}
	return fs
}

// retriesForEver: since 2.54.0 git repeats a request that is answered 429 behind a 401 as
// often as it takes, unless http.maxRetries is more than 0.
func retriesForEver(v install.Version, lines []install.Line) bool {
	limit := 0
	for _, l := range lines {
		if l.Key == "http.maxretries" {
			limit, _ = strconv.Atoi(l.Value)
		}
	}
	return !v.Before(install.Version{Major: 2, Minor: 54}) && limit <= 0
}

// The git-lfs versions that end what went before them.
var (
	lfsSafe   = install.Version{Major: 3, Minor: 6, Patch: 1} // CVE-2024-53263
	lfsEnding = install.Version{Major: 3, Minor: 7, Patch: 2} // after git-lfs/git-lfs#6231
)

func checkLFS(ctx context.Context, e *examination) []finding {
	program, err := exec.LookPath("git-lfs")
	if err != nil {
		return []finding{{levelOK, "lfs", "git-lfs is not installed", ""}}
	}
	out, err := e.ask(ctx, "", program, "version")
	v, ok := parseLFS(string(out))
	if err != nil || !ok {
		return []finding{{levelNote, "lfs-failed", "git-lfs does not tell its version", "type: git lfs version"}}
	}
	fs := []finding{{levelOK, "lfs", "git-lfs " + v.String(), ""}}
	if v.Before(lfsSafe) {
		fs = append(fs, finding{levelNote, "lfs-cve", "git-lfs before " + lfsSafe.String() + " lets a repository's address ask for other hosts' secrets (CVE-2024-53263), unless your distribution mended it",
			"install git-lfs " + lfsSafe.String() + " or later"})
	}
	if v.Before(lfsEnding) {
		fs = append(fs, finding{levelNote, "lfs-loop", "this git-lfs tries again without end where a token is refused: this helper stops it after three times, another does not",
			"install git-lfs " + lfsEnding.String() + " or later"})
	}
	return fs
}

// parseLFS reads the answer to git-lfs version: "git-lfs/3.3.0 (GitHub; …".
func parseLFS(text string) (v install.Version, ok bool) {
	n, err := fmt.Sscanf(text, "git-lfs/%d.%d.%d", &v.Major, &v.Minor, &v.Patch)
	return v, err == nil && n == 3
}
