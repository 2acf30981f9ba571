package install

import "strings"

// HelperValue is the value of credential.helper that runs the program at an absolute
// path: git hands a value that begins with such a path to the shell as it stands, with
// " get" behind it (git's credential.c, credential_do), so what the shell would
// read is escaped; the first character never is, or git would take the value for a
// name. On goos "windows" the separators become slashes, which its shell needs.
func HelperValue(path, goos string) string {
	if goos == "windows" {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case plain(c):
			b.WriteByte(c)
		case c == '\n': // behind a backslash the shell would drop it
			b.WriteString("'\n'")
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

// plain bytes mean themselves to a shell, in the middle of a word.
func plain(c byte) bool {
	return c >= 0x80 || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("/_-.,:+@%=", c) >= 0
}

// A Command is a helper's value, read as git and the shell do.
type Command struct {
	Ours    bool   // runs a binary of our name, wherever it is, or "bitbucket" by name, and nothing else
	Program string // the path, for a value that has one; "" by name and for others' shell text
	Flags   string // what follows the program, as written, the leading blank included
}

// ParseHelper reads a value of credential.helper. program is our binary's path, for
// a binary that has been given another name; "" knows it by name alone.
func ParseHelper(value, program string) Command {
	if flags, ok := strings.CutPrefix(value, byName); ok && (flags == "" || blank(flags[0])) && argumentsOnly(flags) {
		return Command{Ours: true, Flags: flags}
	}
	text, shell := strings.CutPrefix(value, "!")
	if !shell && !absolute(text) {
		return Command{}
	}
	text = strings.TrimLeft(text, " \t")
	word, rest, ok := firstWord(text)
	if !ok || assigns(word) || !argumentsOnly(rest) {
		return Command{}
	}
	if named(word) || program != "" && word == strings.ReplaceAll(program, `\`, "/") || program != "" && word == program {
		return Command{Ours: true, Program: word, Flags: rest}
	}
	// A Windows path whose separators nobody escaped: git's shell cannot run it, but it was meant to be ours.
	raw, rest, _ := cutBlank(text)
	if absolute(raw) && strings.Contains(raw, `\`) && named(strings.ReplaceAll(raw, `\`, "/")) {
		return Command{Ours: true, Program: raw, Flags: rest}
	}
	if shell {
		return Command{}
	}
	return Command{Program: word}
}

// named reports whether a path ends in our binary's name.
func named(path string) bool {
	base := path[strings.LastIndexByte(path, '/')+1:]
	if len(base) == len(Binary)+4 && strings.EqualFold(base[len(Binary):], ".exe") {
		base = base[:len(Binary)]
	}
	return base == Binary
}

// absolute is git's is_absolute_path, for either kind of system.
func absolute(s string) bool {
	if s == "" {
		return false
	}
	drive := len(s) > 1 && s[1] == ':' && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
	return s[0] == '/' || s[0] == '\\' || drive
}

// firstWord reads one word as a POSIX shell does. It fails on anything but plain
// text and quoting: expansions, operators, an open quote.
func firstWord(s string) (word, rest string, ok bool) {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == '\'':
			if c == quote {
				quote = 0
			} else {
				b.WriteByte(c)
			}
		case c == '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
			if quote == '"' && strings.IndexByte("$`\"\\\n", s[i]) < 0 {
				b.WriteByte('\\')
			}
			if s[i] != '\n' {
				b.WriteByte(s[i])
			}
		case c == '$' || c == '`':
			return "", "", false
		case quote == '"':
			if c == quote {
				quote = 0
			} else {
				b.WriteByte(c)
			}
		case c == '\'' || c == '"':
			quote = c
		case blank(c):
			return b.String(), s[i:], b.Len() > 0
		case strings.IndexByte("|&;<>()\n", c) >= 0:
			return "", "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", quote == 0 && b.Len() > 0
}

// argumentsOnly reports whether a shell reads s, which follows a command, as arguments of
// that command: it runs nothing else, also not to make up an argument.
func argumentsOnly(s string) bool {
	var quote byte
	for i := 0; i < len(s); i++ {
		c, rest := s[i], s[i:]
		switch {
		case quote == '\'':
			if c == quote {
				quote = 0
			}
		case c == '\\':
			i++
		case c == '`' || strings.HasPrefix(rest, "$("):
			return false
		case quote == '"':
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		// Other shells end $'…' elsewhere, and a comment hides quotes up to its line's end.
		case strings.IndexByte("|&;<>()\n", c) >= 0, strings.HasPrefix(rest, "$'"), c == '#' && i > 0 && blank(s[i-1]):
			return false
		}
	}
	return quote == 0
}

// assigns reports whether a shell takes the first word of a command for a variable's value,
// and the word behind it for the command.
func assigns(word string) bool {
	name, _, _ := strings.Cut(word, "/")
	return strings.Contains(name, "=")
}

func cutBlank(s string) (word, rest string, found bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i:], true
}

func blank(c byte) bool { return c == ' ' || c == '\t' }
