package helper

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The recorded requests in testdata/protocol, each with what it is answered or what is
// noted of it.
func TestVectors(t *testing.T) {
	requests, err := filepath.Glob(filepath.Join(protocolDir, "*.request"))
	if err != nil || len(requests) == 0 {
		t.Fatal(requests, err)
	}
	for _, path := range requests {
		base := strings.TrimSuffix(path, ".request")
		name := filepath.Base(base)
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.keep("default", apiToken)
			read := func(path string) string {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				return strings.ReplaceAll(string(data), "{token}", apiToken.Reveal())
			}
			var got, want string
			switch operation, _, _ := strings.Cut(name, "-"); operation {
			case "get":
				got, _, _ = h.get(read(path))
				want = read(base + ".answer")
			case "store":
				h.store(read(path))
				got, want = h.noted(), read(base+".noted")
			case "erase":
				h.erase(read(path))
				got, want = h.noted(), read(base+".noted")
			default:
				t.Fatal("no operation")
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// noted is what was written down of the token, a line an event.
func (h *house) noted() string {
	var lines strings.Builder
	for _, e := range h.seen.Observations.Read(apiToken.Fingerprint()) {
		workspace := e.Workspace
		if workspace == "" {
			workspace = "-"
		}
		lines.WriteString(string(e.What) + " " + workspace + "\n")
	}
	return lines.String()
}
