package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"git-credential-bitbucket/internal/require"
)

// Pass is a real password store with a gpg key of its own.
type Pass struct {
	Env []string // GNUPGHOME and PASSWORD_STORE_DIR: what makes a program use it
	Dir string   // the password store
	cleanup
}

const gpgKey = `Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Subkey-Type: ecdh
Subkey-Curve: cv25519
Subkey-Usage: encrypt
Name-Real: ci
Name-Email: ci@example.invalid
Expire-Date: 0
`

// StartPass makes a key, with a passphrase or with "" none, and sets up pass with it.
// The agent forgets a passphrase at once. Without a count of rounds for hashing one it
// would spend seconds on measuring how many it can do.
func StartPass(passphrase string) (*Pass, error) {
	p := &Pass{}
	if err := p.start(passphrase); err != nil {
		_ = p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Pass) start(passphrase string) error {
	dir, err := p.folder()
	if err != nil {
		return err
	}
	p.Dir = filepath.Join(dir, "store")
	p.Env = []string{"GNUPGHOME=" + dir, "PASSWORD_STORE_DIR=" + p.Dir}
	if err := os.WriteFile(filepath.Join(dir, "gpg-agent.conf"), []byte("max-cache-ttl 0\ns2k-count 65536\ndefault-cache-ttl 0\n"), 0o600); err != nil {
		return err
	}
	p.add(func() error { _, err := p.run("", "gpgconf", "--kill", "all"); return err })
	arguments := []string{"--batch", "--quiet", "--generate-key"}
	key := "%no-protection\n" + gpgKey
	if passphrase != "" {
		key = gpgKey
		arguments = append([]string{"--pinentry-mode", "loopback", "--passphrase", passphrase}, arguments...)
	}
	if _, err := p.run(key+"%commit\n", "gpg", arguments...); err != nil {
		return err
	}
	keys, err := p.run("", "gpg", "--batch", "--list-keys", "--with-colons")
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(keys, "\nfpr:")
	fingerprint, _, _ := strings.Cut(strings.TrimLeft(rest, ":"), ":")
	if _, err := p.run("", "pass", "init", fingerprint); err != nil {
		return err
	}
	_, err = p.run("", "gpgconf", "--kill", "gpg-agent")
	return err
}

func (p *Pass) run(input, program string, arguments ...string) (string, error) {
	cmd := exec.Command(program, arguments...)
	cmd.Env = bare(filepath.Dir(p.Dir), p.Env...)
	cmd.Stdin = strings.NewReader(input)
	var trouble strings.Builder
	cmd.Stderr = &trouble
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", program, err, trouble.String())
	}
	return string(out), err
}

// NewPass is StartPass for a test.
func NewPass(t testing.TB, passphrase string) *Pass {
	t.Helper()
	require.Tool(t, "pass", "gpg", "gpgconf")
	p, err := StartPass(passphrase)
	return started(t, p, err)
}
