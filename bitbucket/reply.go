package bitbucket

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Reply is what the site answered, whatever its status. All text in it but Body is
// printable, in one line, of at most 300 bytes, and "" if it held the token.
type Reply struct {
	Status  int
	Answer  Answer
	Known   bool   // the site's own: by its words or headers; what else answers 403 is a firewall
	Message string // the site's own words: REST's error.message, or a plain text's; "" of HTML

	Required, Granted []string // scopes that the call wants and the token has, of REST's error.detail
	Scopes            []string // that the token has, of x-oauth-scopes; nil without that header, empty if it is

	Credential string // of x-credential-type: "api_token", "repo_access_token", …
	User       User   // of Client.User's 200

	Date       time.Time     // the site's clock; zero if it does not say
	RetryAfter time.Duration // of Retry-After, from Date on where it names a time; at most a day
	NearLimit  bool          // less than a fifth of the hour's requests is left (Atlassian's blog: "Introducing Scaled Rate Limits for Bitbucket Cloud API")

	Body []byte // of Send alone, and never with the token in it; none if it is larger than 1 MiB and the answer is not AnswerOK
	Next string // path and query of the next page, of Send's AnswerOK, ready for Request.Path; see NextPage

	foreignNext, saysWhen bool
}

// User is whose a token is, as far as the site says.
type User struct {
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	UUID        string `json:"uuid"` // in braces
	AccountID   string `json:"account_id"`
}

// Kind is the kind of token that Credential stands for. The header is undocumented;
// its words are those that other clients meet (MitjaBezensek/SharpBucket#108 has "oauth1").
func (r Reply) Kind() Kind {
	switch r.Credential {
	case "api_token":
		return APIToken
	case "repo_access_token", "project_access_token", "workspace_access_token":
		return AccessToken
	case "oauth1", "oauth2":
		return OAuthToken
	}
	return UnknownKind
}

// NextPage is Next, or ErrForeignNext where the body names a page that is not at
// https://api.bitbucket.org/2.0/. Without a next page both are zero.
func (r Reply) NextPage() (string, error) {
	if r.foreignNext {
		return "", ErrForeignNext
	}
	return r.Next, nil
}

// mayRepeat reports whether the site said that a moment later it may answer otherwise.
// Its 429 says no such thing today (jenkinsci/bitbucket-branch-source-plugin#414).
func (r Reply) mayRepeat() bool {
	return (r.Status == http.StatusTooManyRequests || r.Status == http.StatusServiceUnavailable) && r.saysWhen && r.RetryAfter <= waitLimit
}

// read makes a Reply of the response to the call. A body is needed, and its failures
// count, where it is what was asked for; in a refusal it only adds words to the status.
func read(call call, response *http.Response) (Reply, error) {
	header := response.Header
	c := cleaner{call.shown}
	reply := Reply{
		Status:     response.StatusCode,
		Credential: c.text(header.Get("X-Credential-Type")),
		NearLimit:  strings.EqualFold(header.Get("X-RateLimit-NearLimit"), "true"),
	}
	if scopes, ok := header["X-Oauth-Scopes"]; ok {
		reply.Scopes = c.words(strings.Split(strings.Join(scopes, ","), ","))
	}
	reply.Date, _ = http.ParseTime(header.Get("Date"))
	reply.RetryAfter, reply.saysWhen = retryAfter(header.Get("Retry-After"), reply.Date)

	ok := response.StatusCode >= 200 && response.StatusCode < 300
	if ok && call.kind == refsCall {
		// What git itself looks at to tell a repository's answer from any other page
		// (gitprotocol-http, "Smart Clients"). The refs that follow are nobody's concern.
		if header.Get("Content-Type") != "application/x-"+string(call.service)+"-advertisement" {
			return Reply{}, &UnreachableError{Host: call.address.Host, Why: WhyPortal}
		}
		reply.Answer = AnswerOK
		return reply, nil
	}
	body, err := readBody(response.Body)
	if err != nil && ok {
		if err != ErrTooLarge {
			err = unreachable(call.address.Host, err)
		}
		return Reply{}, err
	}
	if err != nil {
		body = nil
	}
	if call.kind == sendCall {
		switch echoes := c.token.in(string(body)); {
		case echoes && ok:
			return Reply{}, ErrEcho
		case !echoes:
			reply.Body = body
		}
	}
	if ok {
		reply.Answer = AnswerOK
		return reply, c.page(&reply, call, body)
	}
	words := c.failure(&reply, header.Get("Content-Type"), body)
	reply.Answer = classify(reply.Status, call.address.Host, words, reply.Required)
	reply.Known = reply.Scopes != nil || reply.Credential != "" || isObject(body) && call.address.Host == RESTHost ||
		reply.Answer == AnswerLacksScope || reply.Answer == AnswerNotListed || reply.Answer == AnswerWantsTwoStep ||
		strings.Contains(words, "repository either does not exist or you do not have access")
	return reply, nil
}

