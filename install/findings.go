package install

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A FindingKind is something a person should know of an installation.
type FindingKind string

const (
	LaterHelper   FindingKind = "later-helper"   // Line: asked after ours, and handed each token that worked
	EarlierHelper FindingKind = "earlier-helper" // Line: asked before ours, and handed each token that worked
	Shadowed      FindingKind = "shadowed"       // Line: an empty helper behind ours, for the whole host or, by its key, a part: git never runs ours there
	OtherOurs     FindingKind = "other-ours"     // Line: runs a binary of our name, Path, that is not the one installed
	PathOff       FindingKind = "path-off"       // Line: sets useHttpPath to false behind ours
	NotOnPath     FindingKind = "not-on-path"    // Path: the binary, in no folder of PATH
	OtherOnPath   FindingKind = "other-on-path"  // Path: another git-credential-bitbucket, which is first on PATH
	Unstable      FindingKind = "unstable"       // Path: the binary, in a versioned or temporary folder; Better: its stable name, if it has one
	NoLFSAccess   FindingKind = "no-lfs-access"  // git-lfs is there, and KeyLFS is not "basic"
)

// A Finding has the fields that its kind names.
type Finding struct {
	Kind   FindingKind
	Line   Line
	Path   string
	Better string
}

// Surroundings are what findings need of the process.
type Surroundings struct {
	Path string // PATH
	LFS  bool   // git-lfs is installed
}

// Findings says what there is to know once the plan is applied, in this order: the
// config's lines as git reads them, the binary, git-lfs. It changes nothing, and is
// as true before Apply as after. A file of [ScopeFile] counts where git reads it.
func (p *Plan) Findings(ctx context.Context, s Surroundings) ([]Finding, error) {
	lines, err := p.options.Git.read(ctx)
	if err != nil {
		return nil, err
	}
	lines = p.simulate(lines)
	return findings(lines, p.options.Program, s), nil
}

func findings(lines []Line, program string, s Surroundings) []Finding {
	fs := lineFindings(lines, program)
	fs = append(fs, binaryFindings(program, s.Path, runtime.GOOS)...)
	if access := values(lines, KeyLFS); s.LFS && (len(access) == 0 || access[len(access)-1] != "basic") {
		fs = append(fs, Finding{Kind: NoLFSAccess})
	}
	return fs
}

// lineFindings looks at the helpers around the last line that is ours for the whole host.
func lineFindings(lines []Line, program string) (fs []Finding) {
	at := -1
	for i, l := range lines {
		if isHelper(l.Key) && reachOf(l.Key) == wholly && ParseHelper(l.Value, program).Ours {
			at = i
		}
	}
	if at < 0 {
		return nil
	}
	first := 0
	for i, l := range lines[:at] {
		if isHelper(l.Key) && l.Value == "" && (reachOf(l.Key) == wholly || reachOf(l.Key) == general) {
			first = i + 1
		}
	}
	for i, l := range lines {
		if i < first || reachOf(l.Key) == elsewhere {
			continue
		}
		if _, _, variable, _ := split(l.Key); variable == "useHttpPath" && i > at && !isTrue(l) {
			fs = append(fs, Finding{Kind: PathOff, Line: l})
			continue
		}
		if !isHelper(l.Key) {
			continue
		}
		c := ParseHelper(l.Value, program)
		switch {
		case l.Value == "" && i > at:
			fs = append(fs, Finding{Kind: Shadowed, Line: l})
		case l.Value == "":
		case c.Ours:
			if c.Program != "" && !sameFile(c.Program, program) {
				fs = append(fs, Finding{Kind: OtherOurs, Line: l, Path: c.Program})
			}
		case i < at:
			fs = append(fs, Finding{Kind: EarlierHelper, Line: l})
		default:
			fs = append(fs, Finding{Kind: LaterHelper, Line: l})
		}
	}
	return fs
}

func binaryFindings(program, pathVar, goos string) (fs []Finding) {
	if Volatile(program) {
		better, _ := Stable(program, pathVar, goos)
		fs = append(fs, Finding{Kind: Unstable, Path: program, Better: better})
	}
	all := onPath(pathVar, goos)
	if len(all) > 0 && !sameFile(all[0], program) {
		fs = append(fs, Finding{Kind: OtherOnPath, Path: all[0]})
	}
	if !slices.ContainsFunc(all, func(path string) bool { return sameFile(path, program) }) {
		fs = append(fs, Finding{Kind: NotOnPath, Path: program})
	}
	return fs
}

// simulate is what git will read once the plan is applied: git adds to the last
// section of the key's name, else at the end of the file.
func (p *Plan) simulate(lines []Line) []Line {
	for _, c := range p.Changes {
		at, origin := p.place(lines, c.Key)
		if at < 0 {
			continue
		}
		var next []Line
		for i := 0; i <= len(lines); i++ {
			if i == at {
				for _, v := range c.New {
					origin.Key, origin.Value = c.Key, v
					next = append(next, origin)
				}
			}
			if i < len(lines) && !(lines[i].Key == c.Key && p.own(lines[i])) {
				next = append(next, lines[i])
			}
		}
		lines = next
	}
	return lines
}

// place is the index before which new lines of a key stand, and a line with their
// scope and origin. It is negative where git does not read the file.
func (p *Plan) place(lines []Line, key string) (int, Line) {
	section := key[:strings.LastIndexByte(key, '.')+1]
	at, end := -1, -1
	origin := Line{Scope: p.options.Scope, Origin: "file:" + p.File}
	for i, l := range lines {
		if p.own(l) {
			origin, end = Line{Scope: l.Scope, Origin: l.Origin}, i+1
			if strings.HasPrefix(l.Key, section) {
				at = i + 1
			}
		}
		if p.options.Scope != ScopeFile && rank[l.Scope] <= rank[p.options.Scope] {
			end = i + 1
		}
	}
	if at >= 0 {
		return at, origin
	}
	if p.options.Scope != ScopeFile {
		end = max(end, 0)
	}
	return end, origin
}

// own reports whether a line stands in the plan's file. git prints a repository's
// own config relative to the worktree's top.
func (p *Plan) own(l Line) bool {
	file := l.File()
	if file == "" || p.options.Scope != ScopeFile && l.Scope != p.options.Scope {
		return false
	}
	if filepath.IsAbs(file) {
		return sameFile(file, p.File)
	}
	file = filepath.ToSlash(file)
	return p.options.Scope == ScopeLocal && (file == ".git/config" || file == "config")
}
