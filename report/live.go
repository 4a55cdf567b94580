package report

import (
	"fmt"
	"time"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// Live is today at one moment: since midnight of UTC.
type Live struct {
	At      time.Time `json:"at"`
	Records uint64    `json:"records"`
	Shown   uint64    `json:"shown"`
	Opened  uint64    `json:"opened"`
	Acted   uint64    `json:"acted"`
	// VisitorsToday is null for few, and while nobody counts visitors.
	VisitorsToday *uint64 `json:"visitors_today"`
}

// Live is today until now.
func (r *Reporter) Live(now time.Time) (Live, error) {
	today, made := counters.HourOf(now).Day(), Live{At: now.UTC().Truncate(time.Second)}
	names, stages := r.source.EventNames(), [insight.StageActed + 1]uint64{}
	bounds := []counters.Hour{today.FirstHour(), (today + 1).FirstHour()}
	err := r.source.Read(counters.EventTotals(bounds), counters.VisitTotals(func(_ counters.Benefit, totals []counters.EventTotal) {
		for _, total := range totals {
			made.Records += total.Count
			if event := int(total.Event); event <= len(names) {
				stages[r.stages[names[event-1]]] += total.Count
			}
		}
	}))
	if err != nil {
		return Live{}, fmt.Errorf("read today: %w", err)
	}
	made.Shown, made.Opened, made.Acted = stages[insight.StageShown], stages[insight.StageOpened], stages[insight.StageActed]
	if r.visitors == nil {
		return made, nil
	}
	days, err := r.visitors.Daily(today, today+1)
	if err != nil {
		return Live{}, fmt.Errorf("read visitors: %w", err)
	}
	sums, _ := visitorSums(days)
	made.VisitorsToday = sums.VisitorDays
	return made, nil
}
