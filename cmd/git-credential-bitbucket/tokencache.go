package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

const (
	cacheFlag     = "--token-command-cache"
	cacheVariable = "BITBUCKET_TOKEN_COMMAND_CACHE"
)

// cachedCommand is a token command whose output the kernel's keyring keeps for a while.
type cachedCommand struct {
	*ambient
	life   time.Duration
	key    string
	memory *store.Memory
	seen   *store.Observations
}

// cached is the source, or where it is a command that is to be cached one that asks the
// kernel's keyring first. Only git's calls do: a person's command tests the source.
func (p *process) cached(source helper.Ambient, flag *string, seen *store.Observations) helper.Ambient {
	command, ok := source.(*ambient)
	if !ok || !command.slow {
		return source
	}
	life, err := p.cacheLife(flag)
	switch {
	case err != nil:
		return &ambient{name: command.name, slow: true, read: func(context.Context) (secret.Secret, error) { return secret.Secret{}, err }}
	case life == 0:
		return source
	}
	return &cachedCommand{command, life, cacheKey(life, command.line, container(), p.home(), p.childEnviron()), p.memory(), seen}
}

// cacheLife is how long a token command's output is kept; 0: not at all.
func (p *process) cacheLife(flag *string) (time.Duration, error) {
	name, text := cacheFlag, ""
	if flag != nil {
		text = *flag
	} else {
		name, text = cacheVariable, p.env(cacheVariable)
	}
	if text == "" {
		return 0, nil
	}
	life, err := time.ParseDuration(text)
	if err != nil || life < 0 || life > store.MemoryMost || life > 0 && life < time.Second {
		return 0, &sourceError{name, "is no time of 1s to 1h", "set it to 10m, for instance, or to 0"}
	}
	return life, nil
}

func (p *process) memory() *store.Memory { return store.OpenMemory(p.stateDir(), p.observations()) }

// managers begin the names of the variables by which secret managers' programs know whom
// to ask, and as whom: another value may mean another token.
var managers = []string{"AWS_", "AZURE_", "BW_", "BWS_", "CLOUDSDK_", "CREDENTIALS_DIRECTORY=", "DOPPLER_", "GNUPGHOME=", "GOOGLE_", "INFISICAL_", "KUBECONFIG=", "OP_", "PASSWORD_STORE_DIR=", "SOPS_", "VAULT_", "BAO_", "XDG_CONFIG_HOME="}

// container tells containers apart that share a kernel and a user, and with that the keyring,
// which knows no containers: the same command may be another there.
func container() string {
	mounts, _ := os.Readlink("/proc/self/ns/mnt")
	host, _ := os.Hostname() // the kernel uses the numbers of a container again that is gone
	return mounts + " " + host
}

// named finds the variables that a command names.
var named = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{?[#!]?([A-Za-z_][A-Za-z0-9_]*)`) })

// cacheKey stands for the command as this user runs it in this container, with the time for
// which it is kept, so that nobody gets an older one than he asked for: a hash, for the command
// may hold a secret.
func cacheKey(life time.Duration, command, container, home string, environ []string) string {
	hash := sha256.New()
	add := func(part string) { fmt.Fprintf(hash, "%d:%s", len(part), part) }
	add(fmt.Sprint(os.Getuid()))
	add(life.String())
	add(container)
	add(home)
	add(command)
	var uses []string
	for _, name := range named().FindAllStringSubmatch(command, -1) {
		uses = append(uses, name[1])
	}
	environ = slices.Clone(environ)
	slices.Sort(environ)
	for _, line := range environ {
		name, _, _ := strings.Cut(line, "=")
		if slices.Contains(uses, name) || slices.ContainsFunc(managers, func(prefix string) bool { return strings.HasPrefix(line, prefix) }) {
			add(line)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// Token is the kept one, or the command's. Of the processes that find none one runs the
// command, and the others wait for it once: where it then gave nothing, they do as
// without a cache.
func (c *cachedCommand) Token(ctx context.Context) (helper.AmbientToken, error) {
	token, err := c.kept()
	if err == nil {
		return token, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return c.ambient.Token(ctx)
	}
	unlock, waited := c.memory.Turn(ctx, c.key, commandLimit)
	if token, err := c.kept(); err == nil {
		if unlock != nil {
			unlock()
		}
		return token, nil
	}
	switch {
	case unlock != nil && waited:
		unlock()
	case unlock != nil:
		defer unlock()
	}
	if token, err = c.ambient.Token(ctx); err == nil && c.worthKeeping(token) {
		_ = c.memory.Set(c.key, token.Token, c.life)
	}
	return token, err
}

// kept is what the keyring has. A token that Bitbucket refused is as good as none: the
// manager may have a newer one.
func (c *cachedCommand) kept() (helper.AmbientToken, error) {
	raw, err := c.memory.Get(c.key)
	if err != nil {
		return helper.AmbientToken{}, err
	}
	token := c.described(bitbucket.Cleaned{Token: raw})
	if !c.worthKeeping(token) {
		return helper.AmbientToken{}, store.ErrNotFound
	}
	return token, nil
}

func (c *cachedCommand) worthKeeping(token helper.AmbientToken) bool {
	return token.Kind.GitUsername() != "" && bitbucket.ChecksumOf(token.Token) != bitbucket.BadChecksum &&
		!c.seen.Read(token.Token.Fingerprint()).Refused()
}

// dropKept removes the token from the cache, whoever put it there; with the zero Secret
// what the source has there.
func (p *process) dropKept(source helper.Ambient, token secret.Secret) {
	if !token.IsZero() {
		_ = p.memory().Drop(token)
	} else if c, ok := source.(*cachedCommand); ok {
		_ = c.memory.Forget(c.key)
	}
}

// cacheReport says whether the output of the token command is kept between gets.
type cacheReport struct {
	Seconds int    `json:"seconds"`
	Error   string `json:"error,omitempty"` // why it is not
}

// cacheReport is nil where no cache is asked for.
func (p *process) cacheReport(flag *string) *cacheReport {
	life, err := p.cacheLife(flag)
	switch {
	case err != nil:
		return &cacheReport{Error: err.Error()}
	case life == 0:
		return nil
	}
	if err := p.memory().Usable(); err != nil {
		return &cacheReport{Error: noCache(err)}
	}
	return &cacheReport{Seconds: int(life / time.Second)}
}

func noCache(err error) string {
	if errors.Is(err, store.ErrAbsent) {
		return "there is no kernel keyring to be had here"
	}
	return "the kernel's keyring takes nothing: " + oneLine(err.Error())
}
