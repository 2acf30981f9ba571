package main

import (
	"context"
	"errors"
	"strings"

	"git-credential-bitbucket/bitbucket"
)

// client talks to the site over the proxy and with the authorities that git would use.
// The notes are things to say beside what it finds. Errors are those of whyUnreachable.
func (p *process) client(ctx context.Context) (*bitbucket.Client, []networkNote, error) {
	n := p.readNetwork(ctx)
	c, err := n.client()
	return c, n.notes, err
}

func (n *network) client() (*bitbucket.Client, error) {
	if err := n.usable(); err != nil {
		return nil, err
	}
	return bitbucket.NewClient(bitbucket.Options{
		Proxy:  n.proxy,
		CAFile: n.caFile.value, CAPath: n.caPath.value,
		Now:       n.now,
		UserAgent: "git-credential-bitbucket/" + thisVersion().Version,
	})
}

// whyUnreachable says what keeps the site's answer away, and what to do: of a *proxyError,
// *bitbucket.CAError or *bitbucket.UnreachableError. It holds no secret.
func whyUnreachable(err error) (text, remedy string) {
	var proxy *proxyError
	var authority *bitbucket.CAError
	var away *bitbucket.UnreachableError
	switch {
	case errors.As(err, &proxy):
		return proxy.Error(), "correct " + strings.Fields(proxy.from)[0]
	case errors.As(err, &authority):
		return authority.Error(), "correct http.sslCAInfo, http.sslCAPath or the variables GIT_SSL_CAINFO and GIT_SSL_CAPATH, whichever names it"
	case !errors.As(err, &away):
		return oneLine(err.Error()), "try again later"
	}
	remedies := map[bitbucket.Why]string{
		bitbucket.WhyTimeout:     "check the network, then try again",
		bitbucket.WhyInterrupted: "type the command again",
		bitbucket.WhyDNS:         "check the network and its name servers; behind a proxy type: git config --global http.proxy http://HOST:PORT",
		bitbucket.WhyProxy:       "check the proxy: git config --get-urlmatch http.proxy https://" + bitbucket.Host + ", and HTTPS_PROXY",
		bitbucket.WhyCertificate: "check this machine's clock; where a company's proxy reads along, type: git config --global http.sslCAInfo FILE",
		bitbucket.WhyRefused:     "check the network and its firewall; behind a proxy type: git config --global http.proxy http://HOST:PORT",
		bitbucket.WhyPortal:      "open https://" + bitbucket.Host + " in a browser and log in to the network",
	}
	if remedy = remedies[away.Why]; remedy == "" {
		remedy = "look at https://bitbucket.status.atlassian.com, and try again later"
	}
	return oneLine(away.Error()), remedy
}
