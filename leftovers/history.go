package leftovers

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store/secret"
)

const (
	mostCommits = 20000
	mostSecrets = 1000
	longestLine = 1 << 20 // bytes; the rest of a line is passed over
)

// suspect is what a changed line has to match to be looked at, for git (an extended
// regular expression of POSIX).
const suspect = `AT(AT|CT|BB)[0-9A-Za-z]|:[^/@ ]+@((www|api)[.])?bitbucket[.]org`

// History looks for secrets in all that the commits behind the repository's references,
// its stash and its work trees' heads have changed, by "git diff-tree -G", which is "git
// log -G" without the settings by which a repository can make git log run programs
// (log.showSignature with gpg.program). The repository's attributes are not read, so that
// none declares a file binary; binary ones and those above 1 MiB are passed over. Nothing
// is fetched or written.
//
// Each secret is yielded once: with the oldest commit seen that has it, the file's path
// there, from the repository's root and with slashes, and the words in What, whether a
// branch still has it. progress, unless nil, is given the number of commits looked at.
//
// It is bounded, and says so: 20,000 commits, the newest, 1,000 secrets, and the context's
// deadline. With its cancellation the error is the context's. Others are
// *install.GitError: a partial clone lacks what would have to be fetched.
func History(ctx context.Context, git install.Git, repository string, progress func(commits int), yield func(Finding)) (bounded bool, err error) {
	h := history{git: git, dir: repository, found: map[string]*committed{}}
	bounded, err = h.look(ctx, progress)
	if err == nil || len(h.found) > 0 {
		if tipErr := h.tips(ctx); err == nil {
			err = tipErr
		}
	}
	for _, print := range h.order {
		c := h.found[print]
		yield(Finding{
			Place: Commit, Path: c.path, What: c.what(), Host: c.host, User: c.user, Workspace: c.workspace,
			Secret: c.secret, Repository: repository, Commit: c.commit[:min(12, len(c.commit))],
		})
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return true, nil
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		err = &install.GitError{Command: "rev-parse", Err: err}
	}
	return bounded, err
}

// A history is one repository's, as far as it is read.
type history struct {
	git     install.Git
	dir     string // the work tree or git folder, later the git folder
	found   map[string]*committed
	order   []string // the keys of found, in the order in which they were met
	skipped bool     // there are more secrets than are kept
}

// A committed is a secret that a commit has.
type committed struct {
	secret                secret.Secret
	host, user, workspace string
	commit, path          string   // the oldest seen
	paths                 []string // some of those under which it was ever seen
	branch                string   // one that has it
	unknown               bool     // whether any has it was not found out
}

func (c *committed) what() string {
	switch {
	case c.unknown:
		return "git's history"
	case c.branch != "":
		return "git's history, and the branch " + shown(c.branch) + " still has it"
	}
	return "git's history, and no branch has it any more"
}

func (h *history) look(ctx context.Context, progress func(int)) (bounded bool, err error) {
	var dir bytes.Buffer
	// A config may include a FIFO, for which git waits for ever.
	first, cancel := context.WithTimeout(ctx, cmp.Or(h.git.Timeout, 10*time.Second))
	defer cancel()
	if err := h.run(first, "", func(r *bufio.Reader) error { _, err := dir.ReadFrom(r); return err }, "rev-parse", "--absolute-git-dir"); err != nil {
		return false, err
	}
	h.dir = strings.TrimRight(dir.String(), "\r\n")
	var commits bytes.Buffer
	err = h.run(ctx, "", func(r *bufio.Reader) error { _, err := commits.ReadFrom(r); return err },
		"rev-list", "--all", "--max-count="+strconv.Itoa(mostCommits+1))
	if err != nil {
		return false, err
	}
	list := commits.String()
	if bounded = strings.Count(list, "\n") > mostCommits; bounded {
		list = list[:strings.LastIndexByte(list[:len(list)-1], '\n')+1]
	}
	err = h.run(ctx, list, func(r *bufio.Reader) error { return h.read(r, progress) },
		"diff-tree", "--stdin", "--always", "--root", "-r", "-c", "-p", "-U0", "-G"+suspect, "--no-renames",
		"--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/")
	return bounded || h.skipped, err
}

