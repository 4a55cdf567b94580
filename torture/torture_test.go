package main

import (
	"errors"
	"testing"
	"time"

	"stats-recorder/harness"
)

// TestTorture harms the built server, briefly, in each of the ways that the
// command does at length. Where the machine lacks what one needs, it is skipped
// and says what that is.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	programs := t.TempDir()
	program, err := harness.Build(t.Context(), harness.BuildSettings{Directory: programs})
	if err != nil {
		t.Fatal(err)
	}
	failpoints, err := harness.Build(t.Context(), harness.BuildSettings{Directory: programs, Tags: "failpoints"})
	if err != nil {
		t.Fatal(err)
	}
	const short = 250 * time.Millisecond
	for _, s := range []scenario{
		{"kill always", killPlan{durability: "always", cycles: 20, load: short}.run},
		{"kill everysec", killPlan{durability: "everysec", cycles: 4, load: short, window: 400 * time.Millisecond}.run},
		{"kill snapshot", killPlan{durability: "snapshot", cycles: 4, load: short}.run},
		{"failpoints", failpointPlan{occurrences: []int{3}}.run},
		{"power always", powerPlan{durability: "always", cycles: 6, load: short}.run},
		{"power everysec", powerPlan{durability: "everysec", cycles: 2, load: short}.run},
		{"faults", faultPlan{faults: standardFaults(), rounds: 1}.run},
		{"full", fullPlan{filesystem: "tmpfs", cycles: 4}.run},
		{"short writes", limitPlan{cycles: 4}.run},
		{"stops", stopPlan{rounds: 1}.run},
		{"soak", soakPlan{length: 3 * time.Second, killEvery: time.Second, snapshots: 200 * time.Millisecond, peak: 300 * time.Millisecond}.run},
	} {
		t.Run(s.name, func(t *testing.T) {
			l := &lab{
				program: program, failpoints: failpoints, directory: t.ArtifactDir(),
				connections: 32, seed: uint64(time.Now().UnixNano()), progress: t.Logf,
			}
			t.Logf("seed %d", l.seed)
			found, err := s.run(t.Context(), l)
			if errors.Is(err, errUnavailable) {
				t.Skip(err)
			}
			if err != nil {
				t.Error(err)
			}
			if found != nil {
				t.Logf("%d cycles, %d records compared, %d losses; %q",
					found.cycles, found.verdict.compared, found.verdict.losses(), found.notes)
			}
		})
	}
}
