package bitbuckettest

import (
	"cmp"
	"net/http"
	"strings"
)

// account is the owner of a token as REST shows them.
type account struct {
	Type        string          `json:"type"`
	UUID        string          `json:"uuid"`
	AccountID   string          `json:"account_id"`
	Username    string          `json:"username"`
	Nickname    string          `json:"nickname"`
	DisplayName string          `json:"display_name"`
	CreatedOn   string          `json:"created_on"`
	Links       map[string]link `json:"links"`
}

// account has ids that are always the same for a username.
func (t Token) account() account {
	username := cmp.Or(t.Username, t.Name)
	id := uuid("account " + username)
	kind := "user"
	if t.appUser {
		kind = "app_user"
	}
	return account{
		Type: kind, UUID: id, AccountID: "557058:" + strings.Trim(id, "{}"), Username: username,
		Nickname: cmp.Or(t.Nickname, username), DisplayName: cmp.Or(t.DisplayName, username),
		CreatedOn: "2020-01-31T12:00:00.000000+00:00",
		Links:     map[string]link{"self": {Href: restURL("/users/" + id)}},
	}
}

func (s *Server) serveUser(w http.ResponseWriter, _ *http.Request, _ call, token Token) {
	writeJSON(w, mediaTypeREST, http.StatusOK, token.account())
}
