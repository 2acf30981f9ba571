package install

import (
	"context"
	"fmt"
	"strings"
)

// A Line is one variable of git's config.
type Line struct {
	Scope   Scope
	Origin  string // as git prints it: "file:/home/ann/.gitconfig", "command line:"
	Key     string // section and variable in lower case but for useHttpPath, the subsection as written
	Value   string
	NoValue bool // "helper" without "=", which is not "helper ="
}

// File is the path in Origin, or "".
func (l Line) File() string {
	path, _ := strings.CutPrefix(l.Origin, "file:")
	if path == l.Origin {
		return ""
	}
	return path
}

// split cuts a key into section, subsection and variable. whole says that there is
// no subsection.
func split(key string) (section, sub, variable string, whole bool) {
	first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	if first < 0 {
		return key, "", "", true
	}
	if first == last {
		return key[:first], "", key[last+1:], true
	}
	return key[:first], key[first+1 : last], key[last+1:], false
}

// Lines lists the variables that git reads in git.Dir and whose keys, in the spelling of
// [Line], fit the regular expression, in git's order. Errors are *TooOldError and *GitError.
func Lines(ctx context.Context, git Git, pattern string) ([]Line, error) {
	if _, err := git.newEnough(ctx); err != nil {
		return nil, err
	}
	return git.lines(ctx, pattern)
}

// read lists the variables on which the credential helpers depend.
func (g Git) read(ctx context.Context) ([]Line, error) { return g.lines(ctx, `^(credential|lfs)\.`) }

func (g Git) lines(ctx context.Context, pattern string) ([]Line, error) {
	out, err := g.run(ctx, "config", "--null", "--show-origin", "--show-scope", "--get-regexp", pattern)
	if exitCode(err) == 1 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	fields := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	if len(fields)%3 != 0 {
		return nil, &GitError{Command: "config --get-regexp", Err: fmt.Errorf("%d fields in its answer", len(fields))}
	}
	lines := make([]Line, 0, len(fields)/3)
	for i := 0; i < len(fields); i += 3 {
		line := variable(fields[i+2])
		line.Scope, line.Origin = Scope(fields[i]), fields[i+1]
		lines = append(lines, line)
	}
	return lines, nil
}

// readFile lists everything in one config file; includes are not followed.
func (g Git) readFile(ctx context.Context, path string) ([]Line, error) {
	out, err := g.run(ctx, "config", "--file", path, "--no-includes", "--null", "--list")
	if err != nil || out == "" {
		return nil, err
	}
	var lines []Line
	for field := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
		lines = append(lines, variable(field))
	}
	return lines, nil
}

// variable reads "key LF value", or "key" alone. A key holds no LF, a value may.
func variable(field string) Line {
	key, value, found := strings.Cut(field, "\n")
	if rest, ok := strings.CutSuffix(key, ".usehttppath"); ok {
		key = rest + ".useHttpPath"
	}
	return Line{Key: key, Value: value, NoValue: !found}
}

// values are those of one key, in order.
func values(lines []Line, key string) []string {
	var vs []string
	for _, l := range lines {
		if l.Key == key {
			vs = append(vs, l.Value)
		}
	}
	return vs
}

// isTrue reads a boolean as git does.
func isTrue(l Line) bool {
	switch strings.ToLower(l.Value) {
	case "true", "yes", "on":
		return true
	case "":
		return l.NoValue
	}
	digits := strings.TrimLeft(l.Value, "+-")
	return strings.Trim(digits, "0") != "" && strings.Trim(digits, "0123456789") == ""
}
