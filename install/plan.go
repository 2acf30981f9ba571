package install

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// A Change replaces all values of one key.
type Change struct {
	Key      string
	Old, New []string
}

// String is the change as lines "- key = value" and "+ key = value".
func (c Change) String() string {
	gone, come := c.Old, c.New
	for len(gone) > 0 && len(come) > 0 && gone[0] == come[0] {
		gone, come = gone[1:], come[1:]
	}
	for len(gone) > 0 && len(come) > 0 && gone[len(gone)-1] == come[len(come)-1] {
		gone, come = gone[:len(gone)-1], come[:len(come)-1]
	}
	var b strings.Builder
	for _, v := range gone {
		b.WriteString("- " + show(c.Key, v))
	}
	for _, v := range come {
		b.WriteString("+ " + show(c.Key, v))
	}
	return b.String()
}

// show quotes a value that could move the cursor or hide its blanks.
func show(key, value string) string {
	quoted := strconv.Quote(value)
	if value == "" || strings.TrimSpace(value) == value && strings.IndexFunc(value, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 && !strings.Contains(quoted, `\x`) {
		return strings.TrimRight(key+" = "+value, " ") + "\n"
	}
	return key + " = " + quoted + "\n"
}

// args are the git commands, behind "git config --file F", that make the change. The
// first of them replaces every value at the place of the last.
func (c Change) args() [][]string {
	if len(c.New) == 0 {
		return [][]string{{"--unset-all", "--", c.Key}}
	}
	first := "--replace-all"
	if len(c.Old) == 0 {
		first = "--add"
	}
	var all [][]string
	for i, v := range c.New {
		option := "--add"
		if i == 0 {
			option = first
		}
		all = append(all, []string{option, "--", c.Key, v})
	}
	return all
}

// A Plan is what there is to change in one config file.
type Plan struct {
	File    string // the config file, where a link to it leads
	Missing bool   // it does not exist yet
	Changes []Change
	options Options
	undo    bool
	record  *record // the file's record once the plan is applied; nil for none
	stale   bool    // the record changes although the config does not
}

// NewPlan plans the installation. Foreign helpers under [KeyHelper] go to the record,
// lines that are ours keep their flags and are given today's path. Errors are
// *TooOldError, *FileError, *GitError, ErrNotRepository, ErrNoHome.
func NewPlan(ctx context.Context, o Options) (*Plan, error) { return o.plan(ctx, false) }

// NewUndo plans the way back: our lines go, and what the record holds comes back.
// Where the record is lost, our lines alone go.
func NewUndo(ctx context.Context, o Options) (*Plan, error) { return o.plan(ctx, true) }

func (o Options) plan(ctx context.Context, undo bool) (*Plan, error) {
	v, err := o.Git.newEnough(ctx)
	if err != nil {
		return nil, err
	}
	path, err := o.configFile(ctx, v)
	if err != nil {
		return nil, err
	}
	if path, err = follow(path); err != nil {
		return nil, err
	}
	p := &Plan{File: path, options: o, undo: undo}
	text, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	var lines []Line
	if p.Missing = text == nil; !p.Missing {
		if lines, err = o.Git.readFile(ctx, path); err != nil {
			return nil, err
		}
	}
	kept, err := readBackup(o.Backup)
	if err != nil {
		return nil, err
	}
	if undo {
		p.wantUndo(lines, kept.Files[path])
	} else {
		p.want(lines, kept.Files[path])
	}
	return p, nil
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 && !p.stale }

// String lists the changes, the file's name first; "" when empty.
func (p *Plan) String() string {
	if len(p.Changes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(p.File + "\n")
	for _, c := range p.Changes {
		b.WriteString(c.String())
	}
	return b.String()
}

func (p *Plan) change(key string, old, want []string) {
	if !slices.Equal(old, want) {
		p.Changes = append(p.Changes, Change{key, old, want})
	}
}

// want plans the wanted lines.
func (p *Plan) want(lines []Line, known *record) {
	now := values(lines, KeyHelper)
	ours, foreign := p.options.sort(now)
	rec := &record{Created: p.Missing, Values: map[string][]text{}}
	if known != nil && len(ours) > 0 {
		rec = known.clone()
		for _, v := range foreign {
			if !slices.Contains(rec.Values[KeyHelper], text(v)) {
				rec.Values[KeyHelper] = append(rec.Values[KeyHelper], text(v))
			}
		}
	} else {
		rec.Values[KeyHelper] = texts(without(lines, p.options.Program))
	}
	wanted := p.options.Wanted()
	helpers := append([]string{""}, ours...)
	if len(ours) == 0 {
		helpers = valuesOf(wanted, KeyHelper)
	}
	p.change(KeyHelper, now, helpers)
	for _, s := range wanted {
		if s.Key != KeyHelper {
			p.wantOne(s, lines, rec)
		}
	}
	p.keep(rec, known)
}

// wantOne plans a key with one value; whoever has it already keeps it when ours go.
func (p *Plan) wantOne(s Setting, lines []Line, rec *record) {
	for _, l := range slices.Backward(lines) {
		if l.Key == s.Key {
			if s.holds(l) {
				return
			}
			break
		}
	}
	now := values(lines, s.Key)
	if _, known := rec.Values[s.Key]; !known {
		rec.Values[s.Key] = texts(now)
	}
	p.change(s.Key, now, []string{s.Value})
}

// wantUndo plans the way back.
func (p *Plan) wantUndo(lines []Line, known *record) {
	defer p.keep(nil, known)
	if p.Missing {
		return
	}
	now := values(lines, KeyHelper)
	ours, foreign := p.options.sort(now)
	back := without(lines, p.options.Program)
	if known != nil {
		back = plainStrings(known.Values[KeyHelper])
		for _, v := range foreign {
			if !slices.Contains(back, v) {
				back = append(back, v)
			}
		}
	} else if len(ours) == 0 {
		back = now
	}
	p.change(KeyHelper, now, back)
	for _, written := range single {
		key, now := written.Key, values(lines, written.Key)
		if !slices.Equal(now, []string{written.Value}) {
			continue // someone has changed it since
		}
		if known == nil {
			if len(ours) > 0 {
				p.change(key, now, nil)
			}
		} else if prior, ok := known.Values[key]; ok {
			p.change(key, now, plainStrings(prior))
		}
	}
}

func (p *Plan) keep(rec, known *record) {
	p.record = rec
	if len(p.Changes) == 0 {
		if known == nil {
			p.record = nil
		}
		p.stale = known != nil && !known.equal(p.record)
	}
}

// sort parts the values of KeyHelper: ours, brought up to date and each once, and
// the others'. Empty ones are in neither.
func (o Options) sort(values []string) (ours, foreign []string) {
	for _, v := range values {
		if v == "" {
			continue
		}
		c := ParseHelper(v, o.Program)
		if !c.Ours {
			foreign = append(foreign, v)
		} else if v = o.value(c.Flags); !slices.Contains(ours, v) {
			ours = append(ours, v)
		}
	}
	return ours, foreign
}

// without is the values of KeyHelper less ours and the empty one that came with them.
// A "helper" without "=" is left out, as git dies of it and cannot write it.
func without(lines []Line, program string) []string {
	var rest []string
	var had, others bool
	for _, l := range lines {
		if l.Key != KeyHelper || l.NoValue {
			continue
		}
		if ParseHelper(l.Value, program).Ours {
			if n := len(rest); !had && n > 0 && rest[n-1] == "" {
				rest = rest[:n-1]
			}
			had = true
			continue
		}
		others = others || l.Value != ""
		rest = append(rest, l.Value)
	}
	if had && !others {
		return nil
	}
	return rest
}
