package leftovers

import (
	"strings"
	"unicode"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A NetrcEntry is one machine of a .netrc.
type NetrcEntry struct {
	Machine  string // "" is default
	Login    string
	Line     int // from 1
	Password secret.Secret

	from, to int // the bytes from the word "machine" to the entry's last word
	at, end  int // those of the password, without quotes
}

// A netrcWord is a word and the bytes that it takes up.
type netrcWord struct {
	text     string
	at, end  int
	from, to int // its quotes with them
}

// ParseNetrc reads the file as curl does (lib/netrc.c): words, quoted or not; lines that
// begin with "#" and macros, which end at an empty line, are passed over.
func ParseNetrc(text string) []NetrcEntry {
	var entries []NetrcEntry
	at := -1 // the entry that words belong to
	expect := ""
	macro := false
	number, offset := 0, 0
	for line := range strings.Lines(text) {
		start := offset
		number++
		offset += len(line)
		if macro {
			macro = strings.TrimSpace(line) != ""
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range netrcWords(line) {
			keyword := strings.ToLower(word.text)
			belongs := at >= 0
			switch {
			case expect == "machine":
				entries[at].Machine = word.text
			case expect == "password" && at >= 0:
				entries[at].Password = secret.New(word.text)
				entries[at].at, entries[at].end = start+word.at, start+word.end
			case expect == "login" && at >= 0:
				entries[at].Login = word.text
			case expect != "":
			case keyword == "machine" || keyword == "default":
				entries = append(entries, NetrcEntry{Line: number, from: start + word.from})
				at, belongs = len(entries)-1, true
			case keyword == "macdef":
				macro, belongs = true, false
			}
			if belongs {
				entries[at].to = start + word.to
			}
			switch {
			case expect != "":
				expect = ""
			case keyword == "machine" || keyword == "login" || keyword == "account" || keyword == "password":
				expect = keyword
			}
			if macro {
				break
			}
		}
	}
	if expect == "machine" {
		entries = entries[:at]
	}
	return entries
}

func netrcWords(line string) []netrcWord {
	var words []netrcWord
	i, end := len(line)-len(strings.TrimLeftFunc(line, unicode.IsSpace)), len(strings.TrimRightFunc(line, unicode.IsSpace))
	for i < end {
		from := i
		switch line[i] {
		case ' ', '\t':
			i++
		case '"':
			var word strings.Builder
			for i++; i < end && line[i] != '"'; i++ {
				if line[i] == '\\' && i+1 < end {
					i++
				}
				word.WriteByte(line[i])
			}
			words = append(words, netrcWord{word.String(), from + 1, i, from, min(i+1, end)})
			i++
		default:
			for i < end && line[i] != ' ' && line[i] != '\t' {
				i++
			}
			words = append(words, netrcWord{line[from:i], from, i, from, i})
		}
	}
	return words
}

// netrcFindings are the entries for the site. The default entry counts where its password
// is a token of the site's.
func netrcFindings(text string, entries []NetrcEntry) (fs []Finding) {
	for _, n := range entries {
		if len(fs) == mostInFile {
			break
		}
		host := ""
		for _, known := range hosts {
			if bitbucket.EqualASCII(n.Machine, known) {
				host = known
			}
		}
		if n.Password.IsZero() || host == "" && (n.Machine != "" || bitbucket.KindOf(n.Password) == bitbucket.UnknownKind) {
			continue
		}
		f := Finding{Place: Netrc, What: "the default entry", Host: host, User: n.Login, Secret: n.Password, At: n.at, End: n.end}
		if host != "" {
			f.What = "the entry of " + host
		}
		from, to := wholeLines(text, n.from, n.to)
		f.Edit = edit(text, from, to, "")
		fs = append(fs, f)
	}
	return fs
}
