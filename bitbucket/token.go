// Package bitbucket knows Bitbucket Cloud: which kinds of token it has, which
// username git needs with each, and what people paste when they mean a token.
//
// It is the only package of the program that talks to the site: Client asks the few
// things that only the site knows.
package bitbucket

import (
	"hash/crc32"
	"strconv"
	"strings"

	"git-credential-bitbucket/store/secret"
)

// Host is the one host that a credential is given for.
const Host = "bitbucket.org"

// TokenPage is where a user makes and revokes API tokens.
const TokenPage = "https://id.atlassian.com/manage-profile/security/api-tokens"

// AppPasswordsEnded is the day from which the site answers 410 to every app
// password (Atlassian's CHANGE-3222).
const AppPasswordsEnded = "2026-07-28"

// Kind is a kind of credential.
type Kind string

const (
	UnknownKind     Kind = ""
	APIToken        Kind = "api-token"         // of a user; REST wants their e-mail with it
	AccessToken     Kind = "access-token"      // of a repository, project or workspace
	OAuthToken      Kind = "oauth"             // an OAuth 2.0 access token
	AppPassword     Kind = "app-password"      // dead since AppPasswordsEnded
	DataCenterToken Kind = "data-center-token" // another product's: never sent
)

// GitUsername is the username that git has to send with a token of this kind, ""
// for a kind that the site does not take. Atlassian: "Using API tokens" and "Using
// access tokens" in Bitbucket's support pages; an e-mail answers 401.
func (k Kind) GitUsername() string {
	switch k {
	case APIToken:
		return "x-bitbucket-api-token-auth"
	case AccessToken, OAuthToken:
		return "x-token-auth"
	}
	return ""
}

func (k Kind) String() string {
	switch k {
	case APIToken:
		return "API token"
	case AccessToken:
		return "access token"
	case OAuthToken:
		return "OAuth access token"
	case AppPassword:
		return "app password"
	case DataCenterToken:
		return "Data Center token"
	}
	return "token of unknown kind"
}

// KindOf reads the kind off the token's beginning. Atlassian vouches for the first
// four letters alone. A JWT is taken for an OAuth token, as the site has issued them
// since May 2026. Anything else is UnknownKind.
func KindOf(token secret.Secret) Kind {
	text := token.Reveal()
	for _, known := range []struct {
		prefix string
		kind   Kind
	}{{"ATAT", APIToken}, {"ATCT", AccessToken}, {"ATBB", AppPassword}, {"BBDC-", DataCenterToken}} {
		if strings.HasPrefix(text, known.prefix) {
			return known.kind
		}
	}
	if strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2 {
		return OAuthToken
	}
	return UnknownKind
}

// Checksum says what the eight hex digits at a token's end tell.
type Checksum int

const (
	NoChecksum   Checksum = iota // a kind without one
	GoodChecksum                 // the token is whole
	BadChecksum                  // probably cut off or mistyped
)

// ChecksumOf compares the last eight characters of an ATAT, ATCT or ATBB token with
// the CRC-32 (IEEE, upper-case hex) of all before them. Users found this out;
// Atlassian does not promise it, so a bad one is a reason to warn, never to refuse.
func ChecksumOf(token secret.Secret) Checksum {
	switch KindOf(token) {
	case APIToken, AccessToken, AppPassword:
	default:
		return NoChecksum
	}
	const digits = 8
	text := token.Reveal()
	body, sum := text[:max(0, len(text)-digits)], text[max(0, len(text)-digits):]
	want, err := strconv.ParseUint(sum, 16, 32)
	if err != nil || sum != strings.ToUpper(sum) || uint32(want) != crc32.ChecksumIEEE([]byte(body)) {
		return BadChecksum
	}
	return GoodChecksum
}
