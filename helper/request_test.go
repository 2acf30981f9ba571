package helper

import (
	"strings"
	"testing"

	"git-credential-bitbucket/store/secret"
)

func TestRequest(t *testing.T) {
	message := Message{
		{"capability[]", "authtype"}, {"protocol", "https"}, {"host", "bitbucket.org"}, {"path", "acme/app.git"}, {"username", "alice"},
		{"password", "p"}, {"oauth_refresh_token", "r"}, {"password_expiry_utc", "1"}, {"wwwauth[]", "Basic"}, {"url", "https://example.com"}, {"state[]", "x"},
	}
	want := Request{Protocol: "https", Host: "bitbucket.org", Path: "acme/app.git", Username: "alice", Password: secret.New("p")}
	got := message.Request()
	if !got.Password.Equal(want.Password) {
		t.Error("another password")
	}
	got.Password = want.Password
	if got != want {
		t.Errorf("%+v", got)
	}
	if got := (Message{}).Request(); got != (Request{}) {
		t.Errorf("%+v", got)
	}
}

func TestRequestRelayed(t *testing.T) {
	for field, want := range map[Field]bool{
		{"authtype", "Bearer"}: true, {"authtype", ""}: true, {"credential", "x"}: true, {"ephemeral", "1"}: true, {"ephemeral", "true"}: true, {"ephemeral", ""}: true,
		{"ephemeral", "0"}: false, {"state[]", "x"}: false, {"continue", "1"}: false, {"password", "x"}: false,
	} {
		if got := (Message{field}).Request().Relayed; got != want {
			t.Errorf("%q: %v", field, got)
		}
	}
	if !(Message{{"ephemeral", "1"}, {"ephemeral", "0"}}).Request().Relayed {
		t.Error("what was marked once stays so")
	}
}

func TestRequestNames(t *testing.T) {
	long := strings.Repeat("x", 128)
	for _, c := range []struct{ path, workspace, repository string }{
		{"", "", ""},
		{"/", "", ""},
		{"acme/app.git", "acme", "acme/app"},
		{"/acme/app.git/", "acme", "acme/app"},
		{"Acme/App", "acme", "acme/app"},
		{"acme", "acme", ""},
		{"acme/", "acme", ""},
		{"acme/app.git/info/lfs", "acme", "acme/app"},
		{"acme/app.tool-2_x.git", "acme", "acme/app.tool-2_x"},
		{"a-b_c.d/x", "a-b_c.d", "a-b_c.d/x"},
		{"snippets/acme/x1y2", "acme", ""},
		{"snippets/Acme/x1y2.git", "acme", ""},
		{"snippets", "", ""},
		{"snippets/", "", ""},
		{"ac me/app", "", ""},
		{"acme/ap p", "acme", ""},
		{"../etc/passwd", "", ""},
		{"{0d36d3}/app", "", ""},
		{"acme\x1b[31m/app", "", ""},
		{"acm\u00e9/app", "", ""},
		{"\u212aelvin/app", "", ""},
		{long + "/app", long, long + "/app"},
		{long + "x/app", "", ""},
	} {
		r := Request{Path: c.path}
		if r.Workspace() != c.workspace || r.Repository() != c.repository {
			t.Errorf("%.40q: workspace %q, repository %q; want %q, %q", c.path, r.Workspace(), r.Repository(), c.workspace, c.repository)
		}
	}
}
