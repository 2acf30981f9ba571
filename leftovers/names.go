package leftovers

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

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
	line := text[at:min(len(text), at+lookBack)]
	line = line[:lineEnd(line, 0)]
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
