package leftovers

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// A walker reads folders and files with a few workers. What it finds depends on no order:
// each path is read once, and what is said of it depends on the path alone.
type walker struct {
	home     string
	progress func(Counts)

	mu       sync.Mutex
	wake     *sync.Cond
	jobs     []job
	busy     int
	seen     map[string]bool // resolved paths of folders, configs and of the known places
	findings []Finding
	included []string
	counts   Counts
	told     int // Files at the last call of progress
}

// A job is a folder to be walked, or some of its files.
type job struct {
	folder string
	files  []string
}

const (
	filesAtOnce = 64  // of one job
	tellEvery   = 500 // files
)

func newWalker(home string, progress func(Counts)) *walker {
	w := &walker{home: home, progress: progress, seen: map[string]bool{}}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// claim reports whether path is met for the first time.
func (w *walker) claim(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[path] {
		return false
	}
	w.seen[path] = true
	return true
}

// walk reads everything below root, a resolved path.
func (w *walker) walk(ctx context.Context, root string) {
	if !w.claim(root) {
		return
	}
	w.jobs = append(w.jobs, job{folder: root})
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wake.Broadcast()
	})
	defer stop()
	var workers sync.WaitGroup
	for range min(8, 2*runtime.GOMAXPROCS(0)) {
		workers.Go(func() { w.work(ctx) })
	}
	workers.Wait()
	w.jobs = nil
}

func (w *walker) work(ctx context.Context) {
	var buffer []byte
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.jobs) == 0 && w.busy > 0 && ctx.Err() == nil {
			w.wake.Wait()
		}
		if len(w.jobs) == 0 || ctx.Err() != nil {
			return
		}
		last := len(w.jobs) - 1
		next := w.jobs[last]
		w.jobs = w.jobs[:last]
		w.busy++
		w.mu.Unlock()
		var more []job
		var found results
		if next.files == nil {
			more = w.readFolder(ctx, next.folder, &found)
		}
		for _, name := range next.files {
			if ctx.Err() != nil {
				break
			}
			buffer = w.readFile(next.folder+string(filepath.Separator)+name, &found, buffer)
		}
		w.mu.Lock()
		w.busy--
		w.jobs = append(w.jobs, more...)
		w.take(found)
		w.wake.Broadcast()
	}
}

// results are those of one job.
type results struct {
	findings []Finding
	counts   Counts
	includes []string        // configs that are still to be read
	configs  map[string]bool // those that were
}

// take adds the results of a job, with the lock held.
func (w *walker) take(found results) {
	w.findings = append(w.findings, found.findings...)
	w.included = append(w.included, found.includes...)
	c := &w.counts
	c.Files += found.counts.Files
	c.Folders += found.counts.Folders
	c.Binary += found.counts.Binary
	c.Huge += found.counts.Huge
	c.Unreadable += found.counts.Unreadable
	c.Repositories += found.counts.Repositories
	if w.progress != nil && c.Files-w.told >= tellEvery {
		w.told = c.Files
		w.progress(*c)
	}
}

// readFolder lists a folder: the jobs that it makes are its files, then its folders.
func (w *walker) readFolder(ctx context.Context, folder string, found *results) (more []job) {
	found.counts.Folders++
	open, err := os.Open(folder)
	if err != nil {
		found.counts.Unreadable++
		return nil
	}
	defer open.Close()
	var files []string
	var names map[string]bool // those of a git folder
	for {
		entries, err := open.ReadDir(1024)
		for _, entry := range entries {
			name := entry.Name()
			switch kind := entry.Type(); {
			case kind.IsRegular() && name != ".git":
				files = append(files, name)
			case kind.IsDir() && name != ".git" && name != ".ssh":
				path := filepath.Join(folder, name)
				if w.claim(path) {
					more = append(more, job{folder: path})
				}
			}
			switch name {
			case ".git":
				if entry.Type()&fs.ModeSymlink == 0 {
					w.repository(ctx, folder, found)
				}
			case "HEAD", "config", "objects", "refs":
				if names == nil {
					names = map[string]bool{}
				}
				names[name] = true
			}
		}
		if ctx.Err() != nil || len(entries) == 0 {
			break
		}
		if err != nil {
			break
		}
	}
	if len(names) == 4 {
		w.gitFolder(ctx, folder, found)
		return nil // what else is in a bare repository is git's
	}
	for len(files) > 0 {
		n := min(filesAtOnce, len(files))
		more = append(more, job{folder, files[:n:n]})
		files = files[n:]
	}
	return more
}

// readFile looks through one file that the walk came upon.
func (w *walker) readFile(path string, found *results, buffer []byte) []byte {
	kind := classOf(path)
	if kind == gitConfig && !w.claim(path) || kind != gitConfig && w.isKnown(path) {
		return buffer
	}
	content, ok := w.read(path, false, found, buffer)
	if !ok {
		return content
	}
	findings, includes := fileFindings(path, kind, content)
	if kind == gitConfig {
		for i := range findings {
			findings[i].Repository = workTreeOf(path)
		}
		w.includes(path, includes, found)
	}
	found.findings = append(found.findings, findings...)
	return content[:0]
}

// isKnown reports whether a file was read before the walk, as a known place; during the
// walk only folders and configs are claimed.
func (w *walker) isKnown(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[path]
}

// read reads a file and counts what became of it.
func (w *walker) read(path string, followed bool, found *results, buffer []byte) (content []byte, ok bool) {
	content, state := readRegular(path, followed, buffer)
	if content == nil {
		content = buffer[:0]
	}
	switch state {
	case absent, special:
		return content, false
	case unreadable:
		found.counts.Unreadable++
	case binary:
		found.counts.Binary++
	case huge:
		found.counts.Huge++
	}
	found.counts.Files++
	return content, state == readable
}

// workTreeOf is the folder of a .gitmodules or .lfsconfig, "" for other configs.
func workTreeOf(path string) string {
	if base := filepath.Base(path); base == ".gitmodules" || base == ".lfsconfig" {
		return filepath.Dir(path)
	}
	return ""
}

// resolved is path without symbolic links, or as it is where it cannot be followed.
func resolved(path string) string {
	path = filepath.Clean(path)
	if plain, err := filepath.EvalSymlinks(path); err == nil {
		return plain
	}
	return path
}

// includes adds the files that a config includes, as far as they are named plainly.
func (w *walker) includes(by string, names []string, found *results) {
	for _, path := range names {
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			if w.home == "" {
				continue
			}
			path = filepath.Join(w.home, rest)
		} else if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(by), path)
		}
		found.includes = append(found.includes, path)
	}
}

// readIncludes reads what the configs include, when nobody walks: a walk may have met such
// a file as one of no known kind. They belong to no repository: several may include one.
func (w *walker) readIncludes(ctx context.Context) {
	for len(w.included) > 0 && ctx.Err() == nil {
		var found results
		for _, path := range w.included {
			path = resolved(path)
			w.config(path, "", &found)
		}
		w.findings = slices.DeleteFunc(w.findings, func(f Finding) bool { return found.configs[f.Path] })
		w.included = nil
		w.take(found)
	}
}

// config reads a git config by its path, once.
func (w *walker) config(path, repository string, found *results) {
	if !w.claim(resolved(path)) {
		return
	}
	content, ok := w.read(path, true, found, nil)
	if !ok {
		return
	}
	if found.configs == nil {
		found.configs = map[string]bool{}
	}
	found.configs[path] = true
	findings, includes := fileFindings(path, gitConfig, content)
	for i := range findings {
		findings[i].Repository = repository
	}
	found.findings = append(found.findings, findings...)
	w.includes(path, includes, found)
}
