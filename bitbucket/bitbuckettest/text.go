package bitbuckettest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// The beginnings of the kinds. Atlassian vouches for the first four letters alone.
const (
	prefixAPI    = "ATATT3xFfGF0"
	prefixAccess = "ATCTT3xFfGN0"
	prefixApp    = "ATBB"
)

// APIToken is the text of an API token as Atlassian makes them, always the same for a seed:
// prefix, 171 characters, "=" and the CRC-32 of all before.
func APIToken(seed string) string { return summed(prefixAPI + body("api "+seed, 171) + "=") }

// AccessToken is the text of a repository, project or workspace access token.
func AccessToken(seed string) string { return summed(prefixAccess + body("access "+seed, 171) + "=") }

// AppPassword is the text of an app password: prefix, 24 letters and digits, CRC-32.
func AppPassword(seed string) string {
	alphanumeric := strings.NewReplacer("-", "x", "_", "y")
	return summed(prefixApp + alphanumeric.Replace(body("app "+seed, 24)))
}

// OAuthToken is an access token of 2,200 characters in the form of a JWT, as Bitbucket gives since 2026-05.
func OAuthToken(seed string) string { return likeJWT(seed, 2200) }

// likeJWT has the form of a JWT and so many characters, at least 600.
func likeJWT(seed string, size int) string {
	const signature = 342
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims := size - len(head) - signature - len("..")
	return head + "." + "eyJ" + body("claims "+seed, claims-len("eyJ")) + "." + body("signature "+seed, signature)
}

// textFor makes the text of a token that was named and not given one.
func textFor(kind Kind, seed string) (string, error) {
	switch kind {
	case KindAPI:
		return APIToken(seed), nil
	case KindRepository, KindProject, KindWorkspace:
		return AccessToken(string(kind) + " " + seed), nil
	case KindOAuth:
		return OAuthToken(seed), nil
	case KindAppPassword:
		return AppPassword(seed), nil
	}
	return "", fmt.Errorf("no kind of token %q: want api, repository, project, workspace, oauth or app", kind)
}

// kindOf recognises a token by its first letters, "" if there is nothing to recognise.
func kindOf(text string) Kind {
	switch {
	case strings.HasPrefix(text, "ATAT"):
		return KindAPI
	case strings.HasPrefix(text, "ATCT"):
		return KindWorkspace
	case strings.HasPrefix(text, prefixApp):
		return KindAppPassword
	}
	return ""
}

// body is n characters of [A-Za-z0-9_-] that look random and depend on the seed alone.
func body(seed string, n int) string {
	var text strings.Builder
	for i := uint32(0); text.Len() < n; i++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("bitbuckettest "+seed), i))
		text.WriteString(base64.RawURLEncoding.EncodeToString(block[:30]))
	}
	return text.String()[:n]
}

// uuid is in the form that Bitbucket gives them, braces included.
func uuid(seed string) string {
	sum := sha256.Sum256([]byte("bitbuckettest uuid " + seed))
	return fmt.Sprintf("{%x-%x-%x-%x-%x}", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func summed(text string) string {
	return fmt.Sprintf("%s%08X", text, crc32.ChecksumIEEE([]byte(text)))
}
