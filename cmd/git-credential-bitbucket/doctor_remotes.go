package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/leftovers"
)

// A place where git keeps an address, and how to give it another.
type addressPlace struct {
	what    string // "the address of remote origin"
	address leftovers.Address
	remedy  string // puts the clean address there
}

// checkRemotes looks at the addresses of this repository's remotes and submodules, and at
// those that git puts in the place of others.
func checkRemotes(ctx context.Context, e *examination) []finding {
	if e.gitErr != nil || e.linesErr != nil {
		return nil
	}
	lines := e.lines
	if top, err := e.git.Toplevel(ctx); err == nil {
		modules, err := install.FileLines(ctx, e.git, filepath.Join(top, ".gitmodules"))
		if err == nil {
			lines = append(lines[:len(lines):len(lines)], modules...)
		}
	}
	var fs []finding
	for _, l := range lines {
		if place, ok := placeOf(l); ok {
			fs = append(fs, place.findings()...)
		}
	}
	if len(fs) == 0 && e.remote != "" {
		fs = append(fs, finding{levelOK, "remote", fmt.Sprintf("this repository's remote %s is %s", quoted(e.remote), e.path), ""})
	}
	return fs
}

// placeOf reads a line of the config or of .gitmodules that holds an address of the site.
func placeOf(l install.Line) (p addressPlace, ok bool) {
	section, rest, _ := strings.Cut(l.Key, ".")
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return p, false
	}
	name, variable := rest[:i], rest[i+1:]
	file := filepath.Base(l.File())
	text := l.Value
	if section == "url" {
		text = name
	}
	if p.address, ok = leftovers.ParseAddress(text); !ok {
		return p, false
	}
	clean := shellWord(p.address.Clean())
	switch {
	case section == "remote" && variable == "url":
		p.what, p.remedy = "the address of remote "+quoted(name), "git remote set-url "+shellWord(name)+" "+clean
	case section == "remote" && variable == "pushurl":
		p.what, p.remedy = "the address to push to of remote "+quoted(name), "git remote set-url --push "+shellWord(name)+" "+clean
	case section == "submodule" && variable == "url" && file == ".gitmodules":
		p.what, p.remedy = "the address of submodule "+quoted(name)+" in .gitmodules", fmt.Sprintf("git config --file %s %s %s", shellWord(l.File()), shellWord(l.Key), clean)
	case section == "submodule" && variable == "url":
		p.what, p.remedy = "the address of submodule "+quoted(name), fmt.Sprintf("git config %s %s", shellWord(l.Key), clean)
	case section == "url" && (variable == "insteadof" || variable == "pushinsteadof"):
		p.what, p.remedy = "the address that git puts in place of "+quoted(l.Value)+", in "+strings.TrimPrefix(l.Origin, "file:"), "git config --file "+shellWord(l.File())+" --edit"
	default:
		return p, false
	}
	return p, true
}

func (p addressPlace) findings() []finding {
	a, remedy := p.address, "type: "+p.remedy
	if a.Host == bitbucket.RESTHost {
		a.Host = bitbucket.Host
	}
	switch {
	case !a.Secret.IsZero():
		return []finding{{levelProblem, "url-secret", fmt.Sprintf("%s holds %s, for everybody to see who sees the config; git uses it, and asks no helper", p.what, kindWords(a.Secret)),
			remedy + ", and revoke the token: " + bitbucket.TokenPage}}
	case a.Scheme == "http":
		return []finding{{levelProblem, "url-http", p.what + " begins with http://, over which no token is sent", remedy}}
	case strings.Contains(a.User, "@"):
		return []finding{{levelNote, "url-email", p.what + " holds an e-mail address: git tries it without a password first, a failed login at each command, and some programs go on to send it with the token, which Bitbucket refuses", remedy}}
	case a.HasUser:
		return []finding{{levelNote, "url-user", p.what + " holds a username: git tries it without a password first, a failed login at each command", remedy}}
	case a.Host != bitbucket.Host:
		return []finding{{levelNote, "url-www", p.what + " is at " + a.Host + ", which sends git on to " + bitbucket.Host + " at each command", remedy}}
	}
	return nil
}

// quoted is a name that somebody else may have chosen, so that it does not pass for
// words of this report.
func quoted(name string) string {
	if name != "" && strings.Trim(name, nameBytes) == "" {
		return name
	}
	return strconv.Quote(name)
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-.:@"
