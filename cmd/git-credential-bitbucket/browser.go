package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// openBrowser shows the page to the person, and reports whether a browser was started
// for it: never where nobody waits for one, nor over SSH, where it would open on another
// desk. The person was told the address before. The browser is not waited for, gets none
// of our variables that hold a secret, and has no terminal: one in text mode would take
// the person's, and ends at once.
func (p *process) openBrowser(ctx context.Context, url string) bool {
	return p.canShow() && p.startBrowser(ctx, url)
}

// startBrowser is openBrowser wherever it is called.
func (p *process) startBrowser(ctx context.Context, url string) bool {
	for _, words := range p.browsers() {
		program, err := exec.LookPath(words[0])
		if err != nil || !filepath.IsAbs(program) {
			continue
		}
		args, placed := words[1:], false
		for i, word := range args {
			placed = placed || strings.Contains(word, "%s")
			args[i] = strings.ReplaceAll(word, "%s", url)
		}
		if !placed {
			args = append(args, url)
		}
		cmd := exec.CommandContext(context.WithoutCancel(ctx), program, args...)
		cmd.Env, cmd.Dir = p.childEnviron(), p.home()
		apart(cmd)
		if cmd.Start() == nil {
			go func() { _ = cmd.Wait() }()
			return true
		}
	}
	return false
}

// canShow reports whether a person sits before this machine's screen and waits for us.
func (p *process) canShow() bool { return p.hasScreen() && hasTerminal() }

// hasScreen reports whether what is shown on this machine's screen is seen by whoever
// called us, as far as the environment tells.
func (p *process) hasScreen() bool {
	caller := p.caller()
	return !caller.CI && !caller.PromptsOff && !caller.QuietFetch && !p.overSSH() && p.display()
}

func (p *process) overSSH() bool {
	return p.env("SSH_CONNECTION") != "" || p.env("SSH_CLIENT") != "" || p.env("SSH_TTY") != ""
}

// browsers lists the commands that may show a page, the best first: those of the
// variable BROWSER, a list as of a path, in which %s stands for the address
// (http://www.catb.org/~esr/BROWSER/), then the system's own.
func (p *process) browsers() (commands [][]string) {
	for _, command := range filepath.SplitList(p.env("BROWSER")) {
		if words := strings.Fields(command); len(words) > 0 {
			commands = append(commands, words)
		}
	}
	switch runtime.GOOS {
	case "darwin":
		return append(commands, []string{"open"})
	case "windows":
		return append(commands, []string{"rundll32", "url.dll,FileProtocolHandler"})
	}
	return append(commands, []string{"xdg-open"}, []string{"x-www-browser"})
}

// inContainer goes by the files that Docker and Podman leave in theirs
// (podman-run(1)).
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return false
}
