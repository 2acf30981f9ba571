package bitbuckettest

import (
	"fmt"
	"net/http"
	"time"
)

// Now is the server's clock, by which tokens expire: the real one, unless Shift or SetClock moved it.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Shift moves the clock on, or back if by is negative.
func (s *Server) Shift(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift += by
}

// SetClock makes it t now, from where the clock goes on.
func (s *Server) SetClock(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shift = time.Until(t)
}

// now needs s.mu.
func (s *Server) now() time.Time { return time.Now().Add(s.shift) }

// date tells a client the time of a clock that was moved; net/http tells that of the real one.
func (s *Server) date(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shift != 0 {
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
}

func (s *Server) commandClock(word string) error {
	if by, err := time.ParseDuration(word); err == nil {
		s.Shift(by)
		return nil
	}
	t, err := time.Parse(time.RFC3339, word)
	if err != nil {
		return fmt.Errorf("clock: %q: want a duration to move it by, or a time such as 2027-01-31T12:00:00Z", word)
	}
	s.SetClock(t)
	return nil
}
