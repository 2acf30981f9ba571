package bitbucket

import (
	"net/http"
	"strings"
)

// Answer is the class of an answer. The words are stable.
type Answer string

const (
	AnswerOK               Answer = "ok"            // 2xx
	AnswerRefused          Answer = "refused"       // 401
	AnswerLacksScope       Answer = "missing-scope" // 403
	AnswerNoAccess         Answer = "no-access"     // any other 403, and 404
	AnswerNotListed        Answer = "allowlist"     // 403
	AnswerWantsTwoStep     Answer = "two-step"      // 403
	AnswerAppPasswordsOver Answer = "app-password"  // 410
	AnswerRateLimited      Answer = "rate-limit"    // 429
	AnswerOutage           Answer = "outage"        // 5xx
	AnswerMoved            Answer = "moved"         // 3xx, which is never followed
	AnswerRejected         Answer = "rejected"      // any other 4xx
)

// classify takes the site's own words where the status alone does not tell:
// confluence.atlassian.com/bbkb, "Error 403 when performing Git operations", for
// allowlist, two-step and no access; gildas/bitbucket-cli#56 for the scopes, which
// REST's error.detail names as well.
func classify(status int, host, text string, required []string) Answer {
	text = strings.ToLower(text)
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case status >= 200 && status < 300:
		return AnswerOK
	case status >= 300 && status < 400:
		return AnswerMoved
	case status >= 500:
		return AnswerOutage
	}
	switch status {
	case http.StatusUnauthorized:
		return AnswerRefused
	case http.StatusForbidden:
		switch {
		case len(required) > 0 || has("privilege scopes"):
			return AnswerLacksScope
		case has("whitelist your ip") || has("allowlist your ip"):
			return AnswerNotListed
		case has("two-step"):
			return AnswerWantsTwoStep
		}
		return AnswerNoAccess
	case http.StatusNotFound:
		return AnswerNoAccess
	case http.StatusGone:
		// REST answers 410 to every call that Atlassian has withdrawn, each under its
		// CHANGE number; that of the app passwords is 3222.
		if host == Host || has("change-3222") || has("app password") {
			return AnswerAppPasswordsOver
		}
	case http.StatusTooManyRequests:
		return AnswerRateLimited
	}
	return AnswerRejected
}
