package helper

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// protocolDir has recorded requests of git's and what they are answered; see vectors_test.go.
var protocolDir = filepath.Join("..", "testdata", "protocol")

// FuzzDecode holds that what is accepted is encoded again to the same bytes, and that
// what was encoded is decoded again to the same message.
func FuzzDecode(f *testing.F) {
	seeds, err := filepath.Glob(filepath.Join(protocolDir, "*.request"))
	if err != nil || len(seeds) == 0 {
		f.Fatal(seeds, err)
	}
	for _, seed := range seeds {
		data, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{"", "\n", "\r\n", "a=b\r\nc=d\r", "a=\xff\x00\n", "=\n", "a", "a==\n\nb=c", "a=\r\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		message, err := Decode(bytes.NewReader(data))
		if err != nil {
			if message != nil {
				t.Fatalf("%q with an error: %v", message, err)
			}
			return
		}
		var out bytes.Buffer
		if err := Encode(&out, message); err != nil {
			t.Fatalf("accepted %q, and its message is refused: %v", data, err)
		}
		if want := canonical(string(data)); out.String() != want {
			t.Fatalf("accepted %q:\n got %q\nwant %q", data, out.String(), want)
		}
		again, err := Decode(&out)
		if err != nil || !slices.Equal(again, message) {
			t.Fatalf("%q, %v; want %q", again, err, message)
		}
	})
}

// canonical is what an accepted request means, reckoned without the decoder: its
// lines up to the blank one, each ended by LF.
func canonical(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if strings.HasPrefix(text, "\n") {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n\n")
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}
