package install

import "testing"

// Every helper that some request for Bitbucket could reach is listed, for whatever user,
// path or spelling; only what clears them in every request clears them.
func TestPossible(t *testing.T) {
	const generic = "[credential]\n\thelper = a\n"
	sub := func(sub, value string) string { return "[credential \"" + sub + "\"]\n\thelper = " + value + "\n" }
	for config, want := range map[string][]string{
		"":                                       nil,
		generic:                                  {"a"},
		generic + sub(site, "") + sub(site, "b"): {"b"},
		generic + "\thelper =\n\thelper = b\n":   {"b"},
		sub("https://x-bitbucket-api-token-auth@bitbucket.org", "a"): {"a"},
		sub("https://anyone@bitbucket.org/ws/repo.git", "a"):         {"a"},
		sub("https://bitbucket.org/ws", "a"):                         {"a"},
		sub("https://*.org", "a"):                                    {"a"},
		sub("https://", "a"):                                         {"a"},
		sub("/ws/repo.git", "a"):                                     {"a"},
		sub("anyone@bitbucket.org", "a"):                             {"a"},
		sub("BitBucket.org", "a"):                                    {"a"},
		sub("https://bitbucket.org:443/ws", "a"):                     {"a"},
		sub("bitbucket.org:443", "a"):                                {"a"},
		sub("https://bit%62ucket.org", "a"):                          {"a"},
		sub("http://bitbucket.org", "a"):                             nil,
		sub("https://bitbucket.org:8443", "a"):                       nil,
		sub("https://example.org", "a"):                              nil,
		sub("example.org", "a"):                                      nil,
		// Cleared for some requests alone, or for none.
		generic + sub("https://anyone@bitbucket.org", ""): {"a"},
		generic + sub("https://bitbucket.org/ws", ""):     {"a"},
		generic + sub("/ws/repo.git", ""):                 {"a"},
		generic + sub("bitbucket.org", ""):                {"a"},
		generic + sub("https://example.org", ""):          {"a"},
		generic + sub("https://*.org", ""):                nil,
		generic + sub("https://", ""):                     nil,
	} {
		h := newHouse(t)
		h.write(".gitconfig", config)
		hs, err := Possible(t.Context(), h.Git)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, helper := range hs {
			got = append(got, helper.Line.Value)
		}
		h.equal(config, got, want)
	}
}
