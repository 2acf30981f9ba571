package leftovers

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A member is one of a JSON object, at any depth.
type member struct {
	path     []string // the keys from the top
	object   int      // which object it belongs to
	text     string   // of a string, without its escapes
	isText   bool
	from, to int // from its key's quote to behind its value
	at, end  int // of a string's value, between the quotes
}

// membersOf reads a JSON text; ok is false where it is none, or nested more than 32 deep.
func membersOf(text string) (all []member, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	objects := 0
	var read func(path []string) bool
	read = func(path []string) bool {
		const deepest = 32
		token, err := decoder.Token()
		if err != nil || len(path) > deepest {
			return false
		}
		switch token {
		case json.Delim('['):
			for decoder.More() {
				if !read(append(path[:len(path):len(path)], "")) {
					return false
				}
			}
			_, err = decoder.Token()
		case json.Delim('{'):
			objects++
			object := objects
			for decoder.More() {
				before := int(decoder.InputOffset())
				key, err := decoder.Token()
				if err != nil {
					return false
				}
				m := member{path: append(path[:len(path):len(path)], key.(string)), object: object}
				m.from = before + strings.IndexByte(text[before:], '"')
				keyEnd := int(decoder.InputOffset())
				i := len(all)
				all = append(all, m)
				value := keyEnd + len(text[keyEnd:]) - len(strings.TrimLeft(text[keyEnd:], ": \t\r\n"))
				if !read(m.path) {
					return false
				}
				m.to = int(decoder.InputOffset())
				if text[value] == '"' {
					m.isText, m.at, m.end = true, value+1, m.to-1
					if json.Unmarshal([]byte(text[value:m.to]), &m.text) != nil {
						return false
					}
				}
				all[i] = m
			}
			_, err = decoder.Token()
		}
		return err == nil
	}
	if !read(nil) {
		return nil, false
	}
	_, err := decoder.Token()
	return all, err == io.EOF
}

// removals are the edits that take the chosen members out, each run of neighbours as one,
// with the commas that are then too many.
func removals(text string, all []member, chosen func(member) bool) map[int]*Edit {
	edits := map[int]*Edit{}
	siblings := map[int][]int{}
	for i, m := range all {
		siblings[m.object] = append(siblings[m.object], i)
	}
	for _, list := range siblings {
		for i := 0; i < len(list); i++ {
			first := i
			for i < len(list) && chosen(all[list[i]]) {
				i++
			}
			if i == first {
				continue
			}
			from, to := all[list[first]].from, all[list[i-1]].to
			switch {
			case first > 0:
				from = all[list[first-1]].to
			case i < len(list):
				to = all[list[i]].from
			}
			e := edit(text, from, to, "")
			for _, of := range list[first:i] {
				edits[of] = e
			}
		}
	}
	return edits
}

// secretKeys are the members of the older tool's JSON, and of its like, that hold secrets
// (gildas/git-credential-bitbucket, credentials.go).
var secretKeys = []string{"secret", "client_secret", "access_token", "refresh_token", "token", "password", "app_password"}

// olderFindings reads the older tool's JSON: an OAuth consumer's secret and its tokens.
func olderFindings(text string) (fs []Finding) {
	all, ok := membersOf(text)
	if !ok {
		return nil
	}
	holds := func(m member) bool {
		return m.isText && m.text != "" && (slices.Contains(secretKeys, strings.ToLower(m.path[len(m.path)-1])) || bitbucket.KindOf(secret.New(m.text)) != bitbucket.UnknownKind)
	}
	top := map[string]string{}
	for _, m := range all {
		if len(m.path) == 1 && m.isText {
			top[strings.ToLower(m.path[0])] = m.text
		}
	}
	host := ""
	for _, known := range hosts {
		if bitbucket.EqualASCII(top["host"], known) {
			host = known
		}
	}
	edits := removals(text, all, holds)
	for i, m := range all {
		if !holds(m) {
			continue
		}
		name := m.path[len(m.path)-1]
		fs = append(fs, Finding{
			Place: OlderTool, What: "the member " + label(name), Host: host, User: top["username"], Workspace: top["workspace"],
			Secret: secret.New(m.text), Name: name, At: m.at, End: m.end, Edit: edits[i],
		})
	}
	return fs
}

// composerFindings reads composer's auth.json: what it keeps for the site, whatever the
// way of the login (getcomposer.org, "Authentication for privately hosted packages").
func composerFindings(text string) (fs []Finding) {
	all, ok := membersOf(text)
	if !ok {
		return nil
	}
	ways := []string{"http-basic", "bitbucket-oauth", "bearer", "custom-headers"}
	at := func(m member) (host string, ok bool) {
		for _, known := range hosts {
			if len(m.path) >= 2 && slices.Contains(ways, m.path[len(m.path)-2]) && bitbucket.EqualASCII(m.path[len(m.path)-1], known) {
				return known, true
			}
		}
		return "", false
	}
	edits := removals(text, all, func(m member) bool { _, ok := at(m); return ok })
	for i, outer := range all {
		host, ok := at(outer)
		if !ok {
			continue
		}
		user := ""
		for _, m := range all[i:] {
			if m.from >= outer.to {
				break
			}
			name := m.path[len(m.path)-1]
			if m.isText && name == "username" {
				user = m.text
			}
			if !m.isText || m.text == "" || len(m.path) > len(outer.path) && !slices.Contains([]string{"password", "consumer-secret", "access-token"}, name) {
				continue
			}
			fs = append(fs, Finding{
				Place: Packages, What: "composer's login for " + host, Host: host, User: user, Secret: secret.New(m.text), Name: name, At: m.at, End: m.end, Edit: edits[i],
			})
		}
	}
	return fs
}

// dockerFindings reads the logins in docker's config.json: base64 of user:password. They
// are for other hosts, so only what has the shape of a token of the site counts.
func dockerFindings(text string) (fs []Finding) {
	all, _ := membersOf(text)
	for _, m := range all {
		if !m.isText || len(m.path) < 3 || m.path[0] != "auths" || m.path[2] != "auth" {
			continue
		}
		user, password, ok := basic(m.text)
		if !ok || bitbucket.KindOf(password) == bitbucket.UnknownKind {
			continue
		}
		fs = append(fs, Finding{
			Place: Packages, What: "docker's login for " + label(m.path[1]), User: user, Secret: password, At: m.at, End: m.end,
			Instead: "type: docker logout " + label(m.path[1]),
		})
	}
	return fs
}
