package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"
)

// backup is the content of Options.Backup, JSON.
type backup struct {
	Version int                `json:"version"` // 1
	Files   map[string]*record `json:"files"`   // by the config file's path, links followed
}

// A record is what stood in one config file before us.
type record struct {
	Created bool              `json:"created,omitempty"` // there was no such file
	Values  map[string][]text `json:"values"`            // all values of a key that was changed, in order; empty for none
}

func (r *record) clone() *record {
	c := &record{r.Created, map[string][]text{}}
	for k, v := range r.Values {
		c.Values[k] = slices.Clone(v)
	}
	return c
}

func (r *record) equal(s *record) bool {
	if r == nil || s == nil {
		return r == s
	}
	return r.Created == s.Created && maps.EqualFunc(r.Values, s.Values, slices.Equal)
}

// text is a string of any bytes; JSON alone would replace what is not UTF-8.
type text string

func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal([][]byte{[]byte(t)})
}

func (t *text) UnmarshalJSON(b []byte) error {
	var raw [][]byte
	if json.Unmarshal(b, &raw) == nil && len(raw) == 1 {
		*t = text(raw[0])
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

func texts(vs []string) []text {
	ts := make([]text, len(vs))
	for i, v := range vs {
		ts[i] = text(v)
	}
	return ts
}

func plainStrings(ts []text) []string {
	var vs []string
	for _, t := range ts {
		vs = append(vs, string(t))
	}
	return vs
}

// readBackup reads the record; one that is missing is empty. A record that cannot be
// read is an error, since writing over it would lose what it holds.
func readBackup(path string) (*backup, error) {
	b := &backup{Version: 1}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, &FileError{path, unwrapPath(err)}
	default:
		if err := json.Unmarshal(data, b); err != nil {
			return nil, &FileError{path, fmt.Errorf("not a record of ours: %w", err)}
		}
		if b.Version != 1 {
			return nil, &FileError{path, fmt.Errorf("a record of version %d, which only a newer program reads", b.Version)}
		}
	}
	if b.Files == nil {
		b.Files = map[string]*record{}
	}
	return b, nil
}

// writeBackup replaces the record in one step; an empty one is removed.
func writeBackup(path string, b *backup) error {
	if len(b.Files) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &FileError{path, unwrapPath(err)}
		}
		return nil
	}
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return &FileError{path, notWritable(err)}
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(append(data, '\n')); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return &FileError{path, unwrapPath(err)}
	}
	return nil
}
