package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// process is what the program was started with. Tests start it with another clock.
type process struct {
	args                  []string // without the program's name
	stdin, stdout, stderr *os.File
	lookup                func(name string) (value string, set bool)
	now                   func() time.Time
	wait                  func(context.Context, time.Duration) error // until then, or the context's end
	executable            func() (string, error)                     // this program's own path
	contained             func() bool                                // whether this is a container, in which no browser is
}

func self() *process {
	return &process{
		args:  os.Args[1:],
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		lookup:     os.LookupEnv,
		now:        time.Now,
		wait:       wait,
		executable: os.Executable,
		contained:  inContainer,
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) run() exitStatus {
	call, ok := parseCall(p.args, func() bool { return term.IsTerminal(int(p.stdin.Fd())) })
	if ok {
		return p.operate(call)
	}
	return p.command()
}

// env returns the variable's value, "" if it is not set.
func (p *process) env(name string) string {
	value, _ := p.lookup(name)
	return value
}

// inCI reports whether CI is set to anything but a no, or a variable is by which one of
// the systems that do not set it is known: Jenkins, Azure Pipelines, TeamCity, CodeBuild.
func (p *process) inCI() bool {
	for _, name := range []string{"CI", "JENKINS_URL", "TF_BUILD", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID"} {
		switch p.env(name) {
		case "", "0", "false":
		default:
			return true
		}
	}
	return false
}

// say prints one line for people: "bitbucket: ", the kind of line, the text.
func (p *process) say(kind, format string, args ...any) {
	if kind != "" {
		kind += ": "
	}
	p.surviveListener()
	fmt.Fprintln(p.stderr, "bitbucket: "+kind+oneLine(fmt.Sprintf(format, args...)))
}

// surviveListener keeps the program alive where whoever read stderr has gone: a line
// that nobody reads must not cost git its answer.
func (p *process) surviveListener() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// caller tells who waits for git.
func (p *process) caller() helper.Caller {
	return helper.Caller{
		CI:         p.inCI(),
		PromptsOff: p.env("GIT_TERMINAL_PROMPT") == "0",
		QuietFetch: p.env("VSCODE_GIT_FETCH_SILENT") != "",
	}
}

// audience tells whether stderr is a terminal, and whether git could ask somebody for
// a token.
func (p *process) audience() (terminal, reachable bool) {
	return term.IsTerminal(int(p.stderr.Fd())), p.env("GIT_ASKPASS") != "" || p.env("SSH_ASKPASS") != "" || hasTerminal()
}

// hasTerminal reports whether there is a controlling terminal.
func hasTerminal() bool {
	tty, err := os.OpenFile(terminalDevice, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = tty.Close()
	return true
}

// person reports whether somebody can answer a dialog of the backend.
func (p *process) person(backend string) bool {
	switch {
	case p.inCI():
		return false
	case backend == store.BackendPass:
		return hasTerminal() || p.display()
	}
	return p.display()
}

func (p *process) display() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	}
	return p.env("DISPLAY") != "" || p.env("WAYLAND_DISPLAY") != ""
}

// home is the person's home directory, "" if there is none. A relative one would be in
// whatever repository git was started.
func (p *process) home() string {
	if runtime.GOOS == "windows" {
		return p.folder("USERPROFILE")
	}
	return p.folder("HOME")
}

// folder is the variable's value if that is an absolute path, else "".
func (p *process) folder(name string) string {
	if path := p.env(name); filepath.IsAbs(path) {
		return path
	}
	return ""
}

// configDir is where the accounts and the file backend are; "" without a home.
func (p *process) configDir() string {
	switch {
	case p.folder("XDG_CONFIG_HOME") != "":
		return filepath.Join(p.folder("XDG_CONFIG_HOME"), store.Service)
	case runtime.GOOS == "windows" && p.folder("AppData") != "":
		return filepath.Join(p.folder("AppData"), store.Service)
	case p.home() == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(p.home(), "Library", "Application Support", store.Service)
	}
	return filepath.Join(p.home(), ".config", store.Service)
}

