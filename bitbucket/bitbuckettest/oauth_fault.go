package bitbuckettest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// checkOAuth completes a fault that concerns OAuth and says what is wrong with it.
func (f *Fault) checkOAuth() error {
	altersReply := faultKinds[f.Kind].requests == replies
	if altersReply || f.Grant != "" {
		if f.At == "" || f.At == atOAuth {
			f.At = atToken
		}
		if f.At != atToken {
			return errors.New("strikes at token alone")
		}
	}
	switch {
	case f.Kind == "revoke" && slices.Contains([]string{atOAuth, atAuthorize, atToken}, f.At):
		return errors.New("strikes git, LFS and REST alone")
	case f.Grant != "" && !slices.Contains(grantTypes, f.Grant):
		return fmt.Errorf("grant %q: want one of %s", f.Grant, strings.Join(grantTypes, ", "))
	case f.Kind == "missing" && f.Field == "":
		f.Field = "access_token"
	case f.Kind == "odd" && (f.Field == "" || !json.Valid([]byte(f.Value))):
		return errors.New("want field=NAME and value=JSON")
	case f.Kind == "big" && f.At == atToken:
		f.Requests = replies
	}
	return nil
}

// fitsPlace keeps faults that strike logins from OAuth unless they name it: a refused login there is another matter
// than one at git's door, where such a fault is meant to strike.
func (f *activeFault) fitsPlace(goal target) bool {
	oauth := goal.at == atAuthorize || goal.at == atToken
	switch {
	case f.Grant != "" && f.Grant != goal.grant:
		return false
	case f.At == "":
		return !oauth || f.Requests != Logins
	}
	return f.At == goal.at || f.At == atOAuth && oauth
}
