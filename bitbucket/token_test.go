package bitbucket

import (
	"fmt"
	"hash/crc32"
	"testing"

	"git-credential-bitbucket/store/secret"
)

// made is a token as the site makes them, its checksum at the end.
func made(prefix, body string) string {
	text := prefix + "-made-for-tests-" + body
	return text + fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(text)))
}

func TestKindOf(t *testing.T) {
	for text, want := range map[string]Kind{
		"ATATT3xFf":    APIToken,
		"ATAT":         APIToken,
		"ATCTT3xFf":    AccessToken,
		"ATBBx":        AppPassword,
		"BBDC-x":       DataCenterToken,
		"BBDC":         UnknownKind,
		"eyJh.eyJz.c2": OAuthToken,
		"eyJh.eyJz":    UnknownKind,
		"eyJ.a.b.c":    UnknownKind,
		"xyJh.a.b":     UnknownKind,
		"":             UnknownKind,
		"ATA":          UnknownKind,
		"atat":         UnknownKind,
		" ATAT":        UnknownKind,
		"ATOA":         UnknownKind,
		"xATAT":        UnknownKind,
	} {
		if got := KindOf(secret.New(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestKindWords(t *testing.T) {
	for kind, want := range map[Kind][2]string{
		APIToken:        {"x-bitbucket-api-token-auth", "API token"},
		AccessToken:     {"x-token-auth", "access token"},
		OAuthToken:      {"x-token-auth", "OAuth access token"},
		AppPassword:     {"", "app password"},
		DataCenterToken: {"", "Data Center token"},
		UnknownKind:     {"", "token of unknown kind"},
	} {
		if got := [2]string{kind.GitUsername(), kind.String()}; got != want {
			t.Errorf("%q: %q", string(kind), got)
		}
	}
}

func TestChecksumOf(t *testing.T) {
	whole := made("ATATT", "work")
	for text, want := range map[string]Checksum{
		whole:                    GoodChecksum,
		made("ATCTT", "x"):       GoodChecksum,
		made("ATBB", "x"):        GoodChecksum,
		whole[:len(whole)-1]:     BadChecksum,
		whole[:8] + whole[9:]:    BadChecksum,
		whole + "=":              BadChecksum,
		"ATAT":                   BadChecksum,
		"ATATT3x":                BadChecksum,
		made("BBDC-", "x"):       NoChecksum,
		made("opaque", "x"):      NoChecksum,
		"eyJh.eyJz.c2lnbmF0dXJl": NoChecksum,
		"":                       NoChecksum,
	} {
		if got := ChecksumOf(secret.New(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	// Reckoned by zlib's crc32.
	if got := ChecksumOf(secret.New("ATATabc03969A8E")); got != GoodChecksum {
		t.Errorf("the known one: %d", got)
	}
}
