package main

import (
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
)

// The numbered duties of a helper that show in a process: its arguments, streams, exit
// status, environment and neighbours. The others stand in helper/checklist_test.go.

func TestChecklistProcess(t *testing.T) {
	t.Parallel()
	full := answered(sentinel, apiToken)
	m := newMachine(t)
	m.keep(apiToken)

	t.Run("1 the operation is the last argument, with flags before it", func(t *testing.T) {
		m.wants("alone", m.run(inAcme, "get"), full, "", 0)
		m.wants("a flag", m.run(inAcme, "--account", "default", "get"), full, "", 0)
		m.wants("a flag in one", m.run(inAcme, "--account=default", "get"), full, "", 0)
		m.wants("a flag behind", m.run(inAcme, "get", "--account", "default"), full, "", 0)
	})
	t.Run("2 an unknown operation does nothing", func(t *testing.T) {
		before := m.files()
		for _, operation := range []string{"capability", "list", "future", "GET", "Store"} {
			m.wants(operation, m.run(inAcme, operation), "", "", 0)
			m.wants(operation+" behind a flag", m.run(inAcme, "--account", "default", operation), "", "", 0)
		}
		if !maps.Equal(m.files(), before) {
			t.Error("a file changed")
		}
	})
	t.Run("3 no operation is wrong usage", func(t *testing.T) {
		r := m.run("")
		if r.status != int(exitUsage) || r.stdout != "" || !strings.HasPrefix(r.stderr, "Usage:") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("4 a blank line is enough, though the input stays open", func(t *testing.T) {
		for operation, request := range map[string]string{"get": inAcme, "store": inAcme, "erase": "protocol=https\nhost=example.com\n", "store ": ""} {
			in, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			cmd := m.command("", strings.TrimSpace(operation))
			cmd.Stdin = in
			if _, err := io.WriteString(out, request+"\n"); err != nil {
				t.Fatal(err)
			}
			done := make(chan result, 1)
			go func() { done <- m.finish(cmd) }()
			select {
			case r := <-done:
				if operation == "get" && r.stdout != full {
					t.Errorf("%+v", r)
				}
			case <-time.After(10 * time.Second): // a second, on a machine that does nothing else
				t.Errorf("%s waits for the end of the input", operation)
			}
			_, _ = in.Close(), out.Close()
		}
	})
	t.Run("11 an empty input is answered by nothing", func(t *testing.T) {
		for _, operation := range []string{"get", "store", "erase"} {
			m.wants(operation, m.run("", operation), "", "", 0)
			m.wants(operation+" of another host", m.run("protocol=https\nhost=example.com\n", operation), "", "", 0)
		}
	})
	t.Run("15 a closed stdout is no panic", func(t *testing.T) {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = in.Close()
		cmd := m.command(inAcme, "get")
		cmd.Stdout = out
		r := m.finish(cmd)
		_ = out.Close()
		if r.status == 0 || r.stderr != "" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("37 a secret shows in no stream but the answer's", func(t *testing.T) {
		m := newMachine(t, "GIT_TRACE=1", "GIT_TRACE2=1", "GIT_TRACE_CURL=1", "GIT_TRACE_REDACT=0", "GIT_CURL_VERBOSE=1", "DEBUG=1", "GODEBUG=")
		m.keep(apiToken)
		m.wants("traced", m.run(inAcme, "get"), full, "", 0)
		report := inAcme + "username=" + sentinel + "\npassword=" + apiToken.Reveal() + "\n"
		other := made("ATATT", "typed-by-hand")
		for _, r := range []result{
			m.run(report, "store"), m.run(report, "erase"), m.run(inAcme, "erase"), m.run(apiToken.Reveal()+"\n", "store"),
			m.run(other.Reveal(), "store", "--token-stdin", "--account", "x", "--backend", "file"), m.run("", "status"), m.run("", "status", "--json"),
			m.run(inAcme, "--account", "x", "get", other.Reveal()), m.run("", other.Reveal(), "get"), m.run("", "forget", "x"),
		} {
			if all := r.stdout + r.stderr; strings.Contains(all, apiToken.Reveal()) || strings.Contains(all, other.Reveal()) {
				t.Errorf("%q", all)
			}
		}
		for path, data := range m.files() {
			if strings.Contains(path+data, apiToken.Reveal()) || strings.Contains(path+data, other.Reveal()) {
				t.Errorf("%s holds it", path)
			}
		}
		// The environment of children: TestTokenCommandEnvironment.
	})
}

func TestChecklistSurroundings(t *testing.T) {
	t.Parallel()
	full := answered(sentinel, apiToken)
	t.Run("36 nobody is asked and nothing is opened", func(t *testing.T) {
		require.Tool(t, "sh")
		m := newMachine(t)
		mark := filepath.Join(m.home, "called")
		script := filepath.Join(m.home, "ask")
		if err := os.WriteFile(script, []byte("#!/bin/sh\necho called >"+mark+"\necho alice\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"GIT_ASKPASS", "SSH_ASKPASS", "BROWSER", "EDITOR", "PAGER"} {
			m.env = append(m.env, name+"="+script)
		}
		m.env = append(m.env, "DISPLAY=:99", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=credential.interactive", "GIT_CONFIG_VALUE_0=false")
		m.wants("nothing stored", m.run(inAcme, "get"), "username="+sentinel+"\n", "bitbucket: note: no token is stored", 0)
		m.keep(apiToken)
		m.wants("stored", m.run(inAcme, "get"), full, "", 0)
		if _, err := os.Stat(mark); err == nil {
			t.Error("a program was called")
		}
	})
	t.Run("38 it works without home, PATH and working directory", func(t *testing.T) {
		m := newMachine(t, "BITBUCKET_API_TOKEN="+apiToken.Reveal())
		full := m.env
		for _, missing := range []string{"HOME", "PATH", "TMPDIR"} {
			m.env = full
			m.env = m.without(missing)
			m.wants("without "+missing, m.run(inAcme, "get"), answered(sentinel, apiToken), "", 0)
			m.wants("store without "+missing, m.run(inAcme+"username="+sentinel+"\npassword="+apiToken.Reveal()+"\n", "store"), "", "", 0)
		}
		m.env = full
		require.Tool(t, "sh")
		gone := filepath.Join(m.home, "gone")
		if err := os.Mkdir(gone, 0o700); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", `cd "$1" && rmdir "$1" && exec "$2" get`, "sh", gone, m.program)
		cmd.Env, cmd.Stdin = m.env, strings.NewReader(inAcme)
		m.wants("in a deleted folder", m.finish(cmd), answered(sentinel, apiToken), "", 0)
	})
	t.Run("38 it runs nothing by relative name", func(t *testing.T) {
		require.Tool(t, "sh")
		m := newMachine(t)
		mark := filepath.Join(m.home, "called")
		for _, name := range []string{"sh", "git", "pass", "gpg", "dbus-launch"} {
			if err := os.WriteFile(filepath.Join(m.home, name), []byte("#!/bin/sh\necho called >"+mark+"\necho planted\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		m.env = append(m.without("PATH"), "PATH=.")
		r := m.run(inAcme, "--token-command", "echo x", "get")
		if r.status != int(exitUnusable) || r.stdout != "" {
			t.Errorf("%+v", r)
		}
		m.run(inAcme, "get")
		m.run(inAcme+"username="+sentinel+"\npassword="+apiToken.Reveal()+"\n", "store")
		if _, err := os.Stat(mark); err == nil {
			t.Error("a program of the working directory was run")
		}
	})
}

func TestChecklistTogether(t *testing.T) {
	t.Parallel()
	t.Run("26 39 sixteen processes at once lose nothing", func(t *testing.T) {
		m := newMachine(t)
		m.keep(apiToken)
		report := inAcme + "username=" + sentinel + "\npassword=" + apiToken.Reveal() + "\n"
		accounts := store.OpenAccounts(filepath.Join(m.home, ".config", store.Service))
		if _, err := os.Stat(accounts.Path()); err != nil {
			accounts = nil // another system's place; the answers tell
		}
		var before []byte
		if accounts != nil {
			before, _ = os.ReadFile(accounts.Path())
		}
		var wait sync.WaitGroup
		results := make([]result, 16)
		for i := range results {
			operation, request := "get", inAcme
			switch {
			case i%8 == 3: // two: a third within one second would stop the gets
				operation, request = "erase", report
			case i%2 == 1:
				operation, request = "store", report
			}
			cmd := m.command(request, operation)
			wait.Go(func() { results[i] = m.finish(cmd) })
		}
		wait.Wait()
		for i, r := range results {
			if i%2 == 0 && r.stdout != answered(sentinel, apiToken) || i%2 == 1 && r.stdout != "" || r.status != 0 {
				t.Errorf("process %d: %+v", i, r)
			}
		}
		if r := m.run(inAcme, "get"); r.stdout != answered(sentinel, apiToken) {
			t.Errorf("afterwards: %+v", r)
		}
		if accounts == nil {
			return
		}
		if after, _ := os.ReadFile(accounts.Path()); string(after) != string(before) {
			t.Errorf("the records changed:\n%s%s", before, after)
		}
		rejected := 0
		state := filepath.Join(m.home, ".local", "state", store.Service, "observations")
		for _, e := range store.OpenObservations(state, nil, 0).Read(apiToken.Fingerprint()) {
			if e.What == store.EventRejected {
				rejected++
			}
		}
		if rejected != 2 {
			t.Errorf("%d rejections were noted, of 2", rejected)
		}
	})
}

// Of what real git and git-lfs do there are scripts; each event has one at least.
func TestChecklistScripts(t *testing.T) {
	t.Run("40 the events of git and git-lfs", func(t *testing.T) {
		paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "script", "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		scripts := map[string]string{}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			scripts[filepath.Base(path)] = string(data)
		}
		for _, c := range []struct{ event, script, line string }{
			{"a clone, a push and a fetch ask once each", "clone.txtar", `(?m)^exec git push`},
			{"a refused token is erased", "evidence.txtar", `(?m)^bitbucket revoke `},
			{"a token revoked in mid-clone", "midclone.txtar", `(?m)^! exec git .*clone `},
			{"403, 404, 410, 429, 500: neither store nor erase", "refusals.txtar", `(?s)403.*404.*410.*429`},
			{"parallel fetches", "fetch.txtar", `(?m)^exec git .*fetch .*--jobs`},
			{"submodules", "submodules.txtar", `(?m)^exec git .*--jobs`},
			{"git-lfs pushes and clones", "lfs.txtar", `(?m)^exec git .*lfs`},
			{"bursts of stray refusals", "burst.txtar", `(?m)^bitbucket `},
			{"git-lfs' loop ends", "burst.txtar", `(?i)loop`},
			{"a password in the URL", "adopt.txtar", `https://[a-z$].*:.*@bitbucket\.org`},
			{"a username in the URL", "routes.txtar", `https://[a-z]+@bitbucket\.org`},
			{"a typed password", "adopt.txtar", `GIT_ASKPASS|SSH_ASKPASS|askpass`},
			{"a token's date", "expiry.txtar", `(?m)^clock \+`},
			{"a person's reject", "setaside.txtar", `git credential reject`},
			{"helpers before and behind this one", "chain.txtar", `(?m)^exec git .*helper`},
			{"look-alike hosts and smuggled lines", "attack.txtar", `(?i)%0a|%0d|\\r`},
			{"no keyring", "sick.txtar", `bitbucket: error`},
			{"CI without a home", "ci.txtar", `BITBUCKET_API_TOKEN`},
		} {
			if !regexp.MustCompile(c.line).MatchString(scripts[c.script]) {
				t.Errorf("%s: %s has no line like %s", c.event, c.script, c.line)
			}
		}
	})
}
