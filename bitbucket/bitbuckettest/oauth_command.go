package bitbuckettest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

func (s *Server) commandConsumer(args []string) error {
	if len(args) == 0 {
		return errors.New("consumer: want a name")
	}
	c := Consumer{Name: args[0], Callback: "http://127.0.0.1:34117/callback"}
	scopes := "read,write,user"
	err := options(args[1:], map[string]func(string) error{
		"key":          text(&c.Key),
		"secret":       text(&c.Secret),
		"callback":     text(&c.Callback),
		"scopes":       text(&scopes),
		"owner":        text(&c.Owner),
		"answer":       text(&c.Answer),
		"format":       text(&c.Format),
		"spelling":     text(&c.Spelling),
		"expires":      duration(&c.Expires),
		"window":       orNone(&c.Window),
		"lock":         orNone(&c.Lock),
		"appkey":       text(&c.AppKey),
		"clientkey":    text(&c.ClientKey),
		"sharedsecret": text(&c.SharedSecret),
	})
	if err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	if scopes != "" && scopes != "none" {
		c.Scopes = strings.Split(scopes, ",")
	}
	return s.AddConsumer(c)
}

// orNone takes 0 for none, where a Consumer's 0 is the usual.
func orNone(to *time.Duration) func(string) error {
	return func(v string) error {
		err := duration(to)(v)
		if err == nil && *to == 0 {
			*to = -1
		}
		return err
	}
}

func (s *Server) commandOAuth(args []string) error {
	if len(args) != 2 {
		return errors.New("oauth: want grant, deny, ask, expire or revoke and a consumer")
	}
	switch what, name := args[0], args[1]; what {
	case "expire":
		return s.ExpireAccess(name)
	case "revoke":
		return s.RevokeAccess(name)
	default:
		return s.Answer(name, what)
	}
}
