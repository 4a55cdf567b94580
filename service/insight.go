package service

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/insight"
	"stats-recorder/oddities"
	"stats-recorder/page"
	"stats-recorder/report"
	"stats-recorder/report/endpoint"
	"stats-recorder/snapshot"
)

// newReporter makes what tells what counts mean.
func newReporter(config Config, keeper *snapshot.Keeper, beside *beside) *report.Reporter {
	options := report.Options{
		Source:     keeper.History(),
		Stages:     config.parsed.stages,
		CacheBytes: config.InsightCacheBytes,
		GiveWay:    giveWay,
	}
	if beside.oddities != nil {
		options.Oddities = func(from, to counters.Day) ([]oddities.Count, error) {
			return beside.oddities.Counted(keeper.History(), from, to)
		}
	}
	if beside.visitors != nil {
		history := keeper.History()
		options.Visitors = beside.visitors.Reader(history, func() counters.Day {
			kept, _ := history.KeptFrom()
			return max(kept, history.PassingKeptFrom())
		})
	}
	return report.New(options)
}

// insightReads are what is under /insight: the endpoints and the page.
func insightReads(reporter *report.Reporter, keeper *snapshot.Keeper, people *page.Page) []httpapi.Read {
	return append(endpoint.Reads(reporter, keeper.History()), people.Reads()...)
}

// parseInsight reads whether the public may read /insight.
func parseInsight(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "on", "true", "1":
		return true, nil
	case "off", "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q: want on or off", text)
}

// parseStages reads STAGES.
func parseStages(text string) (insight.Stages, error) {
	stages, err := insight.ParseStages(text)
	if err != nil {
		return nil, fmt.Errorf("%w; an example is opened:details,more;acted:form", err)
	}
	return stages, nil
}

// liveAge is how long an event is good for all who listen: a little less than they wait.
const liveAge = 1900 * time.Millisecond

// An event is what /insight/live tells.
type event struct {
	report.Live
	// LastRecord is when the last record was taken; null if none was since the start.
	LastRecord *time.Time `json:"last_record"`
}

// liveEvent makes the events of /insight/live, one for all who listen at a time.
func liveEvent(reporter *report.Reporter, clock *clockOfRecords) func(time.Time) ([]byte, error) {
	var mu sync.Mutex
	var made time.Time
	var encoded []byte
	return func(now time.Time) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(made) < liveAge {
			return encoded, nil
		}
		live, err := reporter.Live(now)
		if err != nil {
			return nil, err
		}
		told := event{Live: live}
		if at, any := clock.last(); any {
			at = at.UTC().Truncate(time.Second)
			told.LastRecord = &at
		}
		encoded, err = json.Marshal(told)
		made = time.Now()
		return encoded, err
	}
}
