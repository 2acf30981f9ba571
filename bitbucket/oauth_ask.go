package bitbucket

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"git-credential-bitbucket/store/secret"
)

// question is what is known of a request for a token before it is sent.
type question struct {
	secrets  []secret.Secret // that the answer's words must not hold
	pair     string          // of a consumer, as it stands in Basic
	header   string          // Authorization in place of the library's; "" leaves that
	complete bool            // nothing is missing to prove who asks
}

func (c Consumer) question(others ...secret.Secret) question {
	pair := url.QueryEscape(c.ID) + ":" + url.QueryEscape(c.Secret.Reveal())
	return question{
		secrets: append(others, c.Secret), pair: base64.StdEncoding.EncodeToString([]byte(pair)),
		complete: c.ID != "" && !c.Secret.IsZero(),
	}
}

// shown is all of the question's secrets, for a cleaner.
func (q question) shown() shown {
	return shown{func() (string, []form) {
		var forms []form
		if q.pair != "" {
			forms = append(forms, form{text: q.pair})
		}
		for _, s := range q.secrets {
			if !s.IsZero() {
				forms = append(forms, formsOf(s)...)
			}
		}
		return q.header, forms
	}}
}

// ask lets the library put the question, and reads the answer itself. The library's own
// reading fails for an odd expires_in, and a refresh token is lost with it; and the text
// of its errors holds the body.
func (c *Client) ask(ctx context.Context, q question, send func(context.Context) error) (Grant, error) {
	switch {
	case !q.complete:
		return Grant{}, ErrConsumer
	case c.now == nil:
		return Grant{}, ErrNoClock
	}
	ctx, cancel := context.WithTimeout(ctx, c.callTime)
	defer cancel()
	post := &tokenPost{client: c, header: q.header, err: &UnreachableError{Host: Host, Why: WhyOther}}
	now := c.now()
	_ = send(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: post, CheckRedirect: stay}))
	if post.err != nil {
		return Grant{Refresh: salvaged(post.body)}, post.err
	}
	return readGrant(post.response, post.body, cleaner{q.shown()}, now)
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// tokenPost is the library's transport for one question. It keeps the answer.
type tokenPost struct {
	client   *Client
	header   string
	sent     bool
	response *http.Response
	body     []byte
	err      error
}

var errSentTwice = errors.New("a request for a token is sent once")

func (p *tokenPost) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.sent {
		return nil, errSentTwice
	}
	p.sent = true
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", p.client.userAgent)
	r.Header.Set("Accept", "application/json")
	if p.header != "" {
		r.Header.Set("Authorization", p.header)
	}
	response, err := p.client.transport.RoundTrip(r)
	if err != nil {
		p.err = unreachable(Host, err)
		return nil, p.err
	}
	defer response.Body.Close()
	p.response = response
	p.body, p.err = readBody(response.Body)
	switch ok := isSuccess(response.StatusCode); {
	case p.err == nil:
	case !ok: // it only adds words to the status
		p.err = nil
	case p.err != ErrTooLarge:
		p.err = unreachable(Host, p.err)
	}
	if p.err != nil {
		return nil, p.err
	}
	answer := *response
	answer.Body = io.NopCloser(bytes.NewReader(p.body))
	return &answer, nil
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// salvaged is the refresh token of an answer with a token that is cut off, or broken,
// behind that: the one before it is dying. It is zero where there is none in full.
func salvaged(body []byte) secret.Secret {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return secret.Secret{}
	}
	found := fields{}
	for {
		name, err := decoder.Token()
		key, ok := name.(string)
		if err != nil || !ok {
			break
		}
		var value any
		if decoder.Decode(&value) != nil {
			break
		}
		if key == "refresh_token" {
			found[key] = value
		}
	}
	return found.token("refresh_token")
}

// readGrant reads the answer to a question, whatever it is.
func readGrant(response *http.Response, body []byte, c cleaner, now time.Time) (Grant, error) {
	var found fields
	isJSON := isObject(body)
	if isJSON {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if err := decoder.Decode(&found); err != nil && isSuccess(response.StatusCode) {
			return Grant{Refresh: salvaged(body)}, &UnreachableError{Host: Host, Why: WhyOther, Err: ErrCutOff}
		}
	}
	// 429 and 5xx pass, whatever words come with them.
	final := response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests
	switch refusal := found.refusal(c); {
	case refusal.Code != "" && final && found.text("access_token") == "":
		return Grant{}, refusal
	case !isSuccess(response.StatusCode):
		return Grant{}, &AnswerError{refused(response, body, c)}
	case !isJSON:
		return Grant{}, &UnreachableError{Host: Host, Why: WhyPortal}
	}
	return found.grant(now)
}
