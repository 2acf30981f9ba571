// Command bench times the helper's whole processes side by side with git's own helpers
// and prints ratios; only ratios of one run mean anything, for machines are noisy.
//
//	testdata/bench/run [-rounds 50] [-inittrace]
//
// It needs Go and git. Where gnome-keyring and secret-tool are installed it starts a
// private one and times that too; where they are not, it says so.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/storetest"
)

// What git asks, with and without credential.useHttpPath.
const (
	request  = hostOnly + "path=acme/app.git\n"
	hostOnly = "protocol=https\nhost=bitbucket.org\n"
)

func main() {
	rounds := flag.Int("rounds", 50, "counted runs of each command")
	inittrace := flag.Bool("inittrace", false, "list what is initialised on the way of a get, and stop")
	flag.Parse()
	if err := bench(*rounds, *inittrace); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type programs struct{ helper, same, empty, peak, dir string }

func bench(rounds int, inittrace bool) error {
	dir, err := os.MkdirTemp("", "bitbucket-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p := programs{filepath.Join(dir, "git-credential-bitbucket"), filepath.Join(dir, "sameimports"), filepath.Join(dir, "empty"), filepath.Join(dir, "peak"), dir}
	for path, source := range map[string]string{p.helper: "./cmd/git-credential-bitbucket", p.same: "./testdata/bench/sameimports", p.empty: "./testdata/bench/empty", p.peak: "./testdata/bench/peak"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", source, err, out)
		}
	}
	token := bitbuckettest.APIToken("bench")
	if inittrace {
		return printInits(p, token)
	}
	fmt.Printf("%s, %d cores, %d rounds, medians of whole processes\n", runtime.Version(), runtime.NumCPU(), rounds)
	for _, part := range []func(programs, string, int) error{benchEnvironment, benchKeyring, benchMany, benchParallel} {
		if err := part(p, token, rounds); err != nil {
			return err
		}
	}
	return nil
}

// floor are the two programs that every other is compared with.
func (p programs) floor(env []string) (same, empty *subject) {
	return &subject{name: "same imports, copies its input", argv: []string{p.same}, stdin: request, env: env},
		&subject{name: "an empty program", argv: []string{p.empty}, env: env}
}

func benchEnvironment(p programs, token string, rounds int) error {
	home, err := os.MkdirTemp(p.dir, "home-")
	if err != nil {
		return err
	}
	env := inherited(home, "CI=true", "BITBUCKET_API_TOKEN="+token)
	get := &subject{name: "get, token from the environment", argv: []string{p.helper, "get"}, stdin: request, env: env, wants: token}
	same, empty := p.floor(env)

	plain := inherited(home)
	line := "https://x:" + token + "@bitbucket.org\n"
	if err := os.WriteFile(filepath.Join(home, ".git-credentials"), []byte(line), 0o600); err != nil {
		return err
	}
	execPath, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return err
	}
	git := func(helper string) string {
		return filepath.Join(strings.TrimSpace(string(execPath)), "git-credential-"+helper)
	}
	fileStore := &subject{name: "git's credential-store get", argv: []string{git("store"), "get"}, stdin: hostOnly, env: plain, wants: token}
	remember := &subject{name: "git's credential-cache store", argv: []string{git("cache"), "store"}, stdin: hostOnly + "username=x\npassword=" + token + "\n", env: plain}
	if _, err := remember.run(); err != nil {
		return err
	}
	forget := &subject{name: "git's credential-cache exit", argv: []string{git("cache"), "exit"}, env: plain}
	defer func() { _, _ = forget.run() }()
	cache := &subject{name: "git's credential-cache get", argv: []string{git("cache"), "get"}, stdin: hostOnly, env: plain, wants: token}

	all := []*subject{empty, same, get, fileStore, cache}
	if err := interleave(rounds, all); err != nil {
		return err
	}
	printTable("The token from the environment", all)
	bound("get ÷ a program with the same imports", get.against(same), 1.15)
	memory, err := get.memory(p.peak)
	if err != nil {
		return err
	}
	bound("get's memory, MB", memory, 14)
	info("a program with the same imports ÷ an empty one", same.against(empty))
	info("get ÷ git's credential-store get", get.against(fileStore))
	info("get ÷ git's credential-cache get", get.against(cache))
	return nil
}

