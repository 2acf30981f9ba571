//go:build unix

package leftovers

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"git-credential-bitbucket/install"
	"git-credential-bitbucket/internal/require"
)

func TestApplyKeepsModeOwnerAndLink(t *testing.T) {
	path := wrote(t, "real", "a "+dead)
	must(t, os.Chmod(path, 0o640))
	if os.Geteuid() == 0 {
		must(t, os.Chown(path, 65534, 65533))
	}
	before, err := os.Stat(path)
	must(t, err)
	link := filepath.Join(t.TempDir(), ".netrc")
	must(t, os.Symlink(path, link))
	r := applied(t, finding(t, link, Netrc, dead, " "+dead, ""))
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || r.File != path {
		t.Errorf("%v, %v, %+v", info, err, r)
	}
	after, err := os.Stat(path)
	must(t, err)
	was, is := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
	if read(t, path) != "a" || after.Mode() != before.Mode() || is.Uid != was.Uid || is.Gid != was.Gid {
		t.Errorf("%v, owner %d, group %d", after.Mode(), is.Uid, is.Gid)
	}
	if is.Ino == was.Ino {
		t.Error("it was written in place")
	}
}

// A disk that is full from the edit on, not yet for the backup, leaves the old file.
func TestApplyOnAFullDisk(t *testing.T) {
	const variable = "LEFTOVERS_TEST_FULL"
	if path := os.Getenv(variable); path != "" {
		f := finding(t, path, File, dead, dead, strings.Repeat("long ", 2000))
		signal.Ignore(syscall.SIGXFSZ)
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 5000, Max: 5000}))
		_, err := Apply(path, []Finding{f}, filepath.Join(filepath.Dir(path), "migrated"), stamp)
		if !errors.Is(err, syscall.EFBIG) || strings.Contains(err.Error(), dead) {
			t.Errorf("%v", err)
		}
		return
	}
	text := "old " + dead
	path := wrote(t, "file", text)
	cmd := exec.Command(os.Args[0], "-test.run=^TestApplyOnAFullDisk$")
	cmd.Env = append(os.Environ(), variable+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if got := read(t, path); got != text {
		t.Errorf("the file has %d bytes", len(got))
	}
	for dir, want := range map[string]int{filepath.Dir(path): 2, filepath.Join(filepath.Dir(path), "migrated"): 0} {
		if left, err := os.ReadDir(dir); err != nil || len(left) != want {
			t.Errorf("%s: %v, %v", dir, left, err)
		}
	}
}

func TestApplyInAReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		require.Tool(t, "setpriv")
	}
	const variable = "LEFTOVERS_TEST_READONLY"
	if path := os.Getenv(variable); path != "" {
		_, err := Apply(path, []Finding{finding(t, path, File, dead, dead, "")}, filepath.Join(filepath.Dir(path), "migrated"), stamp)
		if !errors.Is(err, install.ErrReadOnly) {
			t.Errorf("%v", err)
		}
		return
	}
	path := wrote(t, "file", dead)
	must(t, os.Chmod(path, 0o666))
	must(t, os.Chmod(filepath.Dir(path), 0o555))
	args := []string{os.Args[0], "-test.run=^TestApplyInAReadOnlyFolder$"}
	if os.Geteuid() == 0 {
		must(t, os.Chmod(filepath.Dir(filepath.Dir(path)), 0o711))
		program, err := os.ReadFile(args[0])
		must(t, err)
		args[0] = filepath.Join(filepath.Dir(path), "test")
		must(t, os.WriteFile(args[0], program, 0o700))
		must(t, os.Chmod(args[0], 0o755))
		args = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Dir(path)
	cmd.Env = append(os.Environ(), variable+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v: %s", err, out)
	}
	if read(t, path) != dead {
		t.Error("the file is another one")
	}
	must(t, os.Chmod(filepath.Dir(path), 0o700))
}

// A lock of ours that a killed run left does not keep the next one from the file; git's does.
func TestApplyAfterAKilledOne(t *testing.T) {
	line := "https://u:" + dead + "@bitbucket.org\n"
	path := wrote(t, ".git-credentials", line)
	must(t, os.Symlink(install.Binary+"-KILLED", path+".lock"))
	applied(t, finding(t, path, CredentialFile, dead, line, ""))
	if _, err := os.Lstat(path + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock: %v", err)
	}
	path = wrote(t, ".git-credentials", line)
	must(t, os.Symlink("git's", path+".lock"))
	if _, err := Apply(path, []Finding{finding(t, path, CredentialFile, dead, line, "")}, t.TempDir(), stamp); !errors.Is(err, install.ErrLocked) {
		t.Error(err)
	}
}
