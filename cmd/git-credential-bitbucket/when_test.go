package main

import (
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func noonNow() time.Time { return noon }

func TestParseWhen(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2027-01-31":                time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
		"2028-02-29":                time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
		"2027-01-31T12:00:00Z":      time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC),
		"2027-01-31T12:00:00+02:00": time.Date(2027, 1, 31, 10, 0, 0, 0, time.UTC),
		"90d":                       noon.Add(90 * day),
		"12w":                       noon.Add(84 * day),
		"0d":                        noon,
		"65535d":                    noon.Add(65535 * day),
	} {
		got, err := parseWhen(text, noon)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "d", "w", "90", "90 d", " 90d", "90D", "90m", "1y", "-1d", "+1d", "1.5d", "0x10d", "1_0d", "65536d", "99999999999999999999d", "tomorrow",
		"2027-1-31", "2027-02-30", "2027-13-01", "31.01.2027", "01/31/2027", "2027-01-31 12:00", "2027-01-31T12:00", "2027-01-31\n", "9\x1b[31md",
	} {
		got, err := parseWhen(text, noon)
		if err == nil {
			t.Errorf("%q is taken for %s", text, got)
		} else if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q is told raw: %q", text, err)
		}
	}
}

func TestParseExpiry(t *testing.T) {
	for _, c := range []struct {
		text string
		kind bitbucket.Kind
		err  string
	}{
		{"1d", bitbucket.APIToken, ""},
		{"366d", bitbucket.APIToken, ""},
		{"367d", bitbucket.APIToken, "more than a year ahead"},
		{"2030-01-01", bitbucket.APIToken, "more than a year ahead"},
		{"2030-01-01", bitbucket.AccessToken, ""},
		{"2030-01-01", bitbucket.UnknownKind, ""},
		{"2026-11-24", bitbucket.APIToken, ""},
		{"2026-11-23", bitbucket.APIToken, "has passed"},
		{"0d", bitbucket.AccessToken, "has passed"},
		{"2020-01-01", bitbucket.UnknownKind, "has passed"},
		{"soon", bitbucket.APIToken, "is no date"},
	} {
		_, err := parseExpiry(c.text, c.kind, noon)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q of %s: %v", c.text, c.kind, err)
		}
	}
}
