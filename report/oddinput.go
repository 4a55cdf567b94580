package report

import (
	"errors"
	"fmt"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// OddInput is how often something came that was odd: rejected records, or posts as a
// whole where there is no field.
type OddInput struct {
	Field  Text   `json:"field"`
	Reason string `json:"reason"`
	// Name is the event type that nobody knows; null for others, and beyond so many
	// names a day.
	Name  Text   `json:"name"`
	Times uint64 `json:"times"`
}

// addOddInput adds what was odd on the days of a window.
func (r *Reporter) addOddInput(quality *Quality, q Query) error {
	quality.OddInput = []OddInput{}
	from, to := max(q.From, 1), q.To
	if to == 0 || to > counters.MaxDay {
		to = counters.MaxDay + 1
	}
	if r.oddities != nil {
		counts, err := r.oddities(from, to)
		if err != nil {
			return fmt.Errorf("read odd input: %w", err)
		}
		for _, count := range counts {
			quality.OddInput = append(quality.OddInput, OddInput{Text(count.Field), count.Reason, Text(count.Name), count.Times})
		}
	}
	from, to, _, err := r.visitorDays(q)
	if errors.Is(err, ErrNoVisitors) {
		return nil
	}
	days, err := r.visitors.Daily(max(from, to-min(to, visitors.MaxDays)), to)
	if err != nil {
		return fmt.Errorf("read visitors: %w", err)
	}
	anonymous := uint64(0)
	for _, day := range days {
		anonymous += day.AnonymousRecords
	}
	quality.AnonymousRecords = &anonymous
	return nil
}
