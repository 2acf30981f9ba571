package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// configFile is the file that git would write for the options' scope. It need not exist.
func (o Options) configFile(ctx context.Context, v Version) (string, error) {
	switch o.Scope {
	case ScopeSystem:
		return o.Git.systemFile(ctx, v)
	case ScopeGlobal:
		return o.Git.globalFile(v)
	case ScopeLocal:
		return o.Git.localFile(ctx)
	case ScopeFile:
		return o.Git.named("File", o.File)
	}
	return "", fmt.Errorf("no config file has scope %q", o.Scope)
}

// envSince is the first git that reads GIT_CONFIG_GLOBAL and GIT_CONFIG_SYSTEM.
var envSince = Version{2, 32, 0}

// globalFile follows git-config's manual, FILES: ~/.gitconfig, unless only
// $XDG_CONFIG_HOME/git/config is there. (git config --global --edit would tell the
// path, but makes the file.)
func (g Git) globalFile(v Version) (string, error) {
	const variable = "GIT_CONFIG_GLOBAL"
	if path, ok := g.lookup(variable); ok && !v.Before(envSince) {
		return g.named(variable, path)
	}
	home := g.home()
	if home == "" {
		return "", ErrNoHome
	}
	own := filepath.Join(home, ".gitconfig")
	xdg, _ := g.lookup("XDG_CONFIG_HOME")
	if xdg == "" {
		xdg = filepath.Join(home, ".config")
	}
	xdg = filepath.Join(xdg, "git", "config")
	if !readable(own) && readable(xdg) {
		own = xdg
	}
	return g.abs(own)
}

// home is HOME, or what git for Windows takes where there is none.
func (g Git) home() string {
	home, _ := g.lookup("HOME")
	if home == "" {
		drive, _ := g.lookup("HOMEDRIVE")
		path, _ := g.lookup("HOMEPATH")
		if drive != "" && path != "" && exists(drive+path) {
			return drive + path
		}
		home, _ = g.lookup("USERPROFILE")
	}
	return home
}

// systemFile asks git, which alone knows where it was built to look: an "editor" that
// prints its argument. Only with --global does --edit make the file.
func (g Git) systemFile(ctx context.Context, v Version) (string, error) {
	const variable = "GIT_CONFIG_SYSTEM"
	if path, ok := g.lookup(variable); ok && !v.Before(envSince) {
		return g.named(variable, path)
	}
	g.Env = append(g.Env[:len(g.Env):len(g.Env)], "GIT_EDITOR=printf %s")
	out, err := g.run(ctx, "config", "--system", "--edit")
	if err != nil {
		return "", err
	}
	return g.abs(out)
}

func (g Git) localFile(ctx context.Context) (string, error) {
	out, err := g.run(ctx, "rev-parse", "--git-path", "config")
	if err != nil {
		var ge *GitError
		if errors.As(err, &ge) && strings.Contains(ge.Stderr, "not a git repository") {
			err = ErrNotRepository
		}
		return "", err
	}
	return g.abs(strings.TrimSuffix(strings.TrimSuffix(out, "\n"), "\r"))
}

// named is a person's path, made absolute; by is the variable or the option that holds it.
func (g Git) named(by, path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%s %w", by, ErrUnnamed)
	}
	return g.abs(path)
}

// abs resolves a path against g.Dir.
func (g Git) abs(path string) (string, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(g.Dir, path)
	}
	return filepath.Abs(path)
}

// follow is where a path leads: git writes a config behind a symbolic link in the
// link's target, which may be missing, and leaves the link (git's lockfile.c).
func follow(path string) (string, error) {
	for range 10 {
		target, err := os.Readlink(path)
		if err != nil {
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return path, nil // the folder is missing: said when it is written to
			}
			return filepath.Join(dir, filepath.Base(path)), nil
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	return "", &FileError{path, errors.New("too many symbolic links")}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// sameFile compares files, not names.
func sameFile(a, b string) bool {
	if a == b {
		return true
	}
	ai, err := os.Stat(a)
	if err != nil {
		return false
	}
	bi, err := os.Stat(b)
	return err == nil && os.SameFile(ai, bi)
}
