package main

import (
	"fmt"
	"time"

	"golang.org/x/term"

	"git-credential-bitbucket/leftovers"
)

// progressStep is how often the line of progress is written anew.
const progressStep = 100 * time.Millisecond

// A progress is a line on the terminal that is written over and over. Where stderr is
// none it is silent.
type progress struct {
	p       *process
	visible bool
	written time.Time
	dirty   bool
}

func (m *migration) newProgress() *progress {
	return &progress{p: m.process, visible: term.IsTerminal(int(m.stderr.Fd()))}
}

func (l *progress) files(c leftovers.Counts) {
	l.show("looking: %s files in %s folders", grouped(c.Files), grouped(c.Folders))
}

func (l *progress) commits(n int) { l.show("looking through the history: %s commits", grouped(n)) }

func (l *progress) show(format string, args ...any) {
	if !l.visible || time.Since(l.written) < progressStep {
		return
	}
	l.written, l.dirty = time.Now(), true
	fmt.Fprintf(l.p.stderr, "\rbitbucket: "+format+"\x1b[K", args...)
}

// clear takes the line away.
func (l *progress) clear() {
	if l.dirty {
		fmt.Fprint(l.p.stderr, "\r\x1b[K")
		l.dirty = false
	}
}
