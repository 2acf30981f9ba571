package bitbuckettest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// maxJWTLife is how far off the expiry of a JWT may be. Atlassian asks for a short one and names no limit.
const maxJWTLife = time.Hour

// appOf finds the app that signed the JWT: developer.atlassian.com/cloud/bitbucket/understanding-jwt-for-apps. It needs s.mu.
func (s *Server) appOf(token string) *consumer {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	var header struct{ Alg string }
	var claims struct {
		Iss, Sub string
		Exp      float64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) || header.Alg != "HS256" {
		return nil
	}
	now, expires := s.now(), time.Unix(int64(claims.Exp), 0)
	if !now.Before(expires) || expires.After(now.Add(maxJWTLife)) {
		return nil
	}
	for _, c := range s.consumers {
		if c.AppKey == "" || c.AppKey != claims.Iss || c.ClientKey != claims.Sub {
			continue
		}
		mac := hmac.New(sha256.New, []byte(c.SharedSecret))
		mac.Write([]byte(parts[0] + "." + parts[1]))
		if hmac.Equal(mac.Sum(nil), signature) {
			return c
		}
	}
	return nil
}

func decodePart(part string, to any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, to) == nil
}
