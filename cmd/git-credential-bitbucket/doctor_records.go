package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// checkRecords looks at the places of the accounts, the observations and the history.
func checkRecords(_ context.Context, e *examination) []finding {
	if e.configDir() == "" {
		return []finding{{levelProblem, "home", "there is no home directory to keep accounts in", "set HOME"}}
	}
	var found []finding
	path := e.accounts().Path()
	found = append(found, privateFindings(filepath.Dir(path), "the folder of the accounts")...)
	found = append(found, privateFindings(path, "the file of the accounts")...)
	if err := e.observations().Writable(); err != nil {
		found = append(found, finding{levelProblem, "state-unwritable", "what is seen of tokens is not kept where it should be: " + err.Error(), "make " + e.stateDir() + " writable"})
	}
	if _, err := e.process.history().Read(); err != nil {
		found = append(found, finding{levelNote, "history-unreadable", "the history cannot be read: " + err.Error(), "make " + e.stateDir() + " readable"})
	}
	if len(found) == 0 {
		found = append(found, finding{levelOK, "records", "the records can be read and written: " + path, ""})
	}
	return found
}

// privateFindings looks whether a file or folder is the person's alone.
func privateFindings(path, what string) []finding {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return nil
	}
	owner, known := ownerOf(info)
	switch mode := info.Mode().Perm(); {
	case known && owner != os.Getuid():
		return []finding{{levelProblem, "records-foreign", fmt.Sprintf("%s, %s, belongs to another user", what, path), fmt.Sprintf("type: sudo chown %d %s", os.Getuid(), shellWord(path))}}
	case mode&0o022 != 0:
		return []finding{{levelProblem, "records-open", fmt.Sprintf("others can write %s, %s, and so choose where tokens go", what, path), "type: chmod go-rwx " + shellWord(path)}}
	case mode&0o044 != 0 && !info.IsDir():
		return []finding{{levelNote, "records-open", fmt.Sprintf("others can read %s, %s: e-mail addresses, and no tokens, stand in it", what, path), "type: chmod go-rwx " + shellWord(path)}}
	case mode&fs.FileMode(0o600) != 0o600:
		return []finding{{levelProblem, "records-locked", fmt.Sprintf("%s, %s, cannot be read and written by its owner", what, path), "type: chmod u+rw " + shellWord(path)}}
	}
	return nil
}
