package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the linker where a release is built: -X main.version=1.2.3.
var version string

var versionRow = row{
	name:  "version",
	short: "Print the version",
	build: func(p *process, c *cobra.Command) {
		asJSON := c.Flags().Bool("json", false, "print JSON")
		c.RunE = func(*cobra.Command, []string) error { return p.printVersion(*asJSON) }
	},
}

func (p *process) printVersion(asJSON bool) error {
	v := thisVersion()
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(v)
	}
	fmt.Fprintf(p.stdout, "git-credential-bitbucket %s (%s, %s)\n", v.Version, v.Go, v.Platform)
	return nil
}

type versionInfo struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisVersion() versionInfo {
	v := versionInfo{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
	if v.Version == "" {
		v.Version = "development"
		if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" && build.Main.Version != "(devel)" {
			v.Version = build.Main.Version
		}
	}
	return v
}
