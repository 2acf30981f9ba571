package leftovers

import (
	"cmp"
	"slices"
	"strings"

	"git-credential-bitbucket/store/secret"
)

// edit replaces the bytes from from to to of text.
func edit(text string, from, to int, with string) *Edit {
	return &Edit{From: from, To: to, With: with, Was: secret.New(text[from:to])}
}

// wholeLines widens a span that has its lines to itself to all of them, the last one's
// end with it.
func wholeLines(text string, from, to int) (int, int) {
	start := lineStart(text, from)
	end := lineEnd(text, to)
	if strings.Trim(text[start:from], " \t") != "" || strings.Trim(text[to:end], " \t\r\n") != "" {
		return from, to
	}
	return start, end
}

// lineStart is where the line begins that at is in, or a place in it that is lookBack
// before at; lineEnd is where the next one begins.
func lineStart(text string, at int) int {
	least := max(0, at-lookBack)
	return least + strings.LastIndexByte(text[least:at], '\n') + 1
}

const lookBack = 8 << 10

func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// settle puts the findings of one file in order, each secret at a place once, with lines,
// and with edits that keep Edit's promise: one inside another becomes the larger one, and
// a secret without one that stands in another's edit goes with it, or keeps it from being
// made.
func settle(text, path string, fs []Finding) []Finding {
	// Of two that are in each other's way the one found first says more.
	var kept []Finding
	for _, f := range fs {
		if !slices.ContainsFunc(kept, func(k Finding) bool {
			return f.At < k.End && k.At < f.End || f.End == 0 && k.End == 0 && f.Edit != nil && k.Edit != nil && f.Edit.From < k.Edit.To && k.Edit.From < f.Edit.To
		}) {
			kept = append(kept, f)
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range kept {
			for j := range kept {
				a, b := kept[i].Edit, kept[j].Edit
				if a == nil || b == nil || a.From == b.From && a.To == b.To && a.With == b.With || a.From >= b.To || b.From >= a.To {
					continue
				}
				if a.From <= b.From && b.To <= a.To && (a.From != b.From || a.To != b.To) {
					kept[j].Edit = a
				} else if b.From > a.From || a.From == b.From && a.To == b.To && i < j {
					kept[j].Edit = nil
				} else {
					continue
				}
				changed = true
			}
		}
	}
	for i := range kept {
		f := &kept[i]
		if f.Edit == nil && f.End > 0 {
			for _, k := range kept {
				if e := k.Edit; e != nil && e.From < f.End && f.At < e.To {
					f.Edit, f.Instead = e, ""
					break
				}
			}
		}
		f.Path = path
		at := f.At
		if f.End == 0 && f.Edit != nil {
			at = f.Edit.From
		}
		if f.Line == 0 {
			f.Line = 1 + strings.Count(text[:at], "\n")
		}
	}
	slices.SortStableFunc(kept, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.At, b.At))
	})
	return kept
}
