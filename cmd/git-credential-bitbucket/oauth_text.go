package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// grantsPage is where a person sees and revokes what they granted to OAuth consumers.
const grantsPage = "https://" + bitbucket.Host + "/account/settings/app-authorizations/"

// loginCommand is how the account gets another grant.
func loginCommand(a store.Account) string {
	command := withAccount("git-credential-bitbucket login", a)
	if a.Grant != "" && a.Grant != store.GrantCode {
		command += " --grant " + oneLine(a.Grant)
	}
	if a.Asked != "" {
		command += " --scopes " + shellWord(oneLine(a.Asked))
	}
	return command
}

// whyNotRenewed says what keeps an OAuth account from another token, and what to do.
func (p *process) whyNotRenewed(err error, a store.Account) string {
	what := "the token of account " + a.Name
	var renewal *helper.RenewalError
	var refusal *bitbucket.OAuthError
	var answer *bitbucket.AnswerError
	var unwritable *unwritableError
	var unkept *unkeptError
	switch {
	case errors.As(err, &unkept):
		return "the new refresh token of account " + a.Name + " is not kept: " + p.whyUnusable(unkept.err, a)
	case !errors.As(err, &renewal):
		return p.whyUnusable(err, a)
	case renewal.Dead && renewal.Until.IsZero():
		return fmt.Sprintf("%s cannot be renewed: %s; type: %s", what, oneLine(renewal.Err.Error()), loginCommand(a))
	case renewal.Dead:
		why := ""
		if errors.As(err, &refusal) {
			why = " (" + oneLine(refusal.Code) + ")"
		}
		return fmt.Sprintf("Bitbucket renews %s no more%s, and is not asked again until %s; type: %s", what, why, p.moment(renewal.Until), loginCommand(a))
	case errors.Is(err, errUnreached):
		return fmt.Sprintf("%s could not be renewed: %s; check the network, then try again", what, errUnreached)
	case !renewal.Until.IsZero():
		return fmt.Sprintf("%s could not be renewed: %s, and Bitbucket is not asked again until %s; try again then, or type: %s", what, oneLine(renewal.Err.Error()), p.moment(renewal.Until), loginCommand(a))
	case errors.As(err, &unwritable):
		return fmt.Sprintf("%s is not renewed: %s", what, oneLine(unwritable.Error()))
	case errors.Is(err, errLate):
		return fmt.Sprintf("%s could not be renewed: %s; type the git command again", what, errLate)
	case errors.Is(err, store.ErrBusy):
		return fmt.Sprintf("%s is being renewed by another process, for %s now; type the git command again", what, renewLimit)
	case errors.As(err, &refusal), errors.As(err, &answer), errors.Is(err, bitbucket.ErrGrant):
		return fmt.Sprintf("%s could not be renewed: %s; try again later, or type: %s", what, oneLine(renewal.Err.Error()), loginCommand(a))
	case errors.Is(err, bitbucket.ErrConsumer), errors.Is(err, errGrant):
		return fmt.Sprintf("%s cannot be renewed: %s; type: %s", what, renewal.Err, loginCommand(a))
	}
	text, remedy := whyUnreachable(renewal.Err)
	return fmt.Sprintf("%s could not be renewed: %s; %s", what, text, remedy)
}

// sayUnkept says that git gets a token that could not be kept.
func (p *process) sayUnkept(a store.Account, err error) {
	var unkept *unkeptError
	if errors.As(err, &unkept) {
		p.say(asWarning, "git gets a new token of account %s this once, but the refresh token that came with it is not kept; the one before works until %s: mend this and type a git command before, or type %s: %s",
			a.Name, p.moment(unkept.tried.Add(reuseWindow)), loginCommand(a), p.whyUnusable(unkept.err, a))
		return
	}
	why := p.whyUnusable(err, a)
	var backend *store.BackendError
	if !errors.As(err, &backend) {
		why = recordTrouble(err)
	}
	p.say(asWarning, "git gets a new token of account %s this once, and asks for another next time, since it could not be kept: %s", a.Name, why)
}

// upToDate is the account with a token that lives, for a command: renewed where it is
// due, as get does.
func (p *process) upToDate(ctx context.Context, a store.Account, token secret.Secret) (store.Account, secret.Secret, error) {
	current := a
	if token.Fingerprint() != a.Fingerprint {
		current.Expires = time.Time{} // its end is another token's
	}
	if due, _ := helper.Due(current, store.Health{}, p.now()); !due {
		return a, token, nil
	}
	renewed, fresh, err := p.renew(ctx, a, false)
	switch {
	case err == nil && !fresh.IsZero():
		return renewed, fresh, nil
	case err == nil || p.now().Before(current.Expires):
		return a, token, nil
	}
	status := exitUnusable
	var renewal *helper.RenewalError
	var away *bitbucket.UnreachableError
	switch {
	case errors.As(err, &renewal) && renewal.Dead:
		status = exitNoCredential
	case errors.As(err, &away):
		status = exitUnreachable
	}
	return a, token, fail(status, "%s", p.whyNotRenewed(err, a))
}
