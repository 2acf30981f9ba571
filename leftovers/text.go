package leftovers

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// mostInFile bounds the findings of one file: one with more is a test's or an attack.
const mostInFile = 1000

// fileFindings looks through one file; the second answer are the configs that it includes.
func fileFindings(path string, kind class, content []byte) (fs []Finding, includes []string) {
	if kind == plain && !worthALook(content) {
		return nil, nil
	}
	text := string(content)
	var passed []span // other sites' entries
	switch kind {
	case credentials:
		fs = credentialFindings(text)
	case netrc:
		entries := ParseNetrc(text)
		fs = netrcFindings(text, entries)
		for _, n := range entries[:min(len(entries), mostInFile)] {
			passed = append(passed, span{n.from, n.to})
		}
	case gitConfig:
		fs, includes = configFindings(path, text)
	case olderTool:
		fs = olderFindings(text)
	case composer:
		fs = composerFindings(text)
	case docker:
		fs = dockerFindings(text)
	}
	fs = append(fs, addressFindings(text, content, kind)...)
	if len(fs) < mostInFile {
		fs = append(fs, tokenFindings(text, content, kind, passed)...)
	}
	if kind >= dotenv && len(fs) < mostInFile {
		fs = append(fs, nameFindings(path, text, kind, fs)...)
	}
	return settle(text, path, fs[:min(len(fs), mostInFile)]), includes
}

type span struct{ from, to int }

// worthALook is the fast way past a file that has nothing of the site's.
func worthALook(content []byte) bool {
	for _, mark := range []string{"ATBB", "ATAT", "ATCT"} {
		if bytes.Contains(content, []byte(mark)) {
			return true
		}
	}
	for rest := content; ; {
		i := bytes.IndexByte(rest, '@')
		if i < 0 {
			return false
		}
		if rest = rest[i+1:]; namesHost(rest) {
			return true
		}
	}
}

// credentialFindings are the lines of git credential-store's file.
func credentialFindings(text string) (fs []Finding) {
	at := 0
	for line := range strings.Lines(text) {
		address := strings.TrimSpace(line)
		from := at + strings.Index(line, address)
		if a, ok := ParseAddress(address); ok && !a.Secret.IsZero() {
			fs = append(fs, Finding{
				Place: CredentialFile, What: "a line for " + a.Host, Host: a.Host, User: a.User, Workspace: a.workspace(), Secret: a.Secret,
				At: from + a.at, End: from + a.end, Edit: edit(text, at, at+len(line), ""),
			})
		}
		at += len(line)
	}
	return fs
}

// addressFindings are the addresses of the site with a secret in them.
func addressFindings(text string, content []byte, kind class) (fs []Finding) {
	addresses, at := addressesIn(content)
	for i, a := range addresses {
		if a.Secret.IsZero() || isExample(a.Secret.Reveal()) || len(fs) == mostInFile {
			continue
		}
		from := at[i]
		f := Finding{Place: kind.place(), What: "an address", Host: a.Host, User: a.User, Workspace: a.workspace(), Secret: a.Secret, At: from + a.at, End: from + a.end}
		switch kind {
		case dotenv, shell:
			f.Edit, f.Name = assignment(text, f.At, f.End, kind)
			if f.Edit == nil {
				f.Edit = edit(text, from+a.user, from+a.userEnd, "")
			}
		case ci, composer, docker, packages, dockerfile, gitConfig:
			f.Edit = edit(text, from+a.user, from+a.userEnd, "")
		default:
			f.Instead = insteadOfText
		}
		fs = append(fs, f)
	}
	return fs
}

const (
	insteadOfText   = "take the secret out, and let git ask the helper"
	insteadInCI     = "keep the token in a secured variable of the CI system"
	insteadInDocker = "hand the token over as a build secret, not as text"
	insteadOfName   = "app passwords ended on " + bitbucket.AppPasswordsEnded + ": give it an API token under the name BITBUCKET_API_TOKEN"
)

