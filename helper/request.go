package helper

import (
	"slices"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// A Request is what git asks about: the lines of a Message that matter here.
type Request struct {
	Protocol string
	Host     string
	Path     string // only where git's credential.useHttpPath is set
	Username string
	Password secret.Secret
	// Relayed: the credential is not a username and password of this helper's, but
	// another's pre-encoded one (authtype, credential), or one that must not be kept
	// (ephemeral).
	Relayed bool
}

// Request picks the lines that this helper knows. Others are ignored: url, wwwauth[],
// state[] and whatever a later git sends widen nothing.
func (m Message) Request() Request {
	var request Request
	for _, field := range m {
		switch field.Key {
		case "protocol":
			request.Protocol = field.Value
		case "host":
			request.Host = field.Value
		case "path":
			request.Path = field.Value
		case "username":
			request.Username = field.Value
		case "password":
			request.Password = secret.New(field.Value)
		case "authtype", "credential":
			request.Relayed = true
		case "ephemeral":
			request.Relayed = request.Relayed || field.Value != "0"
		}
	}
	return request
}

// ForBitbucket reports whether the host is exactly Bitbucket's.
func (r Request) ForBitbucket() bool { return bitbucket.IsHost(r.Host) }

// Ours reports whether it is about Bitbucket over https.
func (r Request) Ours() bool { return r.Protocol == "https" && r.ForBitbucket() }

// Workspace is the workspace that the path names, in lower case; "" where git sends
// no path or one that no workspace can have, such as one with a "." or ".." in it, which
// a server reads as another. A snippet's path names its workspace second:
// snippets/WORKSPACE/ID.
func (r Request) Workspace() string {
	if r.detours() {
		return ""
	}
	first, rest, _ := strings.Cut(strings.TrimLeft(r.Path, "/"), "/")
	if first == "snippets" {
		first, _, _ = strings.Cut(rest, "/")
	}
	return slug(first)
}

// Repository is the path as WORKSPACE/NAME, without ".git"; "" where it is not of
// that form. It is fit to be shown to a person.
func (r Request) Repository() string {
	if r.detours() {
		return ""
	}
	workspace, name, _ := strings.Cut(strings.TrimLeft(r.Path, "/"), "/")
	name, _, _ = strings.Cut(name, "/")
	name = strings.TrimSuffix(name, ".git")
	if slug(workspace) == "" || slug(name) == "" || slug(workspace) == "snippets" {
		return ""
	}
	return slug(workspace) + "/" + slug(name)
}

// detours reports whether the path leads elsewhere than it says.
func (r Request) detours() bool {
	return slices.ContainsFunc(strings.Split(r.Path, "/"), func(part string) bool { return part == "." || part == ".." })
}

// slug returns s in lower case, or "" if it has a character that Bitbucket's
// workspace and repository names cannot have.
func slug(s string) string {
	const longest = 128
	if len(s) > longest {
		return ""
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return ""
		}
	}
	return strings.ToLower(s)
}
