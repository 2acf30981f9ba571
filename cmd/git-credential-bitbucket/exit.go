package main

import "git-credential-bitbucket/helper"

// exitStatus is the program's exit status. The numbers are part of its interface.
type exitStatus int

const (
	exitDone         exitStatus = 0   // done, or nothing to say
	exitFailed       exitStatus = 1   // failed
	exitUsage        exitStatus = 2   // wrong usage
	exitNoCredential exitStatus = 3   // no usable credential: dead, ambiguous, set aside
	exitUnusable     exitStatus = 4   // the keyring, or the token's source, cannot be used
	exitUnreachable  exitStatus = 5   // Bitbucket unreachable
	exitDue          exitStatus = 6   // something is found, or due
	exitInterrupted  exitStatus = 130 // by the person
)

func exitOf(outcome helper.Outcome) exitStatus {
	switch outcome {
	case helper.Done:
		return exitDone
	case helper.NoCredential:
		return exitNoCredential
	case helper.SourceFailed:
		return exitUnusable
	}
	return exitFailed
}