// tokenFindings are the texts in the shape of a token.
func tokenFindings(text string, content []byte, kind class, passed []span) (fs []Finding) {
	for _, w := range tokensIn(content) {
		if len(fs) == mostInFile {
			break
		}
		if slices.ContainsFunc(passed, func(s span) bool { return s.from <= w.at && w.end <= s.to }) || isForeign(text, w) {
			continue
		}
		f := Finding{Place: kind.place(), What: "the text of " + article(bitbucket.KindOf(w.secret)), Secret: w.secret, At: w.at, End: w.end}
		switch kind {
		case dotenv, shell:
			f.Edit, f.Name = assignment(text, w.at, w.end, kind)
			if f.Name != "" {
				f.What = "the variable " + f.Name
			}
		case ci:
			f.Instead = insteadInCI
		case docker, dockerfile:
			f.Instead = insteadInDocker
		}
		if f.Edit == nil && f.Instead == "" {
			f.Instead = insteadOfText
		}
		fs = append(fs, f)
	}
	return fs
}

func article(kind bitbucket.Kind) string { return "an " + kind.String() }

// isForeign reports whether an API token, which Atlassian's other products take too,
// stands in the address of another site.
func isForeign(text string, w written) bool {
	return bitbucket.KindOf(w.secret) == bitbucket.APIToken && strings.HasPrefix(text[w.end:], "@") && !namesHost([]byte(text[w.end+1:min(len(text), w.end+32)]))
}

// assignment is the edit that takes out the statement that assigns what stands from at to
// end to a variable, nil where the line does more than that.
func assignment(text string, at, end int, kind class) (e *Edit, name string) {
	from := lineStart(text, at)
	to := lineEnd(text, from)
	if end > to || to-from > longestLine || from > 0 && text[from-1] != '\n' || from >= 2 && strings.HasSuffix(strings.TrimRight(text[:from], "\r\n"), `\`) {
		return nil, ""
	}
	line := strings.TrimRight(text[from:to], "\r\n")
	body := strings.TrimLeft(line, " \t")
	indent := len(line) - len(body)
	name, value, ok := cutAssignment(body)
	if !ok || at < from+indent+value {
		return nil, ""
	}
	if !isOneWord(body[value:]) {
		return nil, name
	}
	if indent > 0 && kind == shell {
		return edit(text, from+indent, from+len(line), ":"), name // a block may not become empty
	}
	return edit(text, from, to, ""), name
}

// cutAssignment reads "NAME=", "export NAME=", "set -gx NAME ", "setenv NAME "; value is
// where the value begins.
func cutAssignment(line string) (name string, value int, ok bool) {
	at := 0
	word := func() string {
		from := at
		for at < len(line) && line[at] != ' ' && line[at] != '\t' && line[at] != '=' {
			at++
		}
		return line[from:at]
	}
	blanks := func() {
		for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
			at++
		}
	}
	separator := byte('=')
	first := word()
	switch first {
	case "set", "setenv":
		separator = ' '
		fallthrough
	case "export", "declare", "typeset":
		for blanks(); strings.HasPrefix(line[at:], "-"); blanks() {
			word()
		}
		name = word()
	default:
		name = first
	}
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r > 'z' || !isAlnum(byte(r)) && r != '_' }) {
		return "", 0, false
	}
	spaced := at
	blanks()
	switch {
	case separator == ' ' && at > spaced:
		return name, at, true
	case at < len(line) && line[at] == '=' && separator == '=' && (at == spaced || first == name):
		at++
		blanks()
		return name, at, true
	}
	return "", 0, false
}

// isOneWord reports whether text is one word of a shell, quoted or not, with nothing but a
// comment behind it.
func isOneWord(text string) bool {
	i := 0
	for i < len(text) && text[i] != ' ' && text[i] != '\t' {
		switch c := text[i]; c {
		case '"', '\'':
			closing := strings.IndexByte(text[i+1:], c)
			if closing < 0 {
				return false
			}
			i += closing + 1
		case ';', '&', '|', '(', ')', '`', '<', '>':
			return false
		case '\\':
			if i++; i >= len(text) {
				return false
			}
		}
		i++
	}
	rest := strings.TrimSpace(text[min(i, len(text)):])
	return i <= len(text) && (rest == "" || rest == ";" || strings.HasPrefix(rest, "#"))
}