func readBody(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, bodyLimit+1))
	if err == nil && len(text) > bodyLimit {
		err = ErrTooLarge
	}
	return text, err
}

// page reads what an AnswerOK is about: the user, or the next page. Whatever is not a
// JSON object instead of a user comes from somebody who answers in the site's place.
func (c cleaner) page(reply *Reply, call call, body []byte) error {
	object := isObject(body) && json.Valid(body)
	if call.kind == userCall {
		if !object {
			*reply = Reply{}
			return &UnreachableError{Host: call.address.Host, Why: WhyPortal}
		}
		_ = json.Unmarshal(body, &reply.User) // a field that is no string is left out
		for _, field := range []*string{&reply.User.Username, &reply.User.DisplayName, &reply.User.UUID, &reply.User.AccountID} {
			*field = c.text(*field)
		}
		return nil
	}
	var page struct {
		Next string `json:"next"`
	}
	if !object || json.Unmarshal(body, &page) != nil || page.Next == "" {
		return nil
	}
	next, err := restAddress(page.Next)
	if err != nil || !hasScheme(page.Next) {
		reply.foreignNext = true
		return nil
	}
	reply.Next = next.RequestURI()
	return nil
}

// failure reads the words of a refusal, and returns them as they came, to be classified.
// REST wraps them in JSON (gildas/bitbucket-cli#56) but for some in plain text, such as
// the rate limit's (MitjaBezensek/SharpBucket#108); git's are plain text. A page of HTML
// is an outage's or a proxy's and says nothing to a person at a terminal.
func (c cleaner) failure(reply *Reply, contentType string, body []byte) string {
	const longest = 4 << 10
	text := ""
	if isObject(body) {
		var wrapped struct {
			Error struct {
				Message string          `json:"message"`
				Detail  json.RawMessage `json:"detail"`
			} `json:"error"`
		}
		var scopes struct{ Required, Granted []string }
		if json.Unmarshal(body, &wrapped) == nil {
			text = wrapped.Error.Message
			if isObject(wrapped.Error.Detail) && json.Unmarshal(wrapped.Error.Detail, &scopes) == nil {
				reply.Required, reply.Granted = c.words(scopes.Required), c.words(scopes.Granted)
			}
		}
	} else if media, _, _ := mime.ParseMediaType(contentType); (media == "text/plain" || media == "") && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		text = string(body)
	}
	text = text[:min(len(text), longest)]
	reply.Message = c.text(text)
	return text
}

func isObject(body []byte) bool {
	return strings.HasPrefix(strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n"), "{")
}

// retryAfter reads seconds or a time, the latter by the clock of the answer's own Date.
func retryAfter(text string, date time.Time) (after time.Duration, ok bool) {
	const longest = 24 * time.Hour
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longest), true
	}
	then, err := http.ParseTime(text)
	if err != nil || date.IsZero() {
		return 0, false
	}
	return min(max(then.Sub(date), 0), longest), true
}

// cleaner makes what others have sent fit to be printed.
type cleaner struct{ token shown }

func (c cleaner) text(text string) string {
	clean := lineOf(text, len(text))
	if c.token.in(text) || c.token.in(clean) {
		return ""
	}
	return line(clean)
}

// words leaves out what is no name of a scope.
func (c cleaner) words(texts []string) []string {
	const most = 100
	words := []string{}
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if text != "" && isGraphic(text) && c.text(text) == text && len(words) < most {
			words = append(words, text)
		}
	}
	return words
}

// line is text in one printable line of at most 300 bytes, without control, format
// and other characters that a terminal does not show as they are.
func line(text string) string { return lineOf(text, 300) }

func lineOf(text string, longest int) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(printable), " ")
	if len(text) > longest {
		for !utf8.RuneStart(text[longest]) {
			longest--
		}
		text = strings.TrimRight(text[:longest], " ")
	}
	return text
}