// stateDir is where observations and the history are; "" without a home.
func (p *process) stateDir() string {
	switch {
	case p.folder("XDG_STATE_HOME") != "":
		return filepath.Join(p.folder("XDG_STATE_HOME"), store.Service)
	case runtime.GOOS == "windows" && p.folder("LocalAppData") != "":
		return filepath.Join(p.folder("LocalAppData"), store.Service)
	case p.home() == "":
		return ""
	case runtime.GOOS == "darwin":
		return filepath.Join(p.home(), "Library", "Application Support", store.Service, "state")
	}
	return filepath.Join(p.home(), ".local", "state", store.Service)
}

// observations are kept in the state directory, or where that cannot be written in a
// private folder of the session or for temporary files.
func (p *process) observations() *store.Observations {
	dir := p.stateDir()
	if dir != "" {
		dir = filepath.Join(dir, "observations")
	}
	uid := os.Getuid()
	var fallbacks []string
	if temp := os.TempDir(); filepath.IsAbs(temp) {
		fallbacks = append(fallbacks, filepath.Join(temp, store.Service+"-"+strconv.Itoa(uid)))
	}
	if session := p.folder("XDG_RUNTIME_DIR"); session != "" {
		fallbacks = append([]string{filepath.Join(session, store.Service)}, fallbacks...)
	}
	return store.OpenObservations(dir, fallbacks, uid)
}

func (p *process) accounts() *store.Accounts { return store.OpenAccounts(p.configDir()) }

func (p *process) history() *store.History { return store.OpenHistory(p.stateDir()) }

// backend opens the backend of that name. Opening costs nothing. pass is a program: it
// inherits our environment, but for the secrets in it.
func (p *process) backend(name string) (store.Backend, error) {
	config := p.backendConfig()
	if name == store.BackendPass {
		dropSecrets()
	}
	config.Person = p.person(name)
	return store.Open(name, config)
}

func (p *process) backendConfig() store.Config {
	passDir := p.folder("PASSWORD_STORE_DIR")
	if passDir == "" && p.home() != "" {
		passDir = filepath.Join(p.home(), ".password-store")
	}
	fileDir := p.configDir()
	if fileDir != "" {
		fileDir = filepath.Join(fileDir, "secrets")
	}
	return store.Config{
		BusAddress: p.busAddress(),
		PassDir:    passDir,
		FileDir:    fileDir,
		Passphrase: p.passphrase,
		Person:     p.person(store.BackendKeyring),
		Waiting: func(backend string, limit time.Duration) {
			p.say("note", "waiting up to %s for %s", limit, backendName(backend))
		},
	}
}

// busAddress is the session bus's: the variable's, or systemd's usual socket.
func (p *process) busAddress() string {
	if address := p.env("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address
	}
	for _, dir := range []string{p.env("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid())} {
		socket := filepath.Join(dir, "bus")
		if info, err := os.Stat(socket); dir != "" && err == nil && info.Mode().Type() == os.ModeSocket {
			return "unix:path=" + socket
		}
	}
	return ""
}

// passphraseVariable holds the file backend's passphrase, or with _FILE behind it the
// path of a file that does.
const passphraseVariable = "BITBUCKET_CREDENTIAL_PASSPHRASE"

// passphrase of the file backend, as far as the environment has one.
func (p *process) passphrase() (secret.Secret, error) {
	if value, set := p.lookup(passphraseVariable); set {
		if value == "" {
			return secret.Secret{}, &sourceError{passphraseVariable, "is set but empty", "unset it, or give it a passphrase"}
		}
		return secret.New(value), nil
	}
	if path, set := p.lookup(passphraseVariable + "_FILE"); set {
		read, err := readSecretFile(passphraseVariable+"_FILE", path)
		return secret.New(strings.TrimRight(read.Reveal(), "\r\n")), err
	}
	return secret.Secret{}, nil
}
