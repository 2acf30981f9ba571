package bitbucket

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"git-credential-bitbucket/store/secret"
)

// fields are those of an answer with a token or a refusal: of JSON with numbers as
// json.Number, or texts alone of a query.
type fields map[string]any

func (f fields) text(name string) string {
	text, _ := f[name].(string)
	return text
}

// grant reads an answer with a token. What beside the tokens is odd in it is taken for
// absent: a refresh token that was rotated must not be lost for that. The type is
// "bearer" or not told (RFC 6749, section 7.1).
func (f fields) grant(asked time.Time) (Grant, error) {
	grant := Grant{Refresh: f.token("refresh_token")}
	access := f.token("access_token")
	kind, told := f["token_type"].(string)
	if access.IsZero() || told && !EqualASCII(kind, "bearer") {
		return grant, ErrGrant
	}
	grant.Access = access
	grant.Expires = asked.Add(f.life())
	grant.Scopes = f.scopes(question{secrets: []secret.Secret{access, grant.Refresh}})
	return grant, nil
}

// token is zero for what the site does not make and git's protocol does not carry.
func (f fields) token(name string) secret.Secret {
	token := secret.New(f.text(name))
	if len(f.text(name)) > MaxToken || Printable(token) != nil || KindOf(token) == DataCenterToken {
		return secret.Secret{}
	}
	return token
}

func (f fields) life() time.Duration {
	text := f.text("expires_in")
	if number, ok := f["expires_in"].(json.Number); ok {
		text = number.String()
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 1 && seconds <= longestLife.Seconds()) {
		return accessLife
	}
	return time.Duration(seconds) * time.Second
}

// scopes reads both spellings, of today and of before 2026-05, and nil of neither
// (community.developer.atlassian.com/t/99003): lists, or texts with blanks or commas
// between.
func (f fields) scopes(q question) []string {
	var told bool
	var words []string
	for _, spelling := range []string{"scope", "scopes"} {
		switch value := f[spelling].(type) {
		case string:
			told = true
			words = append(words, wordsOf(value)...)
		case []any:
			told = true
			for _, entry := range value {
				if text, ok := entry.(string); ok {
					words = append(words, wordsOf(text)...)
				}
			}
		}
	}
	if !told {
		return nil
	}
	const most = 200
	words = words[:min(len(words), most)]
	slices.Sort(words)
	return cleaner{q.shown()}.words(slices.Compact(words))
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}

// refusal reads an error of RFC 6749.
func (f fields) refusal(c cleaner) *OAuthError {
	e := &OAuthError{Code: f.text("error"), Description: f.text("error_description")}
	const longest = 40
	if len(e.Code) > longest || strings.Trim(e.Code, "abcdefghijklmnopqrstuvwxyz_") != "" || c.text(e.Code) != e.Code {
		e.Code = ""
	}
	e.Description = c.text(e.Description[:min(len(e.Description), 4<<10)])
	if slices.ContainsFunc(strings.Fields(e.Description), likeToken) {
		e.Description = ""
	}
	return e
}

// likeToken reports whether the word may be a secret, be it none of ours: as long as
// those are, and no word of a language.
func likeToken(word string) bool {
	const shortest = 18 // of the site's refresh tokens before 2026-05
	return len(word) >= shortest && (strings.ContainsAny(word, "0123456789") || len(word) > 2*shortest)
}

// refused is a Reply for what is no answer of OAuth.
func refused(response *http.Response, body []byte, c cleaner) Reply {
	reply := Reply{Status: response.StatusCode}
	reply.Date, _ = http.ParseTime(response.Header.Get("Date"))
	reply.RetryAfter, reply.saysWhen = retryAfter(response.Header.Get("Retry-After"), reply.Date)
	words := c.failure(&reply, response.Header.Get("Content-Type"), body)
	reply.Answer = classify(reply.Status, Host, words, nil)
	return reply
}

// fieldsOf reads a query, or a fragment written as one. None of its names may stand in
// it twice (RFC 6749, section 3.1).
func fieldsOf(query string) (fields, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, ErrRedirect
	}
	found := fields{}
	for name, texts := range values {
		if len(texts) != 1 {
			return nil, ErrRedirect
		}
		found[name] = texts[0]
	}
	return found, nil
}
