package main

// The console, whatever the standard streams are.
const (
	terminalDevice = "CONIN$"
	terminalOutput = "CONOUT$"
)
