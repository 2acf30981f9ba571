package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// subject is one command that is timed.
type subject struct {
	name  string
	argv  []string
	stdin string
	env   []string
	wants string // what its output has to contain, so that a failure is not timed for a success

	times []time.Duration
}

// run starts the command once, waits for its end, and returns how long that took. Its
// pipes are filled before and read afterwards, so that nothing of ours runs meanwhile.
func (s *subject) run() (time.Duration, error) {
	var ends []*os.File
	defer func() {
		for _, end := range ends {
			_ = end.Close()
		}
	}()
	pipe := func() (read, write *os.File, err error) {
		read, write, err = os.Pipe()
		if err == nil {
			ends = append(ends, read, write)
		}
		return read, write, err
	}
	stdin, fill, err := pipe()
	if err != nil {
		return 0, err
	}
	if _, err := fill.WriteString(s.stdin); err != nil {
		return 0, err
	}
	_ = fill.Close()
	out, stdout, err := pipe()
	if err != nil {
		return 0, err
	}
	said, stderr, err := pipe()
	if err != nil {
		return 0, err
	}
	path, err := exec.LookPath(s.argv[0])
	if err != nil {
		return 0, err
	}

	began := time.Now()
	child, err := os.StartProcess(path, s.argv, &os.ProcAttr{Env: s.env, Files: []*os.File{stdin, stdout, stderr}})
	if err != nil {
		return 0, err
	}
	state, err := child.Wait()
	took := time.Since(began)

	_, _ = stdout.Close(), stderr.Close()
	printed, readErr := io.ReadAll(out)
	switch {
	case err != nil || readErr != nil:
		return 0, errors.Join(err, readErr)
	case !state.Success() || !strings.Contains(string(printed), s.wants):
		message, _ := io.ReadAll(said)
		return 0, fmt.Errorf("%s: %s, and not what was wanted: %s", s.name, state, message)
	}
	return took, nil
}

// memory is how many megabytes the command takes at the most.
func (s *subject) memory(peak string) (float64, error) {
	cmd := exec.Command(peak, s.argv...)
	cmd.Env, cmd.Stdin = s.env, strings.NewReader(s.stdin)
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: its memory could not be measured: %w", s.name, err)
	}
	bytes, err := strconv.ParseInt(string(out), 10, 64)
	return float64(bytes) / (1 << 20), err
}

// interleave runs the subjects in turn, so that all of them meet the same noise, and
// keeps the times of all but the first few rounds.
func interleave(rounds int, subjects []*subject) error {
	const warmUp = 3
	for round := range rounds + warmUp {
		for _, s := range subjects {
			took, err := s.run()
			if err != nil {
				return err
			}
			if round >= warmUp {
				s.times = append(s.times, took)
			}
		}
	}
	return nil
}

func (s *subject) median() time.Duration { return median(s.times) }

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

// against is the median of the ratios of two subjects' runs, round by round.
func (s *subject) against(other *subject) float64 {
	ratios := make([]float64, len(s.times))
	for i := range s.times {
		ratios[i] = float64(s.times[i]) / float64(other.times[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

func printTable(title string, subjects []*subject) {
	fmt.Printf("\n%s\n", title)
	for _, s := range subjects {
		fmt.Printf("  %-44s %7.2f ms\n", s.name, float64(s.median().Microseconds())/1000)
	}
}

// bound prints a ratio beside what it should be at most.
func bound(what string, got, most float64) {
	verdict := "holds"
	if got > most {
		verdict = "MISSED"
	}
	fmt.Printf("  %-72s %5.2f   at most %.2f: %s\n", what, got, most, verdict)
}

func info(what string, got float64) { fmt.Printf("  %-72s %5.2f\n", what, got) }

// inherited is the environment without anything that would change what is measured. Of
// a variable that more repeats, more's counts: it comes first.
func inherited(home string, more ...string) []string {
	return append(more, "PATH="+os.Getenv("PATH"), "HOME="+home, "TMPDIR="+os.TempDir(), "GIT_CONFIG_NOSYSTEM=1")
}