func benchKeyring(p programs, token string, rounds int) error {
	for _, tool := range []string{"gnome-keyring-daemon", "dbus-daemon", "secret-tool"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Printf("\nThe system's keyring: NOT MEASURED, there is no %s on PATH\n", tool)
			return nil
		}
	}
	keyring, err := storetest.StartGnomeKeyring(storetest.KeyringOptions{})
	if err != nil {
		return err
	}
	defer keyring.Close()
	env := inherited("", keyring.Env...)
	keep := &subject{name: "store --token-stdin", argv: []string{p.helper, "store", "--token-stdin", "--backend", store.BackendKeyring}, stdin: token, env: env}
	if _, err := keep.run(); err != nil {
		return err
	}
	get := &subject{name: "get, token from Secret Service", argv: []string{p.helper, "get"}, stdin: request, env: env, wants: token}
	tool := &subject{name: "secret-tool lookup", argv: []string{"secret-tool", "lookup", "service", store.Service, "username", "default"}, env: env, wants: token}
	worked := &subject{name: "git's store of the unchanged token", argv: []string{p.helper, "store"}, stdin: request + "username=x-bitbucket-api-token-auth\npassword=" + token + "\n", env: env}
	same, _ := p.floor(env)
	all := []*subject{same, get, tool, worked}
	libsecret := &subject{name: "git-credential-libsecret get", argv: []string{"git-credential-libsecret", "get"}, stdin: "protocol=https\nhost=example.org\nusername=x\n", env: env, wants: token}
	if _, err := exec.LookPath(libsecret.argv[0]); err == nil {
		keepThere := *libsecret
		keepThere.argv, keepThere.stdin, keepThere.wants = []string{"git-credential-libsecret", "store"}, libsecret.stdin+"password="+token+"\n", ""
		if _, err := keepThere.run(); err != nil {
			return err
		}
		all = append(all, libsecret)
	}
	if err := interleave(rounds, all); err != nil {
		return err
	}
	printTable("The system's keyring (gnome-keyring)", all)
	bound("get ÷ secret-tool lookup", get.against(tool), 0.55)
	bound("git's store of the unchanged token ÷ a program with the same imports", worked.against(same), 1.15)
	if libsecret.times != nil {
		info("get ÷ git-credential-libsecret get", get.against(libsecret))
	} else {
		fmt.Println("  git-credential-libsecret: not on PATH")
	}
	return nil
}

// benchMany compares one account with a thousand.
func benchMany(p programs, token string, rounds int) error {
	subjects := map[int]*subject{}
	for _, accounts := range []int{1, 1000} {
		home, err := os.MkdirTemp(p.dir, "home-")
		if err != nil {
			return err
		}
		env := inherited(home)
		keep := &subject{name: "store", argv: []string{p.helper, "store", "--token-stdin", "--backend", store.BackendFile}, stdin: token, env: env}
		if _, err := keep.run(); err != nil {
			return err
		}
		records := store.OpenAccounts(filepath.Join(home, ".config", store.Service))
		err = records.Update(func(book *store.Book) error {
			for i := 1; i < accounts; i++ {
				name := fmt.Sprintf("account-%d", i)
				book.Put(store.Account{Name: name, Kind: "api-token", Email: name + "@example.com", Backend: store.BackendFile, Fingerprint: fmt.Sprintf("%016x", i), Created: time.Now()})
				if err := book.Route("workspace-"+name, name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		subjects[accounts] = &subject{name: fmt.Sprintf("get from the encrypted file, %d account(s)", accounts), argv: []string{p.helper, "get"}, stdin: request, env: env, wants: token}
	}
	one, many := subjects[1], subjects[1000]
	if err := interleave(rounds, []*subject{one, many}); err != nil {
		return err
	}
	printTable("Many accounts", []*subject{one, many})
	bound("1,000 accounts ÷ 1", many.against(one), 1.2)
	return nil
}

// benchParallel starts 64 gets at once, and compares with 64 one after another on all
// cores.
func benchParallel(p programs, token string, rounds int) error {
	const at = 64
	home, err := os.MkdirTemp(p.dir, "home-")
	if err != nil {
		return err
	}
	env := inherited(home)
	keep := &subject{name: "store", argv: []string{p.helper, "store", "--token-stdin", "--backend", store.BackendFile}, stdin: token, env: env}
	if _, err := keep.run(); err != nil {
		return err
	}
	var ratios []float64
	var answered int
	for range max(rounds/10, 3) {
		one := &subject{name: "one", argv: []string{p.helper, "get"}, stdin: request, env: env, wants: token}
		if err := interleave(20, []*subject{one}); err != nil {
			return err
		}
		errs := make([]error, at)
		var all sync.WaitGroup
		began := time.Now()
		for i := range at {
			all.Go(func() {
				each := *one
				_, errs[i] = each.run()
			})
		}
		all.Wait()
		took := time.Since(began)
		for _, err := range errs {
			if err != nil {
				return err
			}
			answered++
		}
		ratios = append(ratios, float64(took)*float64(runtime.NumCPU())/float64(at*one.median()))
	}
	fmt.Printf("\n%d parallel gets from the encrypted file\n", at)
	fmt.Printf("  %d of %d answered\n", answered, at*len(ratios))
	times := make([]time.Duration, len(ratios))
	for i, r := range ratios {
		times[i] = time.Duration(r * float64(time.Second))
	}
	bound("all ÷ (64 ÷ cores × one)", median(times).Seconds(), 1.3)
	return nil
}

// printInits shows what the packages' initialisation costs on the way of a get.
func printInits(p programs, token string) error {
	cmd := exec.Command(p.helper, "get")
	cmd.Env = inherited(p.dir, "CI=true", "BITBUCKET_API_TOKEN="+token, "GODEBUG=inittrace=1")
	cmd.Stdin = strings.NewReader(request)
	cmd.Stderr = os.Stdout
	return cmd.Run()
}
