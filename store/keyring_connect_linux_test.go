package store

import "testing"

func TestSocketPath(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"unix:path=/run/user/1000/bus":                 "/run/user/1000/bus",
		"unix:path=/tmp/a%20b,guid=0123":               "/tmp/a b",
		"unix:guid=0123,path=/tmp/bus":                 "/tmp/bus",
		"unix:abstract=/tmp/dbus-x,guid=0123":          "@/tmp/dbus-x",
		"unix:path=/tmp/a;unix:path=/tmp/b":            "",
		"unix:path=/tmp/%zz":                           "",
		"unix:guid=0123":                               "",
		"tcp:host=localhost,port=1":                    "",
		"unix:runtime=yes":                             "",
		"unixexec:path=/bin/sh,argv1=-c,argv2=echo hi": "",
	} {
		got, ok := socketPath(address)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", address, got, ok, want)
		}
	}
}
