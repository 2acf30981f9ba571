package leftovers

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"git-credential-bitbucket/bitbucket"
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
			// In an entry that goes no other token may be overlooked: in the login's place, say.
			if !slices.ContainsFunc(fs, func(f Finding) bool { return n.from <= f.At && f.End <= n.to }) {
				passed = append(passed, span{n.from, n.to})
			}
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
	for _, a := range addressesIn(content) {
		if a.Secret.IsZero() || isExample(a.Secret.Reveal()) || len(fs) == mostInFile {
			continue
		}
		f := Finding{Place: kind.place(), What: "an address", Host: a.Host, User: a.User, Workspace: a.workspace(), Secret: a.Secret, At: a.at, End: a.end}
		switch kind {
		case dotenv, shell:
			f.Edit, f.Name = assignment(text, a.from, wordEnd(content, a.userEnd), kind)
			if f.Edit == nil {
				f.Edit = edit(text, a.user, a.userEnd, "")
			}
		case ci, composer, docker, packages, dockerfile, gitConfig:
			f.Edit = edit(text, a.user, a.userEnd, "")
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

// beside is what may stand in a variable's value before a secret and goes with it: a
// username, a header's scheme, pip's prefix of an address. Other things may be other
// sites' secrets.
var beside = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[\w.@+%-]*:|git\+|(?i:(?:authorization: *)?(?:basic|bearer|token) +))?$`)
})

const byteOrderMark = "\ufeff"

// assignment is the edit that takes out the statement that assigns what stands from at to
// end, and no more, to a variable, be it commented out; nil where the line does more than that.
func assignment(text string, at, end int, kind class) (e *Edit, name string) {
	from := lineStart(text, at)
	to := lineEnd(text, from)
	if end > to || to-from > lookBack || from > 0 && text[from-1] != '\n' || from >= 2 && strings.HasSuffix(strings.TrimRight(text[:from], "\r\n"), `\`) {
		return nil, ""
	}
	if from == 0 && strings.HasPrefix(text, byteOrderMark) {
		from = len(byteOrderMark)
	}
	line := strings.TrimRight(text[from:to], "\r\n")
	body, comment := strings.CutPrefix(strings.TrimLeft(line, " \t"), "#")
	body = strings.TrimLeft(body, "# \t")
	indent := len(line) - len(body)
	name, value, ok := cutAssignment(body)
	if !ok || at < from+indent+value {
		return nil, ""
	}
	begin := from + indent + value
	length := oneWord(body[value:])
	const quotes = "\"'"
	if end > begin+length || !beside().MatchString(strings.TrimLeft(withoutTokens(text[begin:at], ""), quotes)) || strings.Trim(withoutTokens(text[end:begin+length], ""), ":"+quotes) != "" {
		return nil, name
	}
	if kind == shell && !comment && (indent > 0 || inBlock(text[:from], text[to:])) {
		return edit(text, from+indent, from+len(line), ":"), name // a block may not become empty
	}
	return edit(text, from, to, ""), name
}

// withoutTokens is the text with something else in place of each token in it.
func withoutTokens(text, instead string) string {
	all := tokensIn([]byte(text))
	slices.SortFunc(all, func(a, b written) int { return b.at - a.at })
	for _, w := range all {
		text = text[:w.at] + instead + text[w.end:]
	}
	return text
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

// oneWord is the length of text's one word of a shell, quoted or not, with nothing but a
// comment behind it; -1 where there is more.
func oneWord(text string) int {
	i := 0
	for i < len(text) && text[i] != ' ' && text[i] != '\t' {
		switch c := text[i]; c {
		case '"', '\'':
			closing := strings.IndexByte(text[i+1:], c)
			if closing < 0 {
				return -1
			}
			i += closing + 1
		case ';', '&', '|', '(', ')', '`', '<', '>':
			return -1
		case '\\':
			if i++; i >= len(text) {
				return -1
			}
		}
		i++
	}
	rest := strings.TrimSpace(text[min(i, len(text)):])
	if i > len(text) || rest != "" && rest != ";" && !strings.HasPrefix(rest, "#") {
		return -1
	}
	return i
}

// inBlock reports whether the lines around a shell's statement, comments passed over, want
// one there.
func inBlock(before, after string) bool {
	const blanks, most = " \t\r\n", 100 // of a long comment's lines
	last := ""
	for range most {
		before = strings.TrimRight(before, blanks)
		start := lineStart(before, len(before))
		last, before = before[start:], before[:start]
		if i := strings.Index(" "+strings.ReplaceAll(last, "\t", " "), " #"); i >= 0 {
			last = strings.TrimRight(last[:i], blanks)
		}
		if last != "" || before == "" {
			break
		}
	}
	for _, end := range []string{"then", "else", "do", "{", "(", ")", "&&", "||", "|"} {
		if strings.HasSuffix(last, end) {
			return true
		}
	}
	after = strings.TrimLeft(after, blanks)
	for n := 0; n < most && strings.HasPrefix(after, "#"); n++ {
		after = strings.TrimLeft(after[lineEnd(after, 0):], blanks)
	}
	first := after[:lineEnd(after, 0)]
	for _, begin := range []string{"fi", "done", "else", "elif", "}", ")", ";;", "end"} {
		if strings.HasPrefix(first, begin) {
			return true
		}
	}
	return false
}
