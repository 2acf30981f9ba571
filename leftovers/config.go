package leftovers

import (
	"cmp"
	"encoding/base64"
	"path/filepath"
	"strconv"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// configFindings looks through a git config or .gitmodules; the second answer are the
// files that it includes, as it names them.
func configFindings(path, text string) (fs []Finding, includes []string) {
	file := readConfig(text)
	modules := filepath.Base(path) == ".gitmodules"
	stands := insteadOf(file)
	for i, h := range file.headers {
		a, ok := ParseAddress(h.sub)
		if !ok || !a.HasUser || h.subAt == nil {
			continue
		}
		section, _, _ := strings.Cut(h.key, ".")
		f := Finding{Place: Remote, What: "the address in a section's name"}
		switch section {
		case "url":
			f.Place, f.What = InsteadOf, "the address that git puts in place of "+cmp.Or(stands[i], "others")
		case "http":
			f.Place = ExtraHeader
		}
		if a.Secret.IsZero() && section != "url" {
			continue
		}
		fs = append(fs, f.withAddress(text, a, h.subAt))
	}
	for _, v := range file.variables {
		section, name, _ := strings.Cut(v.key, ".")
		sub := ""
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			sub, name = name[:i], name[i+1:]
		}
		if name == "path" && (section == "include" || section == "includeif") {
			includes = append(includes, v.value)
		}
		if section == "http" && name == "extraheader" {
			if f, ok := headerFinding(text, file, v, sub); ok {
				fs = append(fs, f)
			}
			continue
		}
		a, ok := ParseAddress(v.value)
		if !ok || !a.HasUser {
			continue
		}
		f := Finding{Place: Remote, What: "the address in " + section + "." + name}
		needsSecret := false
		switch {
		case section == "remote" && name == "url":
			f.What = "the address of remote " + label(sub)
		case section == "remote" && name == "pushurl":
			f.What = "the address to push to of remote " + label(sub)
		case section == "submodule" && name == "url":
			f.Place, f.What = Submodule, "the address of submodule "+label(sub)
			if modules {
				f.What += " in .gitmodules"
			}
		case section == "url" && (name == "insteadof" || name == "pushinsteadof"):
			// Cut out of it, its user would make the rule one for every address.
			f.Place, f.What = InsteadOf, "the address that git puts another in place of"
			if !a.Secret.IsZero() {
				f = f.withAddress(text, a, v.valueAt)
				f.Edit = wholeVariable(text, file, v)
				fs = append(fs, f)
			}
			continue
		case name == "lfsurl" || section == "lfs" && (name == "url" || name == "pushurl"):
			f.What = "the address of LFS"
		default:
			needsSecret = true
		}
		if !needsSecret || !a.Secret.IsZero() {
			fs = append(fs, f.withAddress(text, a, v.valueAt))
		}
	}
	return fs, includes
}

// withAddress fills in what an address tells; at is where each of its characters is
// written.
func (f Finding) withAddress(text string, a Address, at []int) Finding {
	f.Host, f.User, f.Workspace, f.Secret = a.Host, a.User, a.workspace(), a.Secret
	if f.Secret.IsZero() {
		f.What = "the username in " + f.What
	} else {
		f.At, f.End = at[a.at], at[a.end]
	}
	f.Edit = cut(text, at, a.user, a.userEnd)
	return f
}

// insteadOf names what each section's address stands for, by its header's index.
func insteadOf(file configFile) map[int]string {
	names := map[int]string{}
	for _, v := range file.variables {
		if names[v.header] == "" && (strings.HasSuffix(v.key, ".insteadof") || strings.HasSuffix(v.key, ".pushinsteadof")) {
			names[v.header] = label(v.value)
		}
	}
	return names
}

// headerFinding reads "Authorization: Basic …" or "… Bearer …". A header for every site
// counts where its secret has the shape of a token of this one.
func headerFinding(text string, file configFile, v variable, site string) (f Finding, ok bool) {
	host := ""
	if site != "" {
		a, ours := ParseAddress(site)
		if !ours {
			return f, false
		}
		host = a.Host
	}
	w, user, ok := authorization(v.value)
	if !ok || host == "" && bitbucket.KindOf(w.secret) == bitbucket.UnknownKind {
		return f, false
	}
	f = Finding{Place: ExtraHeader, What: "the header that git sends", Host: host, User: user, Secret: w.secret, At: v.valueAt[w.at], End: v.valueAt[w.end], Name: "http.extraHeader"}
	f.Edit = wholeVariable(text, file, v)
	return f, true
}

// wholeVariable takes a variable out, with the header under which nothing else stands.
func wholeVariable(text string, file configFile, v variable) *Edit {
	from, to := wholeLines(text, v.from, v.to)
	if header, alone := aloneUnder(text, file, v); alone {
		from, to = header, lineEnd(text, v.to)
	}
	return edit(text, from, to, "")
}

// aloneUnder returns where the header of v begins if nothing but v stands under it.
func aloneUnder(text string, file configFile, v variable) (from int, alone bool) {
	if v.header < 0 {
		return 0, false
	}
	h := file.headers[v.header]
	end := len(text)
	if v.header+1 < len(file.headers) {
		end = file.headers[v.header+1].from
	}
	from = lineStart(text, h.from)
	const blanks = " \t\r\n"
	return from, strings.Trim(text[h.to:v.from], blanks) == "" && strings.Trim(text[v.to:end], blanks) == "" && strings.Trim(text[from:h.from], blanks) == ""
}

// authorization reads an Authorization header; the bytes are those of what stands behind
// the scheme, which may be base64.
func authorization(header string) (w written, user string, ok bool) {
	name, value, _ := strings.Cut(header, ":")
	if !strings.EqualFold(strings.TrimSpace(name), "authorization") {
		return w, "", false
	}
	at := len(name) + 1 + len(value) - len(strings.TrimLeft(value, " \t"))
	scheme, rest, _ := strings.Cut(header[min(at, len(header)):], " ")
	at += len(scheme) + 1 + len(rest) - len(strings.TrimLeft(rest, " "))
	text := strings.TrimSpace(rest)
	if text == "" {
		return w, "", false
	}
	w = written{secret.New(text), at, at + len(text)}
	if strings.EqualFold(scheme, "basic") {
		user, w.secret, ok = basic(text)
		return w, user, ok
	}
	return w, "", strings.EqualFold(scheme, "bearer")
}

// basic decodes what HTTP's Basic scheme sends.
func basic(text string) (user string, password secret.Secret, ok bool) {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		if plain, err = base64.RawStdEncoding.DecodeString(text); err != nil {
			return "", password, false
		}
	}
	user, word, _ := strings.Cut(string(plain), ":")
	return user, secret.New(word), word != ""
}

// label is a name that somebody else chose, for people: without control characters, and
// without what may be a secret.
func label(name string) string {
	const longest = 64
	if strings.Contains(name, "@") || strings.Contains(name, "://") && strings.Count(name, ":") > 1 || len(tokensIn([]byte(name))) > 0 || len(name) > longest {
		return "…"
	}
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r > '~' || !isAlnum(byte(r)) && !strings.ContainsRune("/_-.:", r) }) {
		return name
	}
	return strconv.QuoteToASCII(name)
}
