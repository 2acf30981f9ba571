package bitbucket

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// RESTHost is where REST is answered.
const RESTHost = "api." + Host

// What Send refuses to send, and NextPage to follow. None of the errors holds any of
// the address.
var (
	ErrForeignAddress = errors.New("the address is not one of https://" + RESTHost)
	ErrForeignNext    = errors.New("the answer names a next page that is not at https://" + RESTHost + "/2.0/")
	ErrPath           = errors.New(`want a path that begins with "/2.0/" and has no blank, fragment or dot segment in it`)
	ErrMethod         = errors.New("the method is none of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS")
	ErrContentType    = errors.New("the content type has a character in it that no header may have")
)

// restAddress makes the address of a REST call out of "/2.0/…", "2.0/…" or
// "https://api.bitbucket.org/2.0/…". Host and scheme of the outcome are constants of
// this file, whatever came in.
func restAddress(text string) (*url.URL, error) {
	if !isGraphic(text) || strings.ContainsAny(text, `\#`) {
		return nil, ErrPath
	}
	if !hasScheme(text) && !strings.HasPrefix(text, "//") {
		text = "https://" + RESTHost + "/" + strings.TrimPrefix(text, "/")
	}
	given, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, ErrPath
	case given.Scheme != "https" || given.User != nil || !EqualASCII(strings.TrimSuffix(given.Host, ":443"), RESTHost):
		return nil, ErrForeignAddress
	case given.Path != "/2.0" && !strings.HasPrefix(given.Path, "/2.0/"):
		return nil, ErrPath
	}
	// A dot segment, or one behind an escaped slash, may lead a proxy or the site out
	// of /2.0.
	for _, segment := range strings.Split(given.Path, "/") {
		if segment == "." || segment == ".." {
			return nil, ErrPath
		}
	}
	return &url.URL{Scheme: "https", Host: RESTHost, Path: given.Path, RawPath: given.RawPath, RawQuery: given.RawQuery}, nil
}

// hasScheme reports whether text begins with a scheme and "://", which a path or a query
// may hold too.
func hasScheme(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	return found && !strings.ContainsAny(scheme, "/?")
}

// isGraphic reports whether text is ASCII without blanks and control characters.
func isGraphic(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// isMethod leaves out TRACE, whose answer repeats the Authorization header, and CONNECT.
func isMethod(method string) bool {
	return slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, method)
}
