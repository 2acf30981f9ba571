package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
)

const day = 24 * time.Hour

// longestAPIToken is how far ahead an API token can expire: Atlassian allows a year.
const longestAPIToken = 366 * day

// parseWhen reads a date (its first moment in UTC), an RFC 3339 time, or a number of
// days or weeks from now: 2027-01-31, 2027-01-31T12:00:00Z, 90d, 12w.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for unit, length := range map[string]time.Duration{"d": day, "w": 7 * day} {
		digits, ok := strings.CutSuffix(text, unit)
		if n, err := strconv.ParseUint(digits, 10, 16); ok && err == nil {
			return now.Add(time.Duration(n) * length), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no date: write 2027-01-31, 90d or 12w", oneLine(text))
}

// parseExpiry is parseWhen for the date of a token of that kind.
func parseExpiry(text string, kind bitbucket.Kind, now time.Time) (time.Time, error) {
	t, err := parseWhen(text, now)
	switch {
	case err != nil:
		return t, err
	case !t.After(now):
		return t, fmt.Errorf("%s has passed: give the day on which the token expires", date(t))
	case kind == bitbucket.APIToken && t.Sub(now) > longestAPIToken:
		return t, fmt.Errorf("%s is more than a year ahead, and no API token lives longer: look at %s", date(t), bitbucket.TokenPage)
	}
	return t, nil
}
