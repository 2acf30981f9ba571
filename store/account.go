package store

import "time"

// An Account is what is known of a stored token beside the token: nothing secret.
type Account struct {
	Name        string    `json:"account"`               // [a-z0-9][a-z0-9._-]{0,63}
	Kind        string    `json:"kind"`                  // a bitbucket.Kind: "api-token", "access-token", "oauth"
	Email       string    `json:"email,omitempty"`       // of the Atlassian account, for REST
	Username    string    `json:"username,omitempty"`    // the Bitbucket username, to recognise user@ URLs
	Backend     string    `json:"backend"`               // where the token is
	Also        string    `json:"also,omitempty"`        // another backend in which one may be: on its way there, or left there
	Fingerprint string    `json:"fingerprint,omitempty"` // secret.Secret.Fingerprint of the token; "": it holds none
	Hint        string    `json:"hint,omitempty"`        // secret.Secret.Hint of the token
	Created     time.Time `json:"created"`               // when this token was stored
	Expires     time.Time `json:"expires,omitzero"`      // zero: unknown
	Issued      time.Time `json:"issued,omitzero"`       // of kind "oauth": when the site gave this token; zero: unknown
	Certain     bool      `json:"certain,omitempty"`     // the site gave Expires; otherwise a person claimed it
	Guessed     bool      `json:"guessed,omitempty"`     // nobody gave Expires: a year from Created
	SetAside    time.Time `json:"set_aside,omitzero"`    // a person rejected it then; zero: in use
	Dead        bool      `json:"dead,omitempty"`        // of SetAside: not a person, but Bitbucket refused it in a check
	Scopes      string    `json:"scopes,omitempty"`      // as the site told in a check, with commas between; "": unknown
	Grant       string    `json:"grant,omitempty"`       // of kind "oauth": by which of its grants the token comes; see GrantCode
	Asked       string    `json:"asked,omitempty"`       // the scopes that a login asked for, as Scopes
	Replaced    time.Time `json:"replaced,omitzero"`     // in the file of previous tokens: when another took its place
	Default     bool      `json:"default,omitempty"`     // serves where nothing else chooses
}

// The values of Account.Grant. All but the last are renewed without a person.
const (
	GrantCode              = "code"
	GrantClientCredentials = "client-credentials"
	GrantJWT               = "jwt"
	GrantImplicit          = "implicit"
)

// A Route sends a workspace's repositories to an account.
type Route struct {
	Workspace string `json:"route"`   // lower case
	Account   string `json:"account"` // an Account's Name
}
