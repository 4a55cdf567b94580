package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dustin/go-humanize/english"
)

// Clock is what the server's clock shows, and what is thought of that.
type Clock struct {
	// Reading is what it shows, Expected what there is no reason to doubt.
	Reading, Expected time.Time
	// Doubted says whether the reading is.
	Doubted bool
	// HeldDays is how many closed days RETENTION would take, were the clock certain.
	HeldDays int
}

// ErrNotConfirmed is returned by Subject.ConfirmClock for a day that is not the clock's.
var ErrNotConfirmed = errors.New("not confirmed")

const (
	pathClock    = "/clock"
	confirmUsage = "to confirm the clock, post the date of today in UTC: POST /clock?today=2026-01-31"
)

// getClock says what a person must know to confirm the clock, or to set it right.
func (s *Server) getClock(w http.ResponseWriter, _ *http.Request) {
	subject := s.subject.Load()
	if subject == nil {
		respond(w, errRecovering, "")
		return
	}
	clock, opinion := subject.Figures().Clock, "believed"
	if clock.Doubted {
		opinion = "doubted: RETENTION takes and hides nothing more by it; " + confirmUsage
	}
	respond(w, nil, fmt.Sprintf("clock    %s\nexpected %s\nheld     %d %s\n%s",
		clock.Reading.UTC().Format(time.RFC3339), clock.Expected.UTC().Format(time.RFC3339), clock.HeldDays, english.PluralWord(clock.HeldDays, "day", ""), opinion))
}

// postClock takes the word of a person for the clock. The date must be said, so that
// a clock that is wrong is not confirmed by habit. No page in a browser may say it:
// what follows cannot be undone.
func (s *Server) postClock(w http.ResponseWriter, r *http.Request) {
	subject := s.subject.Load()
	today, err := time.Parse(time.DateOnly, r.FormValue("today"))
	switch {
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		refuse(w, http.StatusForbidden, "not from a browser")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, confirmUsage)
		return
	case subject == nil:
		respond(w, errRecovering, "")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), confirmPatience)
	defer cancel()
	if err := subject.ConfirmClock(ctx, today); errors.Is(err, ErrNotConfirmed) {
		refuse(w, http.StatusConflict, err.Error()+"; set the clock right, or wait until it is that day; nothing was changed")
	} else {
		respond(w, err, "confirmed; a snapshot is written")
	}
}

// refuse answers that nothing was done, and why.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, why)
}
