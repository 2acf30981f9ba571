package bitbucket

import (
	"crypto/rand"
	"html"
	"io"
	"net/http"
)

const formType = "application/x-www-form-urlencoded"

// What the pages of a Callback say. They hold nothing of the request.
const (
	textDone    = "Bitbucket has answered. You can close this page and go back to the terminal."
	textForeign = "This is not an answer to the login that the terminal waits for. Nothing was done."
	textSecond  = "The login was answered before. You can close this page."
	textSlow    = "Bitbucket has answered. Go back to the terminal."
	textNoHash  = "Bitbucket's answer is not in the address of this page. Begin again in the terminal."
	textLost    = "Nobody waits for the answer any more. Begin again in the terminal."
	textSeen    = "This page was opened before, perhaps by somebody else on this machine, who then knows what the login goes by. It is ended. Begin again in the terminal."
	textOther   = "This page is for another user of this machine. If you are that user, copy the address from the terminal instead."
	textBegin   = "This page begins a login when a browser opens it."
	textScript  = "This page needs JavaScript. Without it, copy its address into the terminal."
)

// say writes a page of one sentence.
func say(w http.ResponseWriter, status int, text string) {
	write(w, status, "default-src 'none'", `<p>`+html.EscapeString(text)+`</p>`)
}

// handOver writes the page whose script takes the fragment, which a browser sends to
// nobody, out of the address bar, and posts it to this page's address and to nothing
// else. The browser's own history on disk keeps the address that it came with. Its answer replaces the page.
func handOver(w http.ResponseWriter) {
	nonce := rand.Text()
	policy := "default-src 'none'; script-src 'nonce-" + nonce + "'; connect-src 'self'"
	write(w, http.StatusOK, policy, `<p id="say"></p>
<noscript><p>`+textScript+`</p></noscript>
<script nonce="`+nonce+`">
"use strict";
const answer = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const say = text => { document.getElementById("say").textContent = text; };
if (answer === "") {
  say("`+textNoHash+`");
} else {
  fetch(location.pathname, {
    method: "POST", headers: {"Content-Type": "`+formType+`"}, body: answer,
    credentials: "omit", redirect: "error", cache: "no-store",
  }).then(reply => reply.text()).then(page => {
    say(new DOMParser().parseFromString(page, "text/html").body.textContent.trim());
  }).catch(() => say("`+textLost+`"));
}
</script>`)
}

func write(w http.ResponseWriter, status int, policy, body string) {
	for name, value := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": policy + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Cache-Control":           "no-store",
		"Referrer-Policy":         "no-referrer",
		"X-Content-Type-Options":  "nosniff",
	} {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>git-credential-bitbucket</title></head>\n<body>\n"+body+"\n</body>\n</html>\n")
}
