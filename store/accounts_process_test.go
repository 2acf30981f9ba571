//go:build unix

package store

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const recordsChildEnv = "BITBUCKET_TEST_RECORDS_CHILD" // "TASK FOLDER NUMBER"

// recordsChild returns this test binary as another process that does task.
func recordsChild(task, dir string, number int) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestRecordsChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", recordsChildEnv+"="+fmt.Sprintf("%s %s %d", task, dir, number))
	return cmd
}

// TestRecordsChild is the other process; in a run of all tests it does nothing.
func TestRecordsChild(t *testing.T) {
	words := strings.Fields(os.Getenv(recordsChildEnv))
	if len(words) != 3 {
		return
	}
	dir := words[1]
	number, err := strconv.Atoi(words[2])
	if err != nil {
		t.Fatal(err)
	}
	a := OpenAccounts(dir)
	switch words[0] {
	case "update":
		for i := range 25 {
			err := ErrBusy
			for n := 0; n < 10 && errors.Is(err, ErrBusy); n++ { // eight wait for one slow disk
				err = a.Update(put(Account{Name: fmt.Sprintf("p%d-%d", number, i)}))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	case "history":
		writeHistory(t, dir, number)
	case "forever":
		fmt.Println("begun")
		for i := 0; ; i++ {
			mustUpdate(t, a, func(b *Book) error {
				for j := range b.Accounts {
					b.Accounts[j].Hint = fmt.Sprintf("%d-%d", number, i)
				}
				return nil
			})
		}
	case "full":
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 1 << 10, Max: 1 << 10}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		if err := a.Update(put(Account{Name: "more", Email: strings.Repeat("x", 2<<10)})); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("update: %v", err)
		}
	case "claim":
		now := time.UnixMilli(int64(number))
		if OpenObservations(dir, nil, os.Getuid()).Claim("x", time.Minute, now) {
			fmt.Println("won")
		}
	case "append":
		o := OpenObservations(dir, nil, os.Getuid())
		for i := 0; ; i++ {
			e := Event{At: time.UnixMilli(int64(i) * 2000), What: EventRejected, Workspace: fmt.Sprintf("w%d", i%7), Note: strings.Repeat("n", i%90)}
			if err := o.Append(tokenKey, e); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				fmt.Println("begun")
			}
		}
	}
}

// killed runs the child until a moment after it has begun, and kills it.
func killed(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "begun\n" {
		t.Errorf("child: %q, %v", line, err)
	}
	time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestParallelProcessesLoseNoUpdate(t *testing.T) {
	const processes = 8
	a := OpenAccounts(t.TempDir())
	var all sync.WaitGroup
	for p := range processes {
		all.Go(func() {
			if out, err := recordsChild("update", filepath.Dir(a.Path()), p).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	b := mustBook(t, a)
	for p := range processes {
		for i := range 25 {
			if name := fmt.Sprintf("p%d-%d", p, i); b.Account(name) == nil {
				t.Errorf("%s is lost", name)
			}
		}
	}
}

func TestKilledUpdateLeavesOldOrNew(t *testing.T) {
	const rounds, accounts = 100, 200
	a := OpenAccounts(t.TempDir())
	mustUpdate(t, a, func(b *Book) error {
		for i := range accounts {
			b.Put(numbered(i))
		}
		return nil
	})
	for round := range rounds {
		killed(t, recordsChild("forever", filepath.Dir(a.Path()), round))
		b := mustBook(t, a)
		if len(b.Accounts) != accounts {
			t.Fatalf("round %d: %d accounts", round, len(b.Accounts))
		}
		for _, one := range b.Accounts {
			if one.Hint != b.Accounts[0].Hint {
				t.Fatalf("round %d: half of an update: %q beside %q", round, one.Hint, b.Accounts[0].Hint)
			}
		}
	}
	mustUpdate(t, a, put(Account{Name: "last"}))
	if left, _ := filepath.Glob(a.Path() + ".*" + tempSuffix); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A limit on the size of files cuts a write off where a full disk does.
func TestUpdateOnAFullDiskLeavesOld(t *testing.T) {
	a := OpenAccounts(t.TempDir())
	mustUpdate(t, a, put(Account{Name: "old"}))
	if out, err := recordsChild("full", filepath.Dir(a.Path()), 0).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if b := mustBook(t, a); len(b.Accounts) != 1 || b.Account("old") == nil {
		t.Errorf("%+v", b)
	}
	if left, _ := filepath.Glob(a.Path() + ".*" + tempSuffix); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestKilledAppendGarblesNothing(t *testing.T) {
	dir := t.TempDir()
	o := OpenObservations(dir, nil, os.Getuid())
	for round := range 10 {
		killed(t, recordsChild("append", dir, 0))
		wholeLines(t, filepath.Join(dir, tokenKey), round+1)
		if len(o.Read(tokenKey)) == 0 {
			t.Fatal("everything is lost")
		}
	}
}

func TestClaimOfManyProcesses(t *testing.T) {
	dir := t.TempDir()
	for _, ms := range []int{1_000_000, 2_000_000} { // a new one, an old one
		var winners atomic.Int32
		var all sync.WaitGroup
		for range 32 {
			all.Go(func() {
				out, err := recordsChild("claim", dir, ms).CombinedOutput()
				if err != nil {
					t.Errorf("%v: %s", err, out)
				}
				if strings.Contains(string(out), "won\n") {
					winners.Add(1)
				}
			})
		}
		all.Wait()
		if n := winners.Load(); n != 1 {
			t.Errorf("at %d: %d winners", ms, n)
		}
	}
}
