//go:build !linux

package store

import (
	"context"
	"time"
)

func writeKey(string, []byte, time.Duration) error { return errNoKeyctl }
func readKey(string) ([]byte, error)               { return nil, errNoKeyctl }
func removeKey(string) error                       { return errNoKeyctl }

func takeTurn(context.Context, string, time.Duration) (unlock func(), waited bool) {
	return nil, false
}
