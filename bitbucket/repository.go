package bitbucket

import (
	"errors"
	"net/url"
	"strings"
)

// ErrRepository is what ParseRepository refuses with. It holds none of the text.
var ErrRepository = errors.New("that is neither WORKSPACE/REPOSITORY nor the address of a repository at " + Host)

// Repository is one repository of the site. Both names consist of ASCII letters,
// digits, ".", "_" and "-".
type Repository struct{ Workspace, Name string }

func (r Repository) String() string { return r.Workspace + "/" + r.Name }

// ParseRepository reads "WORKSPACE/REPO" or an address that git takes, each with or
// without ".git": https://bitbucket.org/WORKSPACE/REPO, what follows that aside;
// git@bitbucket.org:WORKSPACE/REPO; ssh://git@bitbucket.org/WORKSPACE/REPO. A username
// or a secret in an address is dropped. Everything else is ErrRepository.
func ParseRepository(text string) (Repository, error) {
	text = strings.TrimSpace(text)
	var path string
	switch before, after, _ := strings.Cut(text, ":"); {
	case strings.Contains(text, "://"):
		address, err := url.Parse(text)
		switch {
		case err != nil:
			return Repository{}, ErrRepository
		case address.Scheme == "https" && IsHost(address.Host):
		case address.Scheme == "ssh" && isSSHHost(address.Hostname()):
		default:
			return Repository{}, ErrRepository
		}
		// Escaped, so that an escaped slash does not pass for one.
		path = strings.TrimPrefix(address.EscapedPath(), "/")
	case after != "":
		if _, host, ok := strings.Cut(before, "@"); !ok || !isSSHHost(host) {
			return Repository{}, ErrRepository
		}
		path = strings.TrimPrefix(after, "/")
	default:
		if strings.Count(strings.TrimSuffix(text, "/"), "/") != 1 {
			return Repository{}, ErrRepository
		}
		path = text
	}
	parts := strings.Split(path, "/")
	if len(parts) < 2 {
		return Repository{}, ErrRepository
	}
	repo := Repository{parts[0], strings.TrimSuffix(parts[1], ".git")}
	if err := repo.check(); err != nil {
		return Repository{}, err
	}
	return repo, nil
}

func (r Repository) check() error {
	if !isName(r.Workspace) || !isName(r.Name) {
		return ErrRepository
	}
	return nil
}

func isSSHHost(host string) bool {
	return EqualASCII(host, Host) || EqualASCII(host, "ssh."+Host) || EqualASCII(host, "altssh."+Host)
}

func isName(text string) bool {
	const longest = 128 // beyond what the site gives out
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	return text != "" && len(text) <= longest && text != "." && text != ".." && !strings.ContainsFunc(text, other)
}
