// Package nobus hides the session bus from packages that dial it while they are
// initialised.
//
// github.com/99designs/keyring connects to D-Bus in its package initialisation: with
// no bus address and dbus-launch on PATH every start of the program leaves a
// dbus-daemon behind, and a bus that never answers hangs it before main
// (99designs/keyring#103, godbus/dbus#268). Go initialises a package as soon as its
// imports are ready, in the order of import paths; this one imports os alone and so
// runs first. Package store calls Restore in its own initialisation, which runs
// after both.
package nobus

import "os"

const variable = "DBUS_SESSION_BUS_ADDRESS"

var address, present = os.LookupEnv(variable)

func init() { _ = os.Setenv(variable, "disabled:") }

// Restore puts the variable back to what the process was started with.
func Restore() {
	if present {
		_ = os.Setenv(variable, address)
	} else {
		_ = os.Unsetenv(variable)
	}
}
