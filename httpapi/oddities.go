package httpapi

import (
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
	"stats-recorder/oddities"
)

// Oddities count what clients send that is not counted as it comes.
type Oddities interface {
	Add(day counters.Day, oddity oddities.Oddity, times uint64)
}

// noteOddities counts what is odd in a body that was decoded, with the error of that.
func (s *Server) noteOddities(d *records.Decoder, failure error, now time.Time) {
	if s.config.Oddities == nil || failure == nil && len(d.Records) > 0 && d.Rejections == 0 {
		return
	}
	today := counters.HourOf(now).Day()
	switch {
	case failure != nil:
		s.config.Oddities.Add(today, oddities.Oddity{Reason: oddities.ReasonUnreadable}, 1)
		return
	case d.Rejections == 0:
		s.config.Oddities.Add(today, oddities.Oddity{Reason: oddities.ReasonEmpty}, 1)
	}
	for _, odd := range d.Odd {
		s.config.Oddities.Add(today, oddities.Oddity{Field: odd.Field.String(), Reason: odd.Reason.String(), Name: odd.Name}, odd.Records)
	}
}
