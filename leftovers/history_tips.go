package leftovers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// tips finds out which secrets a branch still has, of here or of a remote: by the paths
// under which they were ever seen, in the files that branches have there now.
func (h *history) tips(ctx context.Context) error {
	const mostRequests = 50000
	for _, c := range h.found {
		c.unknown = true
	}
	if len(h.found) == 0 {
		return nil
	}
	var branches []string
	err := h.run(ctx, "", func(r *bufio.Reader) error {
		text, err := io.ReadAll(r)
		branches = strings.Fields(string(text))
		return err
	}, "for-each-ref", "--count=1000", "--format=%(refname)", "refs/heads", "refs/remotes")
	if err != nil {
		return err
	}
	var requests []string
	var asked []request
	for _, print := range h.order {
		c := h.found[print]
		for _, path := range c.paths {
			for _, branch := range branches {
				if len(asked) < mostRequests && !strings.ContainsAny(path, "\n") {
					requests = append(requests, branch+":"+path+"\n")
					asked = append(asked, request{c, branch})
				}
			}
		}
	}
	blobs, order, err := h.blobs(ctx, requests, asked)
	if err != nil {
		return err
	}
	if err := h.contents(ctx, blobs, order); err != nil {
		return err
	}
	for _, c := range h.found {
		c.unknown = len(asked) == mostRequests && c.branch == ""
	}
	return nil
}

// A request asks whether a branch has a secret.
type request struct {
	of     *committed
	branch string
}

// blobs asks which file's content each request is about; order are the keys.
func (h *history) blobs(ctx context.Context, requests []string, asked []request) (about map[string][]request, order []string, err error) {
	about = map[string][]request{}
	err = h.run(ctx, strings.Join(requests, ""), func(r *bufio.Reader) error {
		for _, a := range asked {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			words := strings.Fields(line)
			var size int64
			if len(words) != 3 || words[1] != "blob" || !isHash([]byte(words[0])) {
				continue
			}
			if _, err := fmt.Sscan(words[2], &size); err != nil || size > longestLine {
				continue
			}
			if about[words[0]] == nil {
				order = append(order, words[0])
			}
			if !slices.Contains(about[words[0]], a) {
				about[words[0]] = append(about[words[0]], a)
			}
		}
		return nil
	}, "cat-file", "--batch-check")
	return about, order, err
}

// contents looks into the files' contents.
func (h *history) contents(ctx context.Context, about map[string][]request, order []string) error {
	if len(order) == 0 {
		return nil
	}
	return h.run(ctx, strings.Join(order, "\n")+"\n", func(r *bufio.Reader) error {
		for range order {
			head, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			var hash, kind string
			var size int
			if _, err := fmt.Sscan(head, &hash, &kind, &size); err != nil || size > longestLine {
				return fmt.Errorf("unexpected answer %.40q", head)
			}
			text := make([]byte, size+1)
			if _, err := io.ReadFull(r, text); err != nil {
				return err
			}
			for _, a := range about[hash] {
				literal := a.of.secret.Reveal()
				if a.of.branch == "" && (strings.Contains(string(text), literal) || strings.Contains(string(text), url.PathEscape(literal))) {
					a.of.branch = strings.TrimPrefix(strings.TrimPrefix(a.branch, "refs/heads/"), "refs/remotes/")
				}
			}
		}
		return nil
	}, "cat-file", "--batch")
}
