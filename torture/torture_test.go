package main

import (
	"errors"
	"testing"
	"time"

	"stats-recorder/harness"
	"stats-recorder/harness/harnesstest"
)

// TestTorture harms the built server, briefly, in each of the ways that the
// command does at length. Where the machine lacks what one needs, it is skipped
// and says what that is.
func TestTorture(t *testing.T) {
	programs := t.TempDir()
	program, err := harness.Build(t.Context(), harness.BuildSettings{Directory: programs})
	if err != nil {
		t.Fatal(err)
	}
	failpoints, err := harness.Build(t.Context(), harness.BuildSettings{Directory: programs, Tags: "failpoints"})
	if err != nil {
		t.Fatal(err)
	}
	const load = 250 * time.Millisecond
	cycles, rounds := harnesstest.Scale(4, 20), harnesstest.Scale(1, 3)
	codes := []string{"EIO", "ENOSPC"}[:harnesstest.Scale(1, 2)]
	soak := time.Duration(harnesstest.Scale(1, 10)) * time.Second
	for _, s := range []scenario{
		{"kill always", killPlan{durability: "always", cycles: 2 * cycles, load: load}.run},
		{"kill everysec", killPlan{durability: "everysec", cycles: cycles / 2, load: load}.run},
		{"kill on a slow disk", killPlan{durability: "everysec", cycles: cycles / 2, load: time.Second, sync: 10 * time.Millisecond}.run},
		{"kill snapshot", killPlan{durability: "snapshot", cycles: cycles, load: load}.run},
		{"failpoints", failpointPlan{occurrences: []int{3}}.run},
		{"power always", powerPlan{durability: "always", cycles: cycles, load: load}.run},
		{"power everysec", powerPlan{durability: "everysec", cycles: cycles / 2, load: load}.run},
		{"replays", replayPlan{durability: "always", cycles: 2 * cycles, load: 500 * time.Millisecond, recordings: 1}.run},
		{"faults", faultPlan{faults: standardFaults(codes...), rounds: rounds}.run},
		{"full", fullPlan{filesystem: "tmpfs", cycles: cycles}.run},
		{"short writes", limitPlan{cycles: cycles}.run},
		{"imports", importPlan{cycles: max(1, cycles/4), load: 50 * time.Millisecond}.run},
		{"backup", backupPlan{durability: "always", cycles: cycles / 2, load: load}.run},
		{"memory", memoryPlan{cycles: harnesstest.Scale(1, 9), load: 500 * time.Millisecond}.run},
		{"stops", stopPlan{rounds: rounds}.run},
		{"soak", soakPlan{length: soak, killEvery: soak / 2, snapshots: 200 * time.Millisecond, peak: 300 * time.Millisecond}.run},
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
