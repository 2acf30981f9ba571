package leftovers

import (
	"bytes"
	"os"
	"strings"
	"unicode"

	"github.com/rogpeppe/go-internal/diff"
)

// Diff shows what Apply would change in the file, as a unified diff with three lines of
// context. Every secret is hidden in it, those of the context too: the site's tokens as
// "…" and their last four characters, others and those in the file's name as "…". Line ends are not shown, long lines
// are cut, and control characters are replaced. Errors are those of Apply.
func Diff(path string, findings []Finding) (string, error) {
	edits, err := merged(findings)
	if err != nil {
		return "", err
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return "", fileError(path, err)
	}
	after, err := splice(before, edits)
	if err != nil {
		return "", fileError(path, err)
	}
	name := shown(withoutTokens(path, "…"))
	text := diff.Diff(name, hidden(before, findings, hint), name, hidden(after, without(findings), hint))
	_, text, _ = bytes.Cut(text, []byte("\n")) // "diff NAME NAME"
	var out strings.Builder
	from := 0 // where the part of a long line begins that is shown
	for line := range strings.Lines(string(text)) {
		line = shown(strings.TrimRight(line, "\r\n"))
		out.WriteString(cutLong(line, &from) + "\n")
	}
	return out.String(), nil
}

// without are the findings for the file without them: their secrets may stand in it
// elsewhere, but nothing is at the old offsets.
func without(findings []Finding) []Finding {
	var fs []Finding
	for _, f := range findings {
		f.At, f.End, f.Edit = 0, 0, nil
		fs = append(fs, f)
	}
	return fs
}

// shown is the text with what a terminal would obey, or would not show, replaced.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r == unicode.ReplacementChar || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return '?'
		}
		return r
	}, text)
}

// cutLong leaves of a long line of a diff its sign and the part around the first secret, and
// of the line that replaces it the same part.
func cutLong(line string, from *int) string {
	const most, lead = 400, 100
	text := []rune(line)
	if len(text) <= most {
		return line
	}
	if text[0] != '+' {
		*from = max(1, len([]rune(line[:max(0, strings.Index(line, "…"))]))-lead)
	}
	start := min(*from, len(text)-lead)
	end := min(start+most, len(text))
	line = string(text[start:end])
	if start > 1 {
		line = "[…]" + line
	}
	if end < len(text) {
		line += "[…]"
	}
	return string(text[:1]) + line
}
