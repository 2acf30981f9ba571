package bitbuckettest

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Repo is a repository to be made.
type Repo struct {
	Name   string // "workspace/repo", lower case
	Public bool
	// Files are those of the first commit, content by path. Without any there is a README.md.
	Files map[string]string
	// Submodules are repositories of the server, mounted at the second part of their names.
	Submodules []string
}

type repository struct {
	name    string
	public  bool
	dir     string
	commits int
	objects map[string][]byte // LFS objects by their SHA-256
}

const (
	branches = "refs/heads/"
	branch   = branches + "main"
)

var repoName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*$`)

// AddRepo makes a bare repository with one commit on main.
func (s *Server) AddRepo(repo Repo) error {
	if !repoName.MatchString(repo.Name) || strings.HasSuffix(repo.Name, ".git") {
		return fmt.Errorf("repository %q: want workspace/repo in lower case", repo.Name)
	}
	r := &repository{
		name: repo.Name, public: repo.Public, objects: map[string][]byte{},
		dir: filepath.Join(s.dir, "repos", filepath.FromSlash(repo.Name)+".git"),
	}
	if _, err := s.repo(repo.Name); err == nil {
		return fmt.Errorf("repository %s exists", repo.Name)
	}
	if err := skeleton(r.dir); err != nil {
		return err
	}
	files := maps.Clone(repo.Files)
	if len(files) == 0 {
		files = map[string]string{"README.md": "# " + repo.Name + "\n"}
	}
	links := map[string]string{}
	for _, name := range repo.Submodules {
		head, err := s.Head(name)
		if err != nil {
			return err
		}
		_, path, _ := strings.Cut(name, "/")
		links[path] = head
		files[".gitmodules"] += fmt.Sprintf("[submodule %q]\n\tpath = %s\n\turl = https://%s/%s.git\n", path, path, SiteHost, name)
	}
	if err := s.commit(r, files, links); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repos[repo.Name] = r
	return nil
}

// Commit adds a commit with these files, content by path, to main.
func (s *Server) Commit(name string, files map[string]string) error {
	r, err := s.repo(name)
	if err != nil {
		return err
	}
	return s.commit(r, files, nil)
}

// Head is the commit of main, as 40 hex digits.
func (s *Server) Head(name string) (string, error) {
	out, err := s.git(name, "rev-parse", "--verify", branch)
	return strings.TrimSpace(out), err
}

// File is the content of a file on main.
func (s *Server) File(name, path string) (string, error) {
	return s.git(name, "cat-file", "blob", branch+":"+path)
}

func (s *Server) repo(name string) (*repository, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.repos[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("no repository %q", name)
}

// skeleton writes what "git init --bare" would, without its hooks and without a process.
func skeleton(dir string) error {
	for _, sub := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: "+branch+"\n"), 0o644); err != nil {
		return err
	}
	// No gc: it would go on in the background when the test is over.
	const config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n" +
		"[http]\n\treceivepack = true\n\tgetanyfile = false\n" +
		"[receive]\n\tautogc = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n" +
		"[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n"
	return os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o644)
}

func (s *Server) commit(r *repository, files, links map[string]string) error {
	s.mu.Lock()
	r.commits++
	number := r.commits
	s.mu.Unlock()
	var in bytes.Buffer
	message := fmt.Sprintf("commit %d", number)
	fmt.Fprintf(&in, "commit %s\ncommitter Bitbucket Test <test@example.com> %d +0000\n", branch, 1_760_000_000+number)
	fmt.Fprintf(&in, "data %d\n%s\n", len(message), message)
	if number > 1 {
		fmt.Fprintf(&in, "from %s^0\n", branch)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(files[path]), files[path])
	}
	for _, path := range slices.Sorted(maps.Keys(links)) {
		fmt.Fprintf(&in, "M 160000 %s %s\n", links[path], path)
	}
	return s.run(r.dir, &in, nil, "fast-import", "--quiet")
}

func (s *Server) git(name string, args ...string) (string, error) {
	r, err := s.repo(name)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = s.run(r.dir, nil, &out, args...)
	return out.String(), err
}

func (s *Server) run(dir string, in, out *bytes.Buffer, args ...string) error {
	cmd := exec.Command("git", append([]string{"--git-dir=" + dir}, args...)...)
	cmd.Env = append(s.hermetic(), "PATH="+os.Getenv("PATH"))
	cmd.Dir = s.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if in != nil {
		cmd.Stdin = in
	}
	if out != nil {
		cmd.Stdout = out
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// hermetic is the environment in which the server's own git sees nobody's configuration.
func (s *Server) hermetic() []string {
	return []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "HOME=" + s.dir, "XDG_CONFIG_HOME=" + s.dir}
}

// findBackend asks git where git-http-backend is: run directly and not through git, it can be ended directly.
func findBackend() (string, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return "", fmt.Errorf("git --exec-path: %w", err)
	}
	return exec.LookPath(filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"))
}

// serveGit lets git answer. The body must have been read into memory: CGI knows no chunked bodies, which git sends above http.postBuffer.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request, goal target, user string, body []byte) {
	inner := r.Clone(r.Context())
	inner.URL = &url.URL{Path: "/" + goal.repo + ".git/" + goal.rest, RawQuery: r.URL.RawQuery}
	inner.TransferEncoding = nil
	inner.ContentLength = int64(len(body))
	inner.Body = http.NoBody
	if len(body) > 0 {
		inner.Body = readCloser{bytes.NewReader(body)}
	}
	env := append(s.hermetic(), "GIT_PROJECT_ROOT="+filepath.Join(s.dir, "repos"), "GIT_HTTP_EXPORT_ALL=1")
	if user != "" {
		env = append(env, "REMOTE_USER="+user)
	}
	handler := cgi.Handler{Path: s.backend, Dir: s.dir, Env: env, Stderr: s.stderr, Logger: silent}
	handler.ServeHTTP(w, inner)
}
