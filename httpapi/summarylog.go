package httpapi

import (
	"context"
	"time"

	"stats-recorder/counters"
)

// summaryInterval is how often the log sums up what records were not counted as
// they came.
const summaryInterval = time.Minute

// LogSums sums up in the log, once a minute and when the context ends, how many
// records were rejected, one line for each field and reason, and how many there
// was no room for. It returns when the context has ended.
func (s *Server) LogSums(ctx context.Context) {
	rejected, overflowed, others := map[[2]string]uint64{}, uint64(0), uint64(0)
	ticker := time.NewTicker(summaryInterval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
		s.logRejections(rejected)
		overflowed = s.logOverflow(overflowed)
		others = s.logOtherEvents(others)
	}
}

// logOverflow logs what has come since the count that was logged, and returns
// that count now.
func (s *Server) logOverflow(logged uint64) uint64 {
	overflowed := s.config.Store.Overflowed()
	if more := overflowed - logged; more > 0 {
		s.config.Logger.Warn("records count under "+counters.OtherBenefit+": MAX_BENEFITS or MAX_COUNTERS is reached", "records", more)
	}
	return overflowed
}

// logOtherEvents is logOverflow for event types.
func (s *Server) logOtherEvents(logged uint64) uint64 {
	others := s.config.Store.OtherEvents()
	if more := others - logged; more > 0 {
		s.config.Logger.Warn("records count under the event type "+counters.OtherEvent+": there are as many event types as can be told apart", "records", more)
	}
	return others
}

// logRejections logs what has come since the counts that were logged.
func (s *Server) logRejections(logged map[[2]string]uint64) {
	s.metrics.Rejected(func(field, reason string, records uint64) {
		key := [2]string{field, reason}
		if more := records - logged[key]; more > 0 {
			logged[key] = records
			s.config.Logger.Info("rejected records", "field", field, "reason", reason, "records", more)
		}
	})
}
