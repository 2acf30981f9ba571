package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// A report is pasted where everybody reads it. What the checks put into a finding is
// chosen with that in mind; public is for what they took over from elsewhere.

var (
	tokens   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:ATAT|ATCT|ATBB|BBDC-|eyJ)[A-Za-z0-9_.%\\=-]{8,}`) })
	urlUsers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`://[^/\s]*@`) })
	emails   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`[^\s@…:/;,"'()<>=]+(@|%40)([\p{L}0-9-]+\.)+[\p{L}]{2,}`)
	})
)

// public is text without a token, a username or password in an address, an e-mail
// address, the home directory's name or what moves a terminal's cursor.
func (p *process) public(text string) string {
	text = oneLine(text)
	text = tokens().ReplaceAllString(text, "…")
	text = urlUsers().ReplaceAllString(text, "://…@")
	text = emails().ReplaceAllStringFunc(text, func(address string) string {
		_, size := utf8.DecodeRuneInString(address)
		at := strings.LastIndex(address, "@")
		if i := strings.LastIndex(address, "%40"); at < 0 {
			at = i
		}
		return address[:size] + "…" + address[at:]
	})
	if home := strings.TrimRight(p.home(), `/\`); home != "" {
		text = withoutHome(text, home)
		if real, err := filepath.EvalSymlinks(home); err == nil && real != home {
			text = withoutHome(text, real)
		}
	}
	return text
}

// withoutHome puts "~" in place of the folder, where it is a whole one.
func withoutHome(text, home string) string {
	var out strings.Builder
	for {
		i := strings.Index(text, home)
		if i < 0 {
			return out.String() + text
		}
		rest := text[i+len(home):]
		out.WriteString(text[:i])
		if r, _ := utf8.DecodeRuneInString(rest); rest == "" || strings.ContainsRune(`/\ "'):;,`, r) {
			out.WriteString("~")
		} else {
			out.WriteString(home)
		}
		text = rest
	}
}
