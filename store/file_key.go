package store

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/crypto/argon2"

	"git-credential-bitbucket/store/secret"
)

const (
	keyName     = "key"
	keySize     = 32
	stretchName = "argon2id"
)

// keyFile is the password that the key file holds; fs.ErrNotExist without one. A key
// that others can read is refused rather than set right in silence: it may have been
// read.
func (f *fileStore) keyFile() (string, error) {
	path := filepath.Join(f.dir, keyName)
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return "", because(ErrRefused, fmt.Sprintf("the key file %s is open to others (mode %04o)", path, info.Mode().Perm()))
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if len(key) != keySize {
		return "", because(ErrDamaged, fmt.Sprintf("the key file %s has %d bytes, not %d", path, len(key), keySize))
	}
	return base64.StdEncoding.EncodeToString(key), nil
}

// makeKeyFile is called under the lock, when there is none.
func (f *fileStore) makeKeyFile() (lockup, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	password := base64.StdEncoding.EncodeToString(key)
	path := filepath.Join(f.dir, keyName)
	removeTemps(path)
	return lockup{prefix: byKeyFile, password: password}, writeFileAtomic(path, key, 0o600)
}

// A stretch says how the passphrase becomes a password for the library.
type stretch struct {
	Memory uint32 `json:"memory"` // KiB
	Time   uint32 `json:"time"`   // passes
	Lanes  uint8  `json:"lanes"`
	Salt   []byte `json:"salt"`
	Check  []byte `json:"check"` // tells a wrong passphrase from a damaged entry
}

// usual is the first configuration for argon2id in the OWASP Password Storage Cheat
// Sheet: 19 MiB, two passes, one lane. It takes 20 ms.
var usual = stretch{Memory: 19 << 10, Time: 2, Lanes: 1}

// sane keeps a damaged file from asking for more than 1 GiB or a minute.
func (s stretch) sane() bool {
	return s.Memory <= 1<<20 && 1 <= s.Time && s.Time <= 32 && s.Lanes >= 1 && len(s.Check) == keySize
}

// derive makes the password and the check, which are independent of each other:
// halves of one output of argon2id.
func (s stretch) derive(passphrase secret.Secret) (password string, check []byte) {
	both := argon2.IDKey([]byte(passphrase.Reveal()), s.Salt, s.Time, s.Memory, s.Lanes, 2*keySize)
	return base64.StdEncoding.EncodeToString(both[:keySize]), both[keySize:]
}

// stretched is the password that the passphrase gives, and the file that says how;
// ErrRefused where it is not the one, fs.ErrNotExist where none was ever used.
func (f *fileStore) stretched(passphrase secret.Secret) (password string, text []byte, err error) {
	path := filepath.Join(f.dir, stretchName)
	text, err = os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	var s stretch
	if err := json.Unmarshal(text, &s); err != nil || !s.sane() {
		return "", nil, because(ErrDamaged, "the file "+path)
	}
	password, check := s.derive(passphrase)
	if subtle.ConstantTimeCompare(check, s.Check) != 1 {
		return "", nil, because(ErrRefused, "the passphrase is wrong")
	}
	return password, text, nil
}

// makeStretch takes up a first passphrase, or another one once nothing is locked with
// the former. It is called under the lock.
func (f *fileStore) makeStretch(passphrase secret.Secret) (lockup, error) {
	s := usual
	s.Salt = make([]byte, 16)
	_, _ = rand.Read(s.Salt)
	password, check := s.derive(passphrase)
	s.Check = check
	text, err := json.Marshal(s)
	if err != nil {
		return lockup{}, err
	}
	path := filepath.Join(f.dir, stretchName)
	removeTemps(path)
	return lockup{byPassphrase, password, text}, writeFileAtomic(path, text, 0o600)
}