// read reads git's answer: a commit's hash on a line of its own, then what it changed.
// Of a file's lines each begins with a sign, so none is taken for another kind of line.
func (h *history) read(r *bufio.Reader, progress func(int)) error {
	var commit, path string
	count, head := 0, false
	for {
		line, err := r.ReadSlice('\n')
		for full := err; errors.Is(full, bufio.ErrBufferFull); {
			_, full = r.ReadSlice('\n')
		}
		if len(line) == 0 {
			return nil
		}
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case bytes.HasPrefix(text, []byte("diff ")):
			head, path = true, ""
		case head && bytes.HasPrefix(text, []byte("@@")):
			head = false
		case head && (bytes.HasPrefix(text, []byte("--- ")) || bytes.HasPrefix(text, []byte("+++ "))):
			if name := diffName(string(text[4:])); name != "" {
				path = name
			}
		case head || bytes.HasPrefix(text, []byte("@@")):
		case isHash(text):
			commit = string(text)
			if count++; progress != nil {
				progress(count)
			}
		case len(text) > 0 && bytes.IndexByte([]byte("+- "), text[0]) >= 0:
			for _, a := range addressesIn(text) {
				if !a.Secret.IsZero() && !isExample(a.Secret.Reveal()) {
					h.add(committed{secret: a.Secret, host: a.Host, user: a.User, workspace: a.workspace()}, commit, path)
				}
			}
			for _, w := range tokensIn(text) {
				h.add(committed{secret: w.secret}, commit, path)
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil
		}
	}
}

// add notes a secret. git goes from the newest commit to the oldest.
func (h *history) add(c committed, commit, path string) {
	const mostPaths = 100
	print := c.secret.Fingerprint()
	known := h.found[print]
	if known == nil {
		if len(h.found) == mostSecrets {
			h.skipped = true
			return
		}
		known = &c
		h.found[print], h.order = known, append(h.order, print)
	}
	if c.host != "" {
		known.host, known.user, known.workspace = c.host, c.user, c.workspace
	}
	known.commit, known.path = commit, path
	if len(known.paths) < mostPaths && !slices.Contains(known.paths, path) {
		known.paths = append(known.paths, path)
	}
}

// diffName is the path in a line "--- a/PATH" or "+++ b/PATH", "" for none.
func diffName(text string) string {
	text = strings.TrimSuffix(text, "\t") // behind a path with a blank in it
	if plain, err := strconv.Unquote(text); err == nil {
		text = plain
	}
	if !strings.HasPrefix(text, "a/") && !strings.HasPrefix(text, "b/") {
		return "" // /dev/null
	}
	return text[2:]
}

func isHash(text []byte) bool {
	return (len(text) == 40 || len(text) == 64) && !bytes.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
}

// run runs git in the repository and lets read have what it writes. Nothing of the
// repository's config can make git start a program or write a file here.
func (h *history) run(ctx context.Context, input string, read func(*bufio.Reader) error, args ...string) error {
	hardened := []string{"--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.bigFileThreshold=1m", "-c", "core.attributesFile="}
	if args[0] != "rev-parse" {
		// Attributes are read from the work tree, then from the index: there are none in
		// the git folder, nor without an index.
		hardened = append(hardened, "--git-dir="+h.dir, "--work-tree="+h.dir)
	}
	cmd := exec.CommandContext(ctx, h.git.Path, append(hardened, args...)...)
	var errs limited
	cmd.Dir, cmd.Env, cmd.WaitDelay = h.dir, repositoryEnv(h.git.Env, h.dir), time.Second
	cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+filepath.Join(h.dir, install.Binary+".none"))
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), &errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		readErr := read(bufio.NewReaderSize(out, longestLine))
		if err = cmd.Wait(); err == nil {
			err = readErr
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &install.GitError{Command: args[0], Stderr: strings.TrimSpace(shown(strings.ReplaceAll(string(errs.kept), "\n", " "))), Err: err}
}

// repositoryEnv is the environment for git in a repository that may be anybody's, and
// not in the one above it: of git's variables those that say where the config is alone.
func repositoryEnv(env []string, dir string) []string {
	var kept []string
	for _, line := range env {
		name, _, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "GIT_") || strings.HasPrefix(name, "GIT_CONFIG_") && name != "GIT_CONFIG_PARAMETERS" || name == "GIT_EXEC_PATH" {
			kept = append(kept, line)
		}
	}
	return append(kept, "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
}

// limited keeps the beginning of what is written to it.
type limited struct{ kept []byte }

func (l *limited) Write(data []byte) (int, error) {
	const most = 4096
	l.kept = append(l.kept, data[:min(len(data), most-min(most, len(l.kept)))]...)
	return len(data), nil
}
