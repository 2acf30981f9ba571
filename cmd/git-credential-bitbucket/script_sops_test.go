package main

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// sopsStandIn is as much of sops as a token takes: "sops decrypt --extract '["NAME"]' FILE"
// for a YAML file with values at its top and one age key, by the real age. The format is
// https://github.com/getsops/sops#encryption-protocol; what it says, and its exit
// statuses, are those of sops 3.13.3.
func sopsStandIn() {
	status, err := decryptSops(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

var (
	sopsPath  = regexp.MustCompile(`^\["([a-z]+)"\]$`)
	sopsValue = `(?m)^%s: ENC\[AES256_GCM,data:([^,]*),iv:([^,]*),tag:([^,]*),type:str\]$`
	sopsKey   = regexp.MustCompile(`(?s)-----BEGIN AGE ENCRYPTED FILE-----.*?-----END AGE ENCRYPTED FILE-----`)
)

func decryptSops(args []string) (status int, err error) {
	if len(args) != 4 || args[0] != "decrypt" || args[1] != "--extract" {
		return 1, fmt.Errorf("flag provided but not defined: %q", args)
	}
	path := sopsPath.FindStringSubmatch(args[2])
	if path == nil {
		return 1, fmt.Errorf("error truncating tree: %s is no path", args[2])
	}
	data, err := os.ReadFile(args[3])
	if err != nil {
		return 100, fmt.Errorf("Error: cannot operate on non-existent file %q", args[3])
	}
	identities := os.Getenv("SOPS_AGE_KEY_FILE")
	if identities == "" {
		identities = filepath.Join(os.Getenv("HOME"), ".config", "sops", "age", "keys.txt")
	}
	unwrap := exec.Command("age", "--decrypt", "--identity", identities)
	armored := strings.ReplaceAll(sopsKey.FindString(string(data)), "            ", "")
	unwrap.Stdin = strings.NewReader(armored + "\n")
	key, err := unwrap.Output()
	if err != nil {
		return 128, fmt.Errorf("Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED")
	}
	found := regexp.MustCompile(fmt.Sprintf(sopsValue, path[1])).FindStringSubmatch(string(data))
	if found == nil {
		return 1, fmt.Errorf("error truncating tree: component ['%s'] not found", path[1])
	}
	var parts [3][]byte // the text, the nonce, the tag
	for i := range parts {
		if parts[i], err = base64.StdEncoding.DecodeString(found[i+1]); err != nil {
			return 25, err
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return 25, err
	}
	sealed, err := cipher.NewGCMWithNonceSize(block, len(parts[1]))
	if err != nil {
		return 25, err
	}
	text, err := sealed.Open(nil, parts[1], append(parts[0], parts[2]...), []byte(path[1]+":"))
	if err != nil {
		return 25, fmt.Errorf("Error decrypting tree: Error walking tree: Could not decrypt value: %w", err)
	}
	fmt.Print(string(text)) // no line feed follows
	return 0, nil
}
