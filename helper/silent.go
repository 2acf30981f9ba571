package helper

import "time"

// Uses counts the answers after which git was silent: it tells a helper of a success and
// of a 401, and of nothing else.
type Uses interface {
	Served(key, workspace string, now time.Time) (silent int)
	Used(key string, now time.Time)
	Settled(key, workspace string, now time.Time)
}

// SilentUntilNotice is after how many separate answers in a row, each without an outcome,
// a person is told.
const SilentUntilNotice = 5

// count notes that the token goes out, and says when git has asked for it again and again
// and reported nothing. In CI nothing is written, and nobody remembers.
func (h *Helper) count(d Decision, f Facts) {
	if _, given := d.Answer.Last("password"); !given || f.Caller.CI {
		return
	}
	key := f.Token.Fingerprint()
	if !f.Caller.Transport {
		h.Uses.Used(key, f.Now)
		return
	}
	workspace := f.Request.Workspace()
	n := h.Uses.Served(key, workspace, f.Now)
	if n < SilentUntilNotice || f.Caller.QuietFetch {
		return
	}
	silent := Notice{
		What: Silent, Account: f.Account, Source: f.Source, Kind: f.Kind,
		Workspace: workspace, Repository: f.Request.Repository(), Count: n, Claim: key + "/silent",
	}
	if h.tell(silent, f) {
		h.offer(silent, f.Now)
	}
}

// settle notes that git reported what became of the token.
func (h *Helper) settle(key, workspace string, now time.Time) {
	if !h.Caller.CI {
		h.Uses.Settled(key, workspace, now)
	}
}
