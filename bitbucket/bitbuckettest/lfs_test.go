package bitbuckettest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/bitbucket/bitbuckettest"
	"git-credential-bitbucket/internal/require"
)

const lfsAttributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n"

func newLFSPerson(t *testing.T, s *bitbuckettest.Server) *person {
	t.Helper()
	require.Tool(t, "git-lfs")
	p := newPerson(t, s)
	p.must(".", "lfs", "install", "--skip-repo")
	return p
}

// pushLFS makes a clone "work" with one LFS object in a commit, and pushes it.
func (p *person) pushLFS(repo string) (string, error) {
	p.t.Helper()
	p.must(".", "clone", "-q", remote(repo), "work")
	p.must("work", "lfs", "install", "--local")
	p.write("work/.gitattributes", lfsAttributes)
	p.write("work/large.bin", "large content")
	p.must("work", "add", ".")
	p.must("work", "commit", "-qm", "large")
	return p.git("work", "push", "origin", "main")
}

func TestLFS(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice")
	p := newLFSPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text alice"))
	if out, err := p.pushLFS("acme/app.git"); err != nil {
		t.Fatalf("push: %v\n%s", err, out)
	}
	commands(t, s,
		"expect 1 host=media.example.test method=PUT path=/put/acme/app/* status=200",
		"expect 1 host=media.example.test method=POST path=/verify/* status=200",
	)
	pointer, err := s.File("acme/app", "large.bin")
	if err != nil || !strings.HasPrefix(pointer, "version https://git-lfs.github.com/spec/v1\n") {
		t.Errorf("pointer %q, %v", pointer, err)
	}
	p.must(".", "clone", "-q", remote("acme/app"), "again")
	if got, err := os.ReadFile(filepath.Join(p.dir, "again/large.bin")); err != nil || string(got) != "large content" {
		t.Errorf("large.bin: %q, %v", got, err)
	}
	commands(t, s,
		"expect 1 host=media.example.test method=GET path=/get/* status=200",
		"expect 0 host=media.example.test user=*",
		"expect 0 host=media.example.test token=*",
		"expect 3 host=media.example.test scheme=Media",
		"expect 0 rejected",
	)
}

func TestLFSRefusesWriteToReaders(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token reader scopes=read")
	p := newLFSPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text reader"))
	if out, err := p.pushLFS("acme/app.git"); err == nil || !strings.Contains(out, bitbuckettest.TextScope) {
		t.Errorf("want %q, got %v:\n%s", bitbuckettest.TextScope, err, out)
	}
}

// With lfs403 git-lfs never asks for a password, unless it is told that one is wanted: git-lfs/git-lfs#2658.
func TestLFS403(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice", "fault lfs403")
	p := newLFSPerson(t, s).with(bitbuckettest.UsernameAPI, query(t, s, "text alice"))
	if out, err := p.pushLFS("acme/app.git"); err == nil {
		t.Errorf("pushed:\n%s", out)
	}
	commands(t, s, "expect 1+ path=*/info/lfs/* status=403", "expect 0 path=*/info/lfs/* user=*")
	p.must("work", "config", "lfs.https://bitbucket.org.access", "basic")
	p.must("work", "push", "origin", "main")
}

// The media host gives and takes objects for its own header alone, and only what was announced.
func TestMediaHost(t *testing.T) {
	t.Parallel()
	s := bitbuckettest.New(t)
	commands(t, s, "repo acme/app", "token alice")
	const content = "large content"
	const batchPath = "https://bitbucket.org/acme/app.git/info/lfs/objects/batch"
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	send := func(method, address, authorization, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		res, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(bitbuckettest.UsernameAPI+":"+query(t, s, "text alice")))
	batch := func(operation string) string {
		t.Helper()
		body := `{"operation":"` + operation + `","objects":[{"oid":"` + oid + `","size":13}]}`
		status, answer := send("POST", batchPath, basic, body)
		if status != 200 {
			t.Fatalf("batch: %d %s", status, answer)
		}
		return answer
	}
	header := func(answer, address string) string {
		t.Helper()
		_, rest, _ := strings.Cut(answer, address)
		_, rest, _ = strings.Cut(rest, `"Authorization":"`)
		ticket, _, ok := strings.Cut(rest, `"`)
		if !ok {
			t.Fatalf("no header for %s in %s", address, answer)
		}
		return ticket
	}
	const media = "https://media.example.test/"
	put, get := media+"put/acme/app/"+oid, media+"get/acme/app/"+oid
	if answer := batch("download"); !strings.Contains(answer, `"code":404`) {
		t.Errorf("an object that nobody uploaded: %s", answer)
	}
	ticket := header(batch("upload"), put)
	for _, c := range []struct {
		method, address, authorization, body string
		want                                 int
	}{
		{"PUT", put, basic, content, 403},
		{"PUT", put, "", content, 403},
		{"GET", get, ticket, "", 403},
		{"PUT", put, ticket, "another content", 422},
		{"GET", put, ticket, "", 405},
		{"PUT", put, ticket, content, 200},
	} {
		if got, _ := send(c.method, c.address, c.authorization, c.body); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.address, got, c.want)
		}
	}
	if status, got := send("GET", get, header(batch("download"), get), ""); status != 200 || got != content {
		t.Errorf("%d %q", status, got)
	}
	if status, _ := send("POST", batchPath, basic, "nonsense"); status != 422 {
		t.Errorf("a batch call that is none: %d", status)
	}
	commands(t, s, "token alice scopes=read")
	want := `{"message":"` + bitbuckettest.TextScope + `"}` + "\n"
	if status, got := send("POST", batchPath, basic, `{"operation":"upload"}`); status != 403 || got != want {
		t.Errorf("upload without the scope: %d %s", status, got)
	}
}