// nameFindings are the names of app passwords, and the values that they are given.
func nameFindings(path, text string, kind class, others []Finding) (fs []Finding) {
	type use struct{ line, times int }
	uses := map[string]*use{}
	var names []string
	lower := asciiLower(text)
	ours := strings.Contains(lower, "bitbucket") || strings.Contains(strings.ToLower(filepath.Base(path)), "bitbucket")
	for from := 0; ; {
		i := strings.Index(lower[from:], "password")
		if i < 0 || len(fs)+len(names) >= mostInFile {
			break
		}
		at, end := from+i, from+i+len("password")
		for at > from && isName(text[at-1]) {
			at--
		}
		from = end
		name := text[at:end]
		if end < len(text) && isName(text[end]) || !isAppPassword(name, ours) {
			continue
		}
		if w, ok := valueBehind(text, end); ok && kind != plain {
			f := Finding{Place: kind.place(), What: "the value of " + name, Name: name, Secret: w.secret, At: w.at, End: w.end}
			if kind == dotenv || kind == shell {
				f.Edit, _ = assignment(text, w.at, w.end, kind)
			}
			if f.Edit == nil {
				f.Instead = insteadOfName
			}
			fs = append(fs, f)
			continue
		}
		if slices.ContainsFunc(others, func(o Finding) bool { return o.Edit != nil && o.Edit.From <= at && end <= o.Edit.To }) {
			continue
		}
		if uses[name] == nil {
			uses[name] = &use{line: 1 + strings.Count(text[:at], "\n")}
			names = append(names, name)
		}
		uses[name].times++
	}
	for _, name := range names {
		f := Finding{Place: kind.place(), What: "the name " + name, Name: name, Line: uses[name].line, Instead: insteadOfName}
		if n := uses[name].times; n > 1 {
			f.What += fmt.Sprintf(", %d times", n)
		}
		fs = append(fs, f)
	}
	return fs
}

// asciiLower keeps each byte where it is, which strings.ToLower does not.
func asciiLower(text string) string {
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

func isName(c byte) bool { return isAlnum(c) || c == '_' || c == '-' }

// isAppPassword reports whether a name is one for an app password of the site: other
// sites have such too, so in capitals it wants the site's name in it or in the file.
func isAppPassword(name string, ours bool) bool {
	word := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(strings.TrimLeft(name, "-")))
	before, ok := strings.CutSuffix(word, "apppassword")
	switch {
	case !ok || len(name) > 100:
		return false
	case before == "":
		return ours || name == "app_password"
	}
	return strings.Contains(before, "bitbucket") || strings.HasPrefix(before, "bb")
}

// valueBehind is the literal that stands behind a name in a line of a shell, YAML, JSON,
// HCL or INI text: not a variable's name, nor an example.
func valueBehind(text string, at int) (w written, ok bool) {
	line := text[at:lineEnd(text, at)]
	i := 0
	for i < len(line) && strings.IndexByte("\"' \t", line[i]) >= 0 {
		i++
	}
	separated := i > 0 && strings.Trim(line[:i], " \t") == "" && startsWith(text, at, "set ", "setenv ", "ENV ", "ARG ")
	for i < len(line) && strings.IndexByte(":=>", line[i]) >= 0 {
		separated = true
		i++
	}
	if !separated {
		return w, false
	}
	i += len(line[i:]) - len(strings.TrimLeft(line[i:], " \t"))
	if i >= len(line) {
		return w, false
	}
	end := i
	if quote := line[i]; quote == '"' || quote == '\'' {
		i++
		closing := strings.IndexByte(line[i:], quote)
		if closing < 0 {
			return w, false
		}
		end = i + closing
	} else {
		for end < len(line) && strings.IndexByte(" \t\r\n,;)}]\"'", line[end]) < 0 {
			end++
		}
	}
	const shortest = 8
	value := line[i:end]
	if len(value) < shortest || isExample(value) || bitbucket.Printable(secret.New(value)) != nil || !strings.ContainsAny(value, "0123456789") {
		return w, false
	}
	return written{secret.New(value), at + i, at + end}, true
}

// startsWith reports whether the line around at begins with one of the words.
func startsWith(text string, at int, words ...string) bool {
	line := strings.TrimLeft(text[lineStart(text, at):at], " \t")
	return slices.ContainsFunc(words, func(word string) bool { return strings.HasPrefix(line, word) })
}
