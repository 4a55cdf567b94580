package report

import (
	"context"

	"stats-recorder/counters"
	"stats-recorder/insight"
)

// Quality says whether the counts of a window can be trusted. insight.Quality says
// what the numbers are.
type Quality struct {
	Window Window `json:"window"`
	Model  Model  `json:"model"`
	Pages  uint64 `json:"pages"`
	// Balance is 0 unless records were lost, refused or made up; the worst place is
	// null then.
	Balance    insight.Number `json:"balance"`
	WorstTotal Rank           `json:"worst_page_total"`
	WorstIndex Rank           `json:"worst_benefit_index"`
	Misplaced  uint64         `json:"misplaced_shows"`
	Orphans    uint64         `json:"orphan_clicks"`
	// Repeated are clicks beyond shows, at RepeatedPlaces places of benefits.
	Repeated       uint64 `json:"repeated_clicks"`
	RepeatedPlaces int    `json:"repeated_places"`
	OtherShows     uint64 `json:"other_shows"`
	OtherClicks    uint64 `json:"other_clicks"`
	// FirstDay and LastDay are those with counts, of all that is kept; null without.
	FirstDay Text `json:"first_day"`
	LastDay  Text `json:"last_day"`
	// KeptFrom is the first day that retention has left; null if it took none.
	KeptFrom Text `json:"kept_from"`
	// AnonymousRecords are those of nobody who can be told apart; null while nobody
	// counts visitors.
	AnonymousRecords *uint64 `json:"anonymous_records"`
	// OddInput is what clients sent that was not counted as it came, of all versions.
	OddInput []OddInput `json:"odd_input"`
}

// Quality examines the counts of a window.
func (r *Reporter) Quality(ctx context.Context, q Query) (Quality, error) {
	e, window, err := r.examine(ctx, q)
	if err != nil {
		return Quality{}, err
	}
	found := e.quality()
	quality := Quality{
		Window: window, Model: modelOf(e.analysis.Model),
		Pages: found.Pages, Balance: found.Balance,
		WorstTotal: Rank(found.WorstTotal), WorstIndex: Rank(found.WorstIndex), Misplaced: found.Misplaced,
		Orphans: found.Orphans, Repeated: found.Repeated, RepeatedPlaces: found.RepeatedPlaces,
		OtherShows: found.OtherShows, OtherClicks: found.OtherClicks,
	}
	if first, last, any := r.source.Span(); any {
		quality.FirstDay, quality.LastDay = dateOf(first), dateOf(last)
	}
	if kept, some := r.source.KeptFrom(); some {
		quality.KeptFrom = dateOf(kept)
	}
	return quality, r.addOddInput(&quality, q)
}

func dateOf(day counters.Day) Text { return Text(day.String()) }
