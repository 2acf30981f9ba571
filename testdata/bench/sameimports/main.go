// Command sameimports copies its input to its output and links what the helper links:
// what starting the helper costs before it does anything.
package main

import (
	"io"
	"os"

	_ "github.com/spf13/cobra"
	_ "golang.org/x/term"

	_ "git-credential-bitbucket/bitbucket"
	_ "git-credential-bitbucket/helper"
	_ "git-credential-bitbucket/install"
	_ "git-credential-bitbucket/store"

	_ "bufio"
	_ "bytes"
	_ "context"
	_ "encoding/json"
	_ "errors"
	_ "fmt"
	_ "net/url"
	_ "os/exec"
	_ "os/signal"
	_ "path/filepath"
	_ "runtime/debug"
	_ "slices"
	_ "strconv"
	_ "strings"
	_ "syscall"
	_ "time"
)

func main() {
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		os.Exit(1)
	}
}
