//go:build long

package report_test

// simulation is how much is tried: runs of days, with visitors on each day, and the
// effect that is to be found among so many a day.
var simulation = struct {
	runs, days, visitors int
	effect               float64
	among                int
}{200, 60, 400, 0.1, 4000}
