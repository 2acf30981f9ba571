package bitbuckettest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
)

// What Bitbucket says when it refuses.
const (
	// git's 401: community.atlassian.com, "Migrating from App Password to API Token", 2026-03.
	TextLogin = "You may not have access to this repository or it no longer exists in this workspace. " +
		"If you think this repository exists and you have access, make sure you are authenticated."
	// A missing scope: gildas/bitbucket-cli#56.
	TextScope = "Your credentials lack one or more required privilege scopes."
	// The next three: confluence.atlassian.com/bbkb, "Error 403 when performing Git operations".
	TextNoAccess = "The requested repository either does not exist or you do not have access. " +
		"If you believe this repository exists and you have access, make sure you're authenticated."
	TextAllowlist = "To access this repository, an admin must whitelist your IP."
	TextTwoStep   = "To access this repository, enable two-step authentication."
	// An app password since 2026-07-28: CHANGE-3222.
	TextAppPassword = "CHANGE-3222 - Functionality has been deprecated\n" +
		"App passwords are deprecated and must be replaced with API tokens.\n" +
		"https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-3222"
	TextRateLimit = "Rate limit for this resource has been exceeded"
	// A path that REST has not: sourcebot-dev/sourcebot#295.
	textNotFound, detailNotFound = "Resource not found", "There is no API hosted at this URL."
	// REST's 401: avivsinai/bitbucket-cli#30.
	TextTokenInvalid = "Token is invalid, expired, or not supported for this endpoint."
)

const challenge = `Basic realm="Bitbucket.org HTTP"`

var (
	refuseLogin = refusal{status: http.StatusUnauthorized, text: TextLogin, textREST: TextTokenInvalid}
	// 404 on REST, in the same words: composer/composer#10657.
	refuseNoAccess    = refusal{status: http.StatusForbidden, statusREST: http.StatusNotFound, text: TextNoAccess}
	refuseAppPassword = refusal{status: http.StatusGone, text: TextAppPassword}
	refuseNotFound    = refusal{status: http.StatusNotFound, text: "Not Found", textREST: textNotFound, detail: detailNotFound}
)

// refusal is an answer that is not what was asked for.
type refusal struct {
	status            int
	text              string
	statusREST        int    // status if 0
	textREST          string // text if empty
	detail            string
	fields            map[string][]string // what is wrong with each of the body's
	required, granted []string
	retryAfter        string
}

func plain(status int) refusal { return refusal{status: status, text: http.StatusText(status)} }

// refuseBody is REST's answer to a body that will not do: developer.atlassian.com/cloud/bitbucket/rest/intro, "Error responses".
func refuseBody(detail string, fields map[string][]string) refusal {
	return refusal{status: http.StatusBadRequest, text: "Bad request", detail: detail, fields: fields}
}

func refuseScope(required, granted []string) refusal {
	return refusal{status: http.StatusForbidden, text: TextScope, required: required, granted: granted}
}

// write answers in the manner of the place: text for git, which shows it after "remote:", JSON for LFS and REST.
func (f refusal) write(w http.ResponseWriter, at string) {
	header := w.Header()
	if f.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", challenge)
	}
	if f.retryAfter != "" {
		header.Set("Retry-After", f.retryAfter)
	}
	switch at {
	case atREST:
		writeJSON(w, mediaTypeREST, cmp.Or(f.statusREST, f.status), f.bodyREST())
	case atLFS:
		writeJSON(w, mediaTypeLFS, f.status, map[string]string{"message": f.text})
	default:
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(f.status)
		_, _ = io.WriteString(w, f.text)
	}
}

func (f refusal) bodyREST() any {
	type scopes struct {
		Required []string `json:"required"`
		Granted  []string `json:"granted"`
	}
	type failure struct {
		Message string              `json:"message"`
		Fields  map[string][]string `json:"fields,omitempty"`
		Detail  any                 `json:"detail,omitempty"` // scopes, or a sentence
	}
	body := struct {
		Type  string  `json:"type"`
		Error failure `json:"error"`
	}{Type: "error", Error: failure{Message: cmp.Or(f.textREST, f.text), Fields: f.fields}}
	switch {
	case f.required != nil:
		body.Error.Detail = scopes{f.required, f.granted}
	case f.detail != "":
		body.Error.Detail = f.detail
	}
	return body
}

func writeJSON(w http.ResponseWriter, mediaType string, status int, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
