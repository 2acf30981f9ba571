package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store/secret"
)

// The variables with a consumer's key and secret; the secret's may have _FILE behind it.
const (
	clientVariable       = "BITBUCKET_OAUTH_CLIENT_ID"
	clientSecretVariable = "BITBUCKET_OAUTH_CLIENT_SECRET"
)

// isAsked reports whether reading that source runs a command or asks the site.
func isAsked(source string) bool {
	switch source {
	case commandVariable, "--token-command", clientVariable:
		return true
	}
	return false
}

// oauthSource is the consumer that the environment names, by the grant of client
// credentials, or no source. Each get asks for a token of its own: nothing is kept.
func (p *process) oauthSource() helper.Ambient {
	id, set := p.lookup(clientVariable)
	_, inline := p.lookup(clientSecretVariable)
	_, inFile := p.lookup(clientSecretVariable + "_FILE")
	if !set || !inline && !inFile {
		return &ambient{} // the key alone is for login
	}
	return &oauthSource{p, strings.TrimSpace(id)} // a line end comes along from a file
}

type oauthSource struct {
	*process
	id string
}

func (s *oauthSource) Name() string { return clientVariable }

func (s *oauthSource) Token(ctx context.Context) (helper.AmbientToken, error) {
	password, key, err := s.ready()
	if err != nil {
		return helper.AmbientToken{}, err
	}
	client, _, err := s.client(ctx)
	if err != nil {
		return helper.AmbientToken{}, s.notGranted(err)
	}
	grant, err := client.ClientCredentials(ctx, bitbucket.Consumer{ID: s.id, Secret: password}, nil)
	if err != nil {
		if trouble, _, ok := troubleOf(err); ok && trouble != helper.Unreachable {
			err, _ = s.notePause(key, err)
		}
		return helper.AmbientToken{}, s.notGranted(err)
	}
	if seen := s.observations(); seen.Known(key) {
		seen.Forget(key)
	}
	return helper.AmbientToken{Cleaned: bitbucket.Cleaned{Token: grant.Access}, Kind: bitbucket.OAuthToken, Expires: grant.Expires}, nil
}

// ready returns the consumer's secret, and the key of the log of both, or why the site is
// not to be asked with them.
func (s *oauthSource) ready() (password secret.Secret, key string, err error) {
	switch {
	case s.id == "":
		return password, "", &sourceError{clientVariable, "is set but empty", "set it to the consumer's key, or unset it"}
	case !plausibleKey(s.id):
		return password, "", &sourceError{clientVariable, "holds no consumer's key", "copy the key alone again, from Workspace settings → OAuth consumers"}
	}
	if password, err = s.clientSecret(); err != nil {
		return password, "", err
	}
	// Another key or secret has another log, and is tried at once.
	key = secret.New(s.id + " " + password.Fingerprint()).Fingerprint()
	if pause := s.paused(key, false); pause != nil {
		return password, key, s.notGranted(pause)
	}
	return password, key, nil
}

// Holds cannot compare: whatever looks like an OAuth token counts as one of the many that
// the consumer was given.
func (s *oauthSource) Holds(password secret.Secret) bool {
	return bitbucket.KindOf(password) == bitbucket.OAuthToken
}

// clientSecret is the consumer's secret as far as the environment has one.
func (p *process) clientSecret() (secret.Secret, error) {
	read, source := secret.Secret{}, clientSecretVariable
	if value, set := p.lookup(clientSecretVariable); set {
		read = secret.New(value)
	} else if path, set := p.lookup(clientSecretVariable + "_FILE"); set {
		var err error
		source += "_FILE"
		if read, err = readSecretFile(source, path); err != nil {
			return secret.Secret{}, err
		}
	} else {
		return secret.Secret{}, nil
	}
	cleaned, err := bitbucket.Clean(read)
	switch {
	case errors.Is(err, bitbucket.ErrEmptyToken):
		return secret.Secret{}, &sourceError{source, "is set but holds no secret", "set it to the consumer's secret, or unset it"}
	case err != nil:
		return secret.Secret{}, &sourceError{source, "holds no usable secret: " + err.Error(), "set it to the consumer's secret alone"}
	}
	return cleaned.Token, nil
}

// notGranted is why the site gave no token.
func (p *process) notGranted(err error) error {
	var pause *helper.RenewalError
	if errors.As(err, &pause) && !pause.Until.IsZero() {
		wrong := fmt.Sprintf("got no token: %s, and Bitbucket is not asked again until %s", oneLine(pause.Err.Error()), p.moment(pause.Until))
		if pause.Dead {
			return &sourceError{clientVariable, wrong, "check its key and secret among the OAuth consumers in its workspace's settings"}
		}
		return &sourceError{clientVariable, wrong, "try again then"}
	}
	var refusal *bitbucket.OAuthError
	var answer *bitbucket.AnswerError
	switch {
	case bitbucket.IsDeadGrant(err):
		return &sourceError{clientVariable, "got no token: " + oneLine(err.Error()), "check its key and secret among the OAuth consumers in its workspace's settings"}
	case errors.As(err, &refusal), errors.As(err, &answer), errors.Is(err, bitbucket.ErrGrant):
		return &sourceError{clientVariable, "got no token: " + oneLine(err.Error()), "try again later"}
	}
	text, remedy := whyUnreachable(err)
	return &sourceError{clientVariable, "got no token: " + text, remedy}
}
