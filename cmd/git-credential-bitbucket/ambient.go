package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store/secret"
)

// sourceError says what is wrong with a source of a token or passphrase, and what to
// do about it. It never holds what the source gave.
type sourceError struct{ source, wrong, remedy string }

func (e *sourceError) Error() string { return e.source + " " + e.wrong }

// variables hold a token in CI systems; each may be had with _FILE behind it. Its
// kind is read off the token, and from this table only where that tells nothing.
var variables = []struct {
	name string
	kind bitbucket.Kind
}{
	{"BITBUCKET_API_TOKEN", bitbucket.APIToken},
	{"BITBUCKET_ACCESS_TOKEN", bitbucket.AccessToken},
	{"BITBUCKET_TOKEN", bitbucket.APIToken},
}

const commandVariable = "BITBUCKET_TOKEN_COMMAND"

// ambient is the first source outside the stored accounts that is set.
type ambient struct {
	name string
	kind bitbucket.Kind
	read func(context.Context) (secret.Secret, error)
	slow bool   // reading it runs a command
	line string // that command
}

// ambient finds the source; commandFlag is nil without --token-command.
func (p *process) ambient(commandFlag *string) helper.Ambient {
	if commandFlag != nil {
		return p.tokenCommand("--token-command", *commandFlag)
	}
	if command, set := p.lookup(commandVariable); set {
		return p.tokenCommand(commandVariable, command)
	}
	for _, variable := range variables {
		if value, set := p.lookup(variable.name); set {
			return &ambient{name: variable.name, kind: variable.kind, read: func(context.Context) (secret.Secret, error) {
				return secret.New(value), nil
			}}
		}
		if path, set := p.lookup(variable.name + "_FILE"); set {
			return &ambient{name: variable.name + "_FILE", kind: variable.kind, read: func(context.Context) (secret.Secret, error) {
				return readSecretFile(variable.name+"_FILE", path)
			}}
		}
	}
	return p.oauthSource()
}

func (p *process) tokenCommand(source, command string) helper.Ambient {
	return &ambient{name: source, kind: bitbucket.APIToken, slow: true, line: command, read: func(ctx context.Context) (secret.Secret, error) {
		return p.runTokenCommand(ctx, source, command)
	}}
}

func (a *ambient) Name() string { return a.name }

func (a *ambient) Token(ctx context.Context) (helper.AmbientToken, error) {
	raw, err := a.read(ctx)
	if err != nil {
		return helper.AmbientToken{}, err
	}
	cleaned, err := bitbucket.Clean(raw)
	switch {
	case errors.Is(err, bitbucket.ErrEmptyToken) && a.slow:
		return helper.AmbientToken{}, &sourceError{a.name, "printed no token", "run the command by hand to see why"}
	case err != nil && a.slow:
		return helper.AmbientToken{}, &sourceError{a.name, "printed no usable token: " + err.Error(), "let the command print the token alone"}
	case errors.Is(err, bitbucket.ErrEmptyToken):
		return helper.AmbientToken{}, &sourceError{a.name, "is set but holds no token", "set it to a token, or unset it"}
	case err != nil:
		return helper.AmbientToken{}, &sourceError{a.name, "holds no usable token: " + err.Error(), "set it to the token alone"}
	}
	return a.described(cleaned), nil
}

func (a *ambient) described(cleaned bitbucket.Cleaned) helper.AmbientToken {
	token := helper.AmbientToken{Cleaned: cleaned, Kind: bitbucket.KindOf(cleaned.Token), Command: a.slow}
	if token.Kind == bitbucket.UnknownKind {
		token.Kind, token.Guessed = a.kind, true
	}
	return token
}

func (a *ambient) Holds(password secret.Secret) bool {
	if a.name == "" || a.slow {
		return false
	}
	token, err := a.Token(context.Background())
	return err == nil && token.Token.Equal(password)
}

// secretFileWait is how long a file of a secret may take: it can be a pipe.
const secretFileWait = 10 * time.Second

// readSecretFile reads the file that the variable source names.
func readSecretFile(source, path string) (secret.Secret, error) {
	if !filepath.IsAbs(path) {
		return secret.Secret{}, &sourceError{source, "names no absolute path", "give it the file's whole path"}
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		file, err := os.Open(path)
		if err != nil {
			done <- result{err: err}
			return
		}
		defer file.Close()
		data, err := io.ReadAll(io.LimitReader(file, bitbucket.MaxToken+1))
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return secret.Secret{}, &sourceError{source, fmt.Sprintf("names a file that cannot be read: %v", cause(r.err)), "check the path and its permissions"}
		}
		if len(r.data) == 0 {
			return secret.Secret{}, &sourceError{source, "names an empty file", "put the secret in it, or unset the variable"}
		}
		return secret.New(string(r.data)), nil
	case <-time.After(secretFileWait):
		return secret.Secret{}, &sourceError{source, fmt.Sprintf("names a file that gave nothing within %s", secretFileWait), "check what writes it"}
	}
}

// cause is what the system said, without the path.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
