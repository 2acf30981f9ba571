package install

import (
	"context"
	"strings"
)

// An Examination is what git's config makes of the helpers for one URL.
type Examination struct {
	Helpers  []Helper // as [Effective] lists them
	UsesPath bool     // git names the repository in its requests
	Findings []Finding
}

// Examine looks at the lines of sections credential and lfs, from [Lines]. program is the
// path of the binary that should be run.
func Examine(lines []Line, url, program string, s Surroundings) Examination {
	e := Examination{Helpers: effective(lines, url), Findings: findings(lines, program, s)}
	for _, l := range lines {
		if section, _, variable, _ := split(l.Key); section == "credential" && variable == "useHttpPath" && matches(l.Key, url) {
			e.UsesPath = isTrue(l)
		}
	}
	return e
}

// Toplevel is the top of the worktree in which git.Dir is; the error is ErrNotRepository
// outside one.
func (g Git) Toplevel(ctx context.Context) (string, error) {
	out, err := g.run(ctx, "rev-parse", "--show-toplevel")
	if exitCode(err) > 0 {
		return "", ErrNotRepository
	}
	if err != nil {
		return "", err
	}
	return g.abs(strings.TrimRight(out, "\r\n"))
}

// FileLines lists what stands in a config file such as .gitmodules, without a scope. A
// missing file has no lines.
func FileLines(ctx context.Context, git Git, path string) ([]Line, error) {
	if !exists(path) {
		return nil, nil
	}
	lines, err := git.readFile(ctx, path)
	for i := range lines {
		lines[i].Origin = "file:" + path
	}
	return lines, err
}

// PassesCR reports whether git, as it is configured, hands a carriage return in a URL on to
// helpers, some of which then read two lines (CVE-2024-52006): distributions mend that
// without another version number, so it is tried, on a host that does not exist.
func (g Git) PassesCR(ctx context.Context) (bool, error) {
	const request = "protocol=https\nhost=git.invalid\nusername=a\rb\n\n"
	out, err := g.feed(ctx, request, "-c", "credential.helper=", "-c", "credential.helper=!echo password=none;:", "credential", "fill")
	if exitCode(err) > 0 {
		return false, nil
	}
	return err == nil && strings.Contains(out, "a\rb"), err
}
