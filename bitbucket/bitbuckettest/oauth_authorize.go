package bitbuckettest

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What AuthorizePath says to the person: rbansal42/bitbucket-cli#50.
const (
	TextRedirectInvalid = "Invalid redirect_uri"
	textMisconfigured   = "This integration is misconfigured. Contact the vendor for assistance."
	textClientUnknown   = "Invalid client_id"
)

// code is one authorization code.
type code struct {
	client    *consumer
	redirect  string // that was asked for, "" if none was
	challenge string
	method    string
	issued    time.Time
}

// authorization is what a browser asks for at AuthorizePath.
type authorization struct {
	client   *consumer
	settings Consumer
	query    url.Values
	target   *url.URL // where the browser goes next
}

// serveAuthorize asks the person, or answers at once if the consumer says so.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	goal := target{at: atAuthorize}
	if s.strike(w, r, All, goal, "") {
		return
	}
	ask, problem := s.authorization(r.URL.Query())
	if problem != "" {
		writePage(w, http.StatusBadRequest, problemPage, problem)
		return
	}
	s.note(w, func(entry *Request) { entry.Consumer = ask.settings.Name })
	if s.strike(w, r, Logins, goal, ask.settings.Name) {
		return
	}
	if refused := ask.refused(); refused != "" {
		ask.redirect(w, r, url.Values{"error": {refused}})
		return
	}
	answer := ask.settings.Answer
	if r.Method == http.MethodPost {
		answer = readForm(w, r).Get("answer")
	}
	switch answer {
	case AnswerGrant:
		ask.redirect(w, r, s.consent(ask))
	case AnswerDeny:
		ask.redirect(w, r, url.Values{
			"error": {"access_denied"}, "error_description": {"The resource owner denied the request."},
		})
	default:
		writePage(w, http.StatusOK, consentPage, ask.settings)
	}
}

// authorization says what is wrong if the browser must not be sent anywhere: RFC 6749, section 4.1.2.1.
func (s *Server) authorization(query url.Values) (a authorization, problem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(query.Get("client_id"))
	if c == nil {
		return a, textClientUnknown
	}
	a = authorization{client: c, settings: c.Consumer, query: query}
	if c.Callback == "" {
		return a, TextNoCallback
	}
	address := c.Callback
	if asked := query.Get("redirect_uri"); asked != "" {
		if !extends(asked, c.Callback) {
			return a, TextRedirectInvalid
		}
		address = asked
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return a, TextRedirectInvalid
	}
	a.target = parsed
	return a, ""
}

// extends reports whether the address is the callback URL, or that with more path or a query behind it:
// support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud.
func extends(address, callback string) bool {
	if address == callback {
		return true
	}
	a, err := url.Parse(address)
	c, callbackErr := url.Parse(callback)
	if err != nil || callbackErr != nil || a.User != nil || a.Opaque != "" || strings.Contains(address, "#") {
		return false
	}
	below := strings.HasPrefix(a.Path, strings.TrimSuffix(c.Path, "/")+"/") && path.Clean(a.Path) == strings.TrimSuffix(a.Path, "/")
	return a.Scheme == c.Scheme && a.Host == c.Host &&
		(a.Path == c.Path || below) && (a.RawQuery == c.RawQuery || c.RawQuery == "")
}

// refused is the error code to send the browser back with, "" if nothing is wrong.
func (a authorization) refused() string {
	method := a.query.Get("code_challenge_method")
	switch kind := a.query.Get("response_type"); {
	case kind == "":
		return "invalid_request"
	case kind != "code" && kind != "token":
		return "unsupported_response_type"
	case !slices.Contains([]string{"", "plain", "S256"}, method):
		return "invalid_request"
	case !a.settings.has(strings.Fields(a.query.Get("scope"))):
		return "invalid_scope"
	}
	return ""
}

// consent makes the code, or the token of the implicit grant, and says what the browser takes along.
func (s *Server) consent(a authorization) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, c := s.now(), a.client
	if a.query.Get("response_type") == "code" {
		c.codes++
		text := body("code "+c.Name+" "+strconv.Itoa(c.codes), 32)
		s.codes[text] = &code{
			client: c, redirect: a.query.Get("redirect_uri"), issued: now,
			challenge: a.query.Get("code_challenge"), method: a.query.Get("code_challenge_method"),
		}
		return url.Values{"code": {text}}
	}
	token := s.newAccess(c, c.Scopes, now)
	values := url.Values{
		"access_token": {token.Text}, "token_type": {"bearer"}, "expires_in": {strconv.Itoa(int(c.Expires / time.Second))},
	}
	for _, spelling := range []string{SpellScope, SpellScopes} {
		if c.Spelling == spelling || c.Spelling == SpellBoth {
			values.Set(spelling, strings.Join(c.Scopes, " "))
		}
	}
	return values
}

// redirect sends the browser on, with the values in the fragment for the implicit grant: RFC 6749, sections 4.1.2 and 4.2.2.
func (a authorization) redirect(w http.ResponseWriter, r *http.Request, values url.Values) {
	if state := a.query.Get("state"); state != "" {
		values.Set("state", state)
	}
	address := *a.target
	w.Header().Set("Cache-Control", "no-store")
	if a.query.Get("response_type") == "token" {
		http.Redirect(w, r, address.String()+"#"+values.Encode(), http.StatusFound)
		return
	}
	address.RawQuery = strings.TrimPrefix(address.RawQuery+"&"+values.Encode(), "&")
	http.Redirect(w, r, address.String(), http.StatusFound)
}

// proves checks PKCE, which Bitbucket does not promise: RFC 7636, section 4.6.
func (c *code) proves(verifier string) bool {
	if c.challenge == "" {
		return true
	}
	if c.method == "S256" {
		sum := sha256.Sum256([]byte(verifier))
		verifier = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return verifier == c.challenge
}

func writePage(w http.ResponseWriter, status int, page *template.Template, data any) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = page.Execute(w, data)
}

// consentPage posts to its own address, where the query is.
var consentPage = template.Must(template.New("consent").Parse(`<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Confirm access to your account — Bitbucket</title></head>
<body>
<h1>Confirm access to your account</h1>
<p>{{.Name}} is requesting access to the following:</p>
<ul>{{range .Scopes}}<li>{{.}}</li>{{end}}</ul>
<form method="post">
<button id="grant" name="answer" value="grant">Grant access</button>
<button id="deny" name="answer" value="deny">Deny</button>
</form>
</body></html>
`))

var problemPage = template.Must(template.New("problem").Parse(`<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{{.}} — Bitbucket</title></head>
<body>
<h1>{{.}}</h1>
<p>` + textMisconfigured + `</p>
</body></html>
`))
