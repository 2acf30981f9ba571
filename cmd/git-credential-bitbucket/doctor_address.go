package main

import (
	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store/secret"
)

// kindWords says what a secret is, as far as it shows that.
func kindWords(s secret.Secret) string {
	kind := bitbucket.KindOf(s)
	switch kind {
	case bitbucket.UnknownKind:
		return "a password or token"
	case bitbucket.APIToken, bitbucket.AccessToken, bitbucket.OAuthToken, bitbucket.AppPassword:
		return "an " + kind.String()
	}
	return "a " + kind.String()
}
