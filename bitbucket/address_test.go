package bitbucket

import (
	"errors"
	"testing"
)

func TestRESTAddress(t *testing.T) {
	for text, want := range map[string]string{
		"/2.0/user": "https://api.bitbucket.org/2.0/user",
		"2.0/user":  "https://api.bitbucket.org/2.0/user",
		"/2.0":      "https://api.bitbucket.org/2.0",
		"/2.0/repositories/acme?page=2&q=name~%22a%22":          "https://api.bitbucket.org/2.0/repositories/acme?page=2&q=name~%22a%22",
		"/2.0/repositories?q=updated_on>2026&back=https://x/..": "https://api.bitbucket.org/2.0/repositories?q=updated_on>2026&back=https://x/..",
		"/2.0/a/b/refs/branches/feature%2Fx":                    "https://api.bitbucket.org/2.0/a/b/refs/branches/feature%2Fx",
		"/2.0/a/b/src/main/x://y":                               "https://api.bitbucket.org/2.0/a/b/src/main/x://y",
		"2.0/://":                                               "https://api.bitbucket.org/2.0/://",
		"2.0?q=://":                                             "https://api.bitbucket.org/2.0?q=://",
		"/2.0//evil.example/":                                   "https://api.bitbucket.org/2.0//evil.example/",
		"https://api.bitbucket.org/2.0/user":                    "https://api.bitbucket.org/2.0/user",
		"https://api.bitbucket.org:443/2.0/user?a=b":            "https://api.bitbucket.org/2.0/user?a=b",
		"HTTPS://API.Bitbucket.ORG/2.0/user":                    "https://api.bitbucket.org/2.0/user",
	} {
		got, err := restAddress(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]error{
		"https://evil.example/2.0/user":                     ErrForeignAddress,
		"//evil.example/2.0/user":                           ErrForeignAddress,
		"//api.bitbucket.org/2.0/user":                      ErrForeignAddress,
		"http://api.bitbucket.org/2.0/user":                 ErrForeignAddress,
		"https://bitbucket.org/2.0/user":                    ErrForeignAddress,
		"https://api.bitbucket.org@evil.example/2.0/user":   ErrForeignAddress,
		"https://evil.example@api.bitbucket.org/2.0/user":   ErrForeignAddress,
		"https://user:secret@api.bitbucket.org/2.0/user":    ErrForeignAddress,
		"https://api.bitbucket.org:444/2.0/user":            ErrForeignAddress,
		"https://api.bitbucket.org:/2.0/user":               ErrForeignAddress,
		"https://api.bitbucket.org./2.0/user":               ErrForeignAddress,
		"https://api.bitbucket.org.evil.example/2.0/user":   ErrForeignAddress,
		"https://api.bitbucket.org%2eevil.example/2.0/user": ErrPath,
		"https:api.bitbucket.org/2.0/user":                  ErrPath,
		"https:///2.0/user":                                 ErrForeignAddress,
		"https://[::1]/2.0/user":                            ErrForeignAddress,
		"https://api.bitbuc\u212aet.org/2.0/user":           ErrPath,
		`https://evil.example\@api.bitbucket.org/2.0/user`:  ErrPath,
		`https://api.bitbucket.org\.evil.example/2.0/user`:  ErrPath,
		"https://api.bitbucket.org/2.0/user#fragment":       ErrPath,
		"https://api.bitbucket.org":                         ErrPath,
		"https://api.bitbucket.org/1.0/user":                ErrPath,
		"":                                                  ErrPath,
		"/":                                                 ErrPath,
		"/user":                                             ErrPath,
		"://api.bitbucket.org/2.0/user":                     ErrPath,
		"x/https://api.bitbucket.org/2.0/user":              ErrPath,
		"?://api.bitbucket.org/2.0/user":                    ErrPath,
		"@evil.example/2.0/user":                            ErrPath,
		":444/2.0/user":                                     ErrPath,
		"/2.0.evil.example/":                                ErrPath,
		"/2.0/../site/oauth2/access_token":                  ErrPath,
		"/2.0/../..":                                        ErrPath,
		"/2.0/%2e%2E/x":                                     ErrPath,
		"/2.0/a%2f..%2f..%2fx":                              ErrPath,
		"/2.0/./user":                                       ErrPath,
		"/2.0/user HTTP/1.1":                                ErrPath,
		"/2.0/user\r\nHost: evil.example":                   ErrPath,
		"/2.0/user\x00":                                     ErrPath,
		"/2.0/caf\u00e9":                                    ErrPath,
		"/2.0/%zz":                                          ErrPath,
	} {
		if got, err := restAddress(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
