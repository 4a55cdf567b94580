package visitors_test

import (
	"testing"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// noon is the hour of records that do not care.
const noon = counters.Hour(20_000*24 + 12)

// The event types of the tests.
const (
	show counters.EventType = iota + 1
	showDetails
	link
	closed // outside the funnel
)

func stageTable() (table visitors.StageTable) {
	table[show], table[showDetails], table[link] = visitors.Shown, visitors.Opened, visitors.Acted
	return table
}

// newLedger is a ledger whose ids with the prefix uid_ are anonymous, and whose
// keys are the same each time.
func newLedger(t testing.TB, limits visitors.Limits) *visitors.Ledger {
	t.Helper()
	config := visitors.Config{Limits: limits, Anonymous: []string{"uid_"}, Stages: stageTable()}
	ledger, err := visitors.NewSeeded(config, 1)
	if err != nil {
		t.Fatal(err)
	}
	return ledger
}
