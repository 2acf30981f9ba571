package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

const longestName = 150 // leaves room for prefixes and ".gpg" below NAME_MAX

// entryName turns any key into a file name that is legal everywhere, Windows and
// file systems without case included, and different for different keys: what an
// account's name consists of stays readable. Neither library does so: "../x" escapes
// pass's folder, ':' is no file name on Windows (99designs/aws-vault#775).
func entryName(key string) string {
	var name strings.Builder
	for i := range len(key) {
		c := key[i]
		plain := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '#' ||
			(c == '-' || c == '.') && 0 < i && i < len(key)-1
		if plain {
			name.WriteByte(c)
		} else {
			fmt.Fprintf(&name, "=%02x", c)
		}
	}
	if name.Len() > longestName {
		sum := sha256.Sum256([]byte(key))
		return "=sha256-" + hex.EncodeToString(sum[:])
	}
	return name.String()
}
