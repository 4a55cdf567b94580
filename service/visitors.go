package service

import (
	"fmt"

	"stats-recorder/cluster/member"
	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
	"stats-recorder/insight"
	"stats-recorder/oddities"
	"stats-recorder/report"
	"stats-recorder/service/admin"
	"stats-recorder/snapshot"
	"stats-recorder/visitors"
)

// beside is what counts beside the store. A field is nil if nobody counts that.
type beside struct {
	visitors *visitors.Register
	node     *member.Member // nil for a server that counts alone
	oddities *oddities.Register
	// reporter tells what counts mean; it is there once requests are answered.
	reporter *report.Reporter
}

// addFigures adds what is known beside the store.
func (b *beside) addFigures(figures *admin.Figures) {
	figures.Visitors = b.visitorFigures()
	if b.node != nil {
		figures.Cluster = clusterFigures(b.node)
	}
	for _, odd := range b.oddities.Since() {
		figures.Odd = append(figures.Odd, admin.Odd{Field: odd.Field, Reason: odd.Reason, Name: odd.Name, Times: odd.Times})
	}
	stats := b.reporter.Stats()
	figures.Insight = admin.Insight{Fits: stats.Fits, FitTime: stats.FitTime, KeptBytes: stats.KeptBytes, KeptFound: stats.KeptFound}
}

// registers makes them for the store that was found.
func (b *beside) registers(config Config) func(*counters.Store) ([]snapshot.Register, error) {
	return func(store *counters.Store) (all []snapshot.Register, err error) {
		b.oddities = oddities.NewRegister(store.Words)
		all = []snapshot.Register{b.oddities}
		if !config.Visitors {
			return all, nil
		}
		if b.visitors, err = visitors.NewRegister(store.Words, config.visitorsConfig()); err != nil {
			return nil, fmt.Errorf("%w: MAX_VISITORS, MAX_VISITOR_PAIRS or MAX_VARIANTS: %w", ErrConfig, err)
		}
		return append(all, b.visitors), nil
	}
}

func (c Config) visitorsConfig() visitors.Config {
	return visitors.Config{
		Limits:    visitors.Limits{Visitors: c.MaxVisitors, Pairs: c.MaxVisitorPairs, Variants: c.MaxVariants},
		Anonymous: c.AnonymousIDs,
		Stages:    stageTable(c.parsed.stages, c.EventTypes),
		Variants:  func(source []byte, visit func(experiment, variant []byte)) { records.Experiments(source).Each(visit) },
	}
}

// stageTable says of event types how far they lead, by what records.Event.Small says.
func stageTable(stages insight.Stages, further []string) (table visitors.StageTable) {
	for place, name := range records.EventTypes(further) {
		if small := records.Event(place).Small(); small != 0 {
			table[small] = visitorStages[stages[name]]
		}
	}
	return table
}

// visitorStages are the stages as visitors are counted by them.
var visitorStages = map[insight.Stage]visitors.Stages{
	insight.StageShown: visitors.Shown, insight.StageOpened: visitors.Opened, insight.StageActed: visitors.Acted,
}

// visitorFigures are those of the ledger, nil if there is none.
func (b *beside) visitorFigures() *admin.Visitors {
	if b.visitors == nil {
		return nil
	}
	stats := b.visitors.Stats()
	figures := &admin.Visitors{SampleRate: 1, Refused: stats.RefusedRecords, Lost: stats.LostDays}
	for _, day := range stats.Days {
		figures.Kept += day.Visitors
		figures.Pairs += day.Pairs
		figures.Bytes += uint64(day.Bytes)
		figures.SampleRate = min(figures.SampleRate, visitors.Estimate(1, 0)/visitors.Estimate(1, day.Halvings))
		figures.Anonymous += day.AnonymousRecords
		figures.Unplaced += day.UnplacedAssignments
	}
	return figures
}
