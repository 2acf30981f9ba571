package main

import (
	"context"
	"sync"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/install"
	"git-credential-bitbucket/store"
)

const (
	// examinationLimit is how long all checks together may take.
	examinationLimit = 12 * time.Second
	// preparationLimit is how long git may take to tell what the checks look at.
	preparationLimit = 5 * time.Second
	// askLimit is how long git, or a program that is asked for one thing, may take.
	askLimit = 3 * time.Second
)

// An examination is what several checks look at.
type examination struct {
	*process // its variables are those of the beginning: opening pass changes some
	git      install.Git
	gitErr   error // there is no git, or it does not work
	version  install.Version
	lines    []install.Line // of git's config
	linesErr error
	network  *network
	book     store.Book
	bookErr  error
	remote   string // of the repository here that is at Bitbucket, "" without one
	username string // that git sends for the remote
	path     string // "WORKSPACE/REPO.git" of that or of the one that was named, else ""
	// choice is the backend that would be taken for a new account.
	choice func() (store.Choice, error)
}

// A check looks at one subject. It waits no longer than ctx, and changes nothing.
type check func(ctx context.Context, e *examination) []finding

// checks stand in the order of the report; they run at the same time.
var checks = []check{
	checkGit, checkLFS, checkHelpers, checkPrograms,
	checkAccounts, checkBackends, checkSource, checkEnvironment,
	checkRemotes, checkHeaders, checkNetrc, checkStores,
	checkProxy, checkSite, checkRecords,
}

func (p *process) examine(ctx context.Context, about bitbucket.Repository) []finding {
	e := p.examination(ctx, about)
	ctx, cancel := context.WithTimeout(ctx, examinationLimit)
	defer cancel()
	found := make([]chan []finding, len(checks))
	for i, look := range checks {
		found[i] = make(chan []finding, 1)
		go func() { found[i] <- look(ctx, e) }()
	}
	all := []finding{}
	for _, result := range found {
		select {
		case fs := <-result:
			all = append(all, fs...)
			continue
		case <-ctx.Done():
		}
		select {
		case fs := <-result:
			all = append(all, fs...)
		case <-time.After(askLimit / 2):
			all = append(all, finding{levelNote, "unfinished", "a check did not come to its end in time, and is left out", "type: git-credential-bitbucket doctor"})
		}
	}
	return all
}

func (p *process) examination(ctx context.Context, about bitbucket.Repository) *examination {
	e := &examination{process: p.frozen()}
	all := ctx
	ctx, cancel := context.WithTimeout(ctx, preparationLimit)
	defer cancel()
	var wait sync.WaitGroup
	wait.Go(func() { e.network = e.readNetwork(ctx) })
	wait.Go(func() {
		if e.git, e.gitErr = e.process.git(); e.gitErr != nil {
			return
		}
		e.git.Timeout = askLimit
		if e.version, e.gitErr = e.git.Version(ctx); e.gitErr != nil {
			return
		}
		e.lines, e.linesErr = install.Lines(ctx, e.git, `^(credential|lfs|http|remote|submodule|url)\.`)
		if about != (bitbucket.Repository{}) {
			e.path = about.String() + ".git"
		} else if name, address := e.bitbucketRemote(ctx); address != nil {
			if repo, err := bitbucket.ParseRepository("https://" + bitbucket.Host + address.EscapedPath()); err == nil {
				e.remote, e.path, e.username = name, repo.String()+".git", username(e.lines, address)
			}
		}
	})
	wait.Go(func() {
		snapshot, err := e.accounts().Read()
		if err == nil {
			e.book, err = snapshot.Book()
		}
		e.bookErr = err
	})
	wait.Wait()
	e.choice = sync.OnceValues(func() (store.Choice, error) { return store.Choose(all, e.quietConfig()) })
	return e
}

// frozen is the process with the variables of now that opening pass changes.
func (p *process) frozen() *process {
	type variable struct {
		value string
		set   bool
	}
	kept := map[string]variable{}
	keep := func(name string) {
		value, set := p.lookup(name)
		kept[name] = variable{value, set}
	}
	for _, name := range append(sourceNames(), passphraseVariable, passphraseVariable+"_FILE", gpgOptions) {
		keep(name)
	}
	same, lookup := *p, p.lookup
	same.lookup = func(name string) (string, bool) {
		if v, ok := kept[name]; ok {
			return v.value, v.set
		}
		return lookup(name)
	}
	return &same
}

// sourceNames are the variables that hold a token or say where one is, best first.
func sourceNames() []string {
	names := []string{commandVariable}
	for _, v := range variables {
		names = append(names, v.name, v.name+"_FILE")
	}
	return append(names, clientVariable)
}

// quietConfig opens no dialog, and says nothing while it waits.
func (p *process) quietConfig() store.Config {
	config := p.backendConfig()
	config.Person, config.Waiting = false, nil
	return config
}

// ours is the URL whose helpers are looked at.
func (e *examination) ours() string { return "https://" + bitbucket.Host + "/" + e.path }
