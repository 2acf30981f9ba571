package leftovers

import (
	"bytes"
	"io"
)

const (
	largest = 1 << 20 // bytes of a file that is read
	sniffed = 8000    // bytes in which a NUL makes a file binary, as git has it (xdiff-interface.c)
)

// A fileState says what became of a file.
type fileState int

const (
	readable fileState = iota
	absent
	special // no regular file
	unreadable
	binary
	huge
)

// readAll reads a file of the given size, which may have changed meanwhile. The content
// lies in buffer, or in a larger one.
func readAll(size int64, buffer []byte, read func([]byte) (int, error)) ([]byte, fileState) {
	if size > largest {
		return buffer[:0], huge
	}
	// A file of /proc has no size; nothing is lost by not waiting for what it may say.
	if size == 0 {
		return buffer[:0], readable
	}
	if want := int(size) + 1; cap(buffer) < want {
		buffer = make([]byte, 0, max(want, 2*cap(buffer), 64<<10))
	}
	content := buffer[:0]
	looked := false
	for {
		if len(content) == cap(content) {
			content = append(content, 0)[:len(content)]
		}
		n, err := read(content[len(content):cap(content)])
		content = content[:len(content)+max(0, n)]
		switch {
		case len(content) > largest:
			return content[:0], huge
		case err != nil && err != io.EOF:
			return content[:0], unreadable
		}
		if !looked && (len(content) >= sniffed || err == io.EOF) {
			looked = true
			if bytes.IndexByte(content[:min(sniffed, len(content))], 0) >= 0 {
				return content[:0], binary
			}
		}
		if err == io.EOF {
			return content, readable
		}
	}
}
