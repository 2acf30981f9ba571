package main

// refuseStop does nothing: a console program cannot be stopped and continued.
func refuseStop() (restore func()) { return func() {} }

// The console, whatever the standard streams are.
const (
	terminalDevice = "CONIN$"
	terminalOutput = "CONOUT$"
)
