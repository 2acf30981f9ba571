package main

import "git-credential-bitbucket/store"

// How the file backend's files are locked.
const (
	protectedByPassphrase  = "passphrase"
	protectedByPermissions = "file permissions"
)

// permissionsOnly says what an account's file is worth without a passphrase, and how to
// give it one.
func permissionsOnly(account string) string {
	return "only file permissions protect the encrypted file: its key lies beside it; to lock it: set BITBUCKET_CREDENTIAL_PASSPHRASE_FILE, then type: " +
		storeCommand(store.Account{Name: account}) + " --backend " + store.BackendFile
}

// fileProtection is one of the constants above, "" where it cannot be told.
func (p *process) fileProtection(account string) string {
	byPassphrase, err := store.FileProtection(p.backendConfig(), account)
	switch {
	case err != nil:
		return ""
	case byPassphrase:
		return protectedByPassphrase
	}
	return protectedByPermissions
}

// sayFileLock says plainly what a stored file is worth.
func (p *process) sayFileLock(account string) {
	if p.fileProtection(account) == protectedByPermissions {
		p.say(asWarning, "%s", permissionsOnly(account))
	}
}

// lockedByPassphrase reports whether it is a passphrase that opens the account's file,
// or would open one that is to be stored.
func (p *process) lockedByPassphrase(account string) bool {
	given := p.env(passphraseVariable) != "" || p.env(passphraseVariable+"_FILE") != ""
	return given && p.fileProtection(account) != protectedByPermissions
}
