package install

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Setting is a variable of git's config with one value; a key with several values
// has a setting for each, in order.
type Setting struct{ Key, Value string }

// Wanted lists what installing sets, in git's order.
func (o Options) Wanted() []Setting {
	wanted := []Setting{{KeyHelper, ""}, {KeyHelper, o.value(o.Flags)}}
	for _, s := range single {
		if s.Key != KeyLFS || o.LFS {
			wanted = append(wanted, s)
		}
	}
	return wanted
}

// valuesOf are those of one key, in order.
func valuesOf(settings []Setting, key string) []string {
	var values []string
	for _, s := range settings {
		if s.Key == key {
			values = append(values, s.Value)
		}
	}
	return values
}

// single are the settings of keys with one value.
var single = []Setting{{KeyPath, "true"}, {KeyLFS, "basic"}}

// holds reports whether the line means what the setting does.
func (s Setting) holds(l Line) bool {
	return l.Value == s.Value || s.Value == "true" && isTrue(l)
}

// CountSince is the first git that reads GIT_CONFIG_COUNT (git's release notes for 2.31.0).
var CountSince = Version{2, 31, 0}

// countVariable, and the beginnings of the names of a variable's key and value.
const (
	countVariable = "GIT_CONFIG_COUNT"
	keyVariable   = "GIT_CONFIG_KEY_"
	valueVariable = "GIT_CONFIG_VALUE_"
)

// A Variable is one of a process's environment.
type Variable struct{ Name, Value string }

// A CountError is a GIT_CONFIG_COUNT of which git would die.
type CountError struct{ Wrong string }

func (e *CountError) Error() string { return e.Wrong }

// Environment is the settings as variables of the environment (git-config's manual,
// ENVIRONMENT), behind those that lookup finds there already; where the same are the
// last of these, they are given again, so that a second call changes nothing. The count
// is the last. Errors are *CountError.
func Environment(settings []Setting, lookup func(name string) (value string, set bool)) ([]Variable, error) {
	there, err := inEnvironment(lookup)
	if err != nil {
		return nil, err
	}
	first := len(there)
	if n := first - len(settings); n >= 0 && slices.Equal(there[n:], settings) {
		first = n
	}
	var variables []Variable
	for i, s := range settings {
		n := strconv.Itoa(first + i)
		variables = append(variables, Variable{keyVariable + n, s.Key}, Variable{valueVariable + n, s.Value})
	}
	return append(variables, Variable{countVariable, strconv.Itoa(first + len(settings))}), nil
}

// inEnvironment reads what is there as git does, which takes an empty count for none.
func inEnvironment(lookup func(string) (string, bool)) (there []Setting, err error) {
	count, _ := lookup(countVariable)
	if count == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(count, 10, 31)
	if err != nil || strings.Trim(count, "0123456789") != "" {
		return nil, &CountError{countVariable + " is not a count"}
	}
	for i := range n {
		var s Setting
		for _, part := range []struct {
			name string
			to   *string
		}{{keyVariable, &s.Key}, {valueVariable, &s.Value}} {
			name, set := part.name+strconv.FormatUint(i, 10), false
			if *part.to, set = lookup(name); !set {
				return nil, &CountError{fmt.Sprintf("%s is %s, but %s is not set", countVariable, count, name)}
			}
		}
		there = append(there, s)
	}
	return there, nil
}
