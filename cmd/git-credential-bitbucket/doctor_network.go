package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"git-credential-bitbucket/bitbucket"
)

// checkHeaders looks for a header in git's config that stands in for every helper.
func checkHeaders(_ context.Context, e *examination) []finding {
	var fs []finding
	for _, h := range e.network.headers {
		if bitbucket.EqualASCII(h.Name, "authorization") {
			remedy := "remove that line"
			if file := h.Line.File(); file != "" {
				remedy = fmt.Sprintf("type: git config --file %s --unset-all %s", shellWord(file), shellWord(h.Line.Key))
			}
			fs = append(fs, finding{levelProblem, "header", place(h.Line) + " holds an Authorization header: git sends that in place of any helper's token, and blames the helper's for its refusal", remedy})
		}
	}
	return fs
}

// checkProxy says which proxy and which certificates are in effect.
func checkProxy(_ context.Context, e *examination) []finding {
	n := e.network
	var fs []finding
	git, rest := n.routes[bitbucket.Host], n.routes[bitbucket.RESTHost]
	fs = append(fs, proxyFinding(bitbucket.Host, git))
	if rest.setting != git.setting {
		fs = append(fs, proxyFinding(bitbucket.RESTHost, rest))
	}
	for _, s := range []setting{n.caFile, n.caPath} {
		if s.value != "" {
			fs = append(fs, finding{levelOK, "certificates", fmt.Sprintf("certificates are checked against %s (%s)", s.value, s.from), ""})
		}
	}
	if path := e.env("SSL_CERT_FILE"); path != "" && n.caFile.value == "" {
		fs = append(fs, finding{levelOK, "certificates", fmt.Sprintf("certificates are checked against %s (SSL_CERT_FILE), by this program and not by git", path), ""})
	}
	for _, note := range n.notes {
		level := levelNote
		if note.id == "tls-unverified" {
			level = levelProblem
		}
		fs = append(fs, finding{level, note.id, note.text, note.remedy})
	}
	return fs
}

func proxyFinding(host string, r route) finding {
	switch {
	case r.err != nil:
		text, remedy := whyUnreachable(r.err)
		return finding{levelProblem, "proxy-unusable", text, remedy}
	case r.proxy != nil:
		return finding{levelOK, "proxy", fmt.Sprintf("%s is reached over the proxy %s (%s)", host, masked(r.proxy), r.setting.from), ""}
	case r.setting.from != "":
		return finding{levelOK, "proxy", fmt.Sprintf("%s is reached without a proxy (%s)", host, r.setting.from), ""}
	}
	return finding{levelOK, "proxy", host + " is reached without a proxy", ""}
}

// masked is a proxy's address without who logs in to it.
func masked(u *url.URL) string {
	user := ""
	if u.User != nil {
		user = "…@"
	}
	return u.Scheme + "://" + user + u.Host
}

const (
	tolerated = 5 * time.Minute // how far a clock may be off
	siteLimit = 5 * time.Second
)

// checkSite asks the site whether it answers, and compares clocks. No token is sent.
func checkSite(ctx context.Context, e *examination) []finding {
	client, err := e.network.client()
	if e.network.usable() != nil {
		return nil // checkProxy says so
	}
	var reply bitbucket.Reply
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, siteLimit)
		defer cancel()
		reply, err = client.Reach(ctx)
	}
	if err != nil {
		text, remedy := whyUnreachable(err)
		return []finding{{levelProblem, "site-unreachable", text, remedy}}
	}
	fs := siteFindings(reply)
	if reply.Date.IsZero() {
		return fs
	}
	skew := e.now().Sub(reply.Date)
	direction := "ahead of"
	if skew < 0 {
		skew, direction = -skew, "behind"
	}
	if skew > tolerated {
		return append(fs, finding{levelProblem, "clock", fmt.Sprintf("this machine's clock is %s %s Bitbucket's, so that certificates and the dates of tokens are judged wrongly", skew.Round(time.Minute), direction),
			"set it, and let it follow a time server"})
	}
	return append(fs, finding{levelOK, "clock", "this machine's clock agrees with Bitbucket's", ""})
}

// siteFindings says what an answer without a token means: a refusal is as it should be.
func siteFindings(reply bitbucket.Reply) []finding {
	switch reply.Answer {
	case bitbucket.AnswerOutage:
		return []finding{{levelProblem, "site-outage", fmt.Sprintf("Bitbucket answers with status %d: it is down, in part at least", reply.Status), "look at https://bitbucket.status.atlassian.com"}}
	case bitbucket.AnswerRateLimited:
		return []finding{{levelNote, "site-limit", "Bitbucket limits the rate of requests from here (status 429)", "wait an hour, and see what asks so often"}}
	case bitbucket.AnswerMoved:
		return []finding{{levelProblem, "site-other", fmt.Sprintf("something else than Bitbucket answers in its place (status %d)", reply.Status), "open https://" + bitbucket.Host + " in a browser and log in to the network"}}
	}
	return []finding{{levelOK, "site", fmt.Sprintf("Bitbucket answers (status %d without a token)", reply.Status), ""}}
}
