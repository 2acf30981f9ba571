package leftovers

import (
	"strings"
	"testing"
)

var fuzzPaths = []string{
	"/h/.git-credentials", "/h/.netrc", "/h/.gitconfig", "/h/.config/composer/auth.json", "/h/.docker/config.json", "/w/.env", "/h/.bashrc", "/h/config.fish",
	"/w/Jenkinsfile", "/w/pip.conf", "/w/Dockerfile", "/w/main.go", "/d/older.json",
}

// Whatever a file holds: nothing panics, each finding keeps its promises, and its edit takes
// the secret out.
func FuzzFinders(f *testing.F) {
	for i, text := range []string{
		"https://a:" + appPassword + "@bitbucket.org\n", "machine bitbucket.org login a password \"b\\\"c\" machine x\n", "[url \"https://a:b@bitbucket.org/\"]\ninsteadOf=x\n[http]extraheader=\"Authorization: Basic " + basicOf("a:"+appPassword) + "\"",
		`{"bearer":{"a":"b","bitbucket.org":"c"},"http-basic":{"bitbucket.org":{"password":"x"}}}`, `{"auths":{"x":{"auth":"` + basicOf("a:"+appPassword) + `"}}}`,
		"export A=" + apiToken + "\nBITBUCKET_APP_PASSWORD=abcdefgh1\n", "  export A='" + accessToken + "'; x\n", "set -gx A " + apiToken, "app_password: abcdefgh1\n", "u=https://u:s@bitbucket.org/x\\\n",
		"ENV A=" + apiToken, "\"https:\\/\\/u:s9@bitbucket.org\\/\" " + strings.Replace(apiToken, "=", "%3D", 1), `{"host":"bitbucket.org","secret":"a","token":{"access_token":"b"},"c":["` + apiToken + `"]}`,
	} {
		f.Add(uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		if len(text) > 16<<10 {
			return
		}
		path := fuzzPaths[int(which)%len(fuzzPaths)]
		kind := classOf(path)
		if strings.HasPrefix(path, "/d/") {
			kind = olderTool
		}
		fs, _ := fileFindings(path, kind, []byte(text))
		check(t, text, fs)
		for _, one := range fs {
			if one.Edit == nil || one.Secret.IsZero() {
				continue
			}
			// What is left at the edit's place holds nothing of the secret.
			raw := text[one.At:one.End]
			after := edited(text, []Finding{one})
			if strings.Count(after, raw) >= strings.Count(text, raw) && len(raw) > 2 {
				t.Errorf("%q: %q is still there: %q", text, raw, after)
			}
		}
	})
}
