package status

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// State is how a server is, as a whole.
type State string

// The states.
const (
	// Well: there is nothing to warn of.
	Well State = "well"
	// Warned: it takes records, and somebody should look at it.
	Warned State = "warning"
	// Down: it takes no records, or does not answer.
	Down State = "down"
)

// Reading is what a server shows at one moment.
type Reading struct {
	At      time.Time
	Metrics Metrics
	// NotReady is why it takes no records, in its own words; empty if it does.
	NotReady string
}

// Report is how a server is. What is counted is counted since its start.
type Report struct {
	State    State    `json:"state"`
	Reason   string   `json:"reason"` // why it is down; empty if it is not
	Warnings []string `json:"warnings"`

	Server   *Server   `json:"server"` // nil where it does not answer
	Records  *Records  `json:"records"`
	Disk     *Disk     `json:"disk"`
	Memory   *Usage    `json:"memory_bytes"`
	Counters *Usage    `json:"counters"`
	Benefits *Usage    `json:"benefits"`
	Asked    time.Time `json:"asked_at"`
}

// Server is the process.
type Server struct {
	Version         string    `json:"version"`
	Revision        string    `json:"revision"`
	Since           time.Time `json:"since"`
	RecoverySeconds float64   `json:"recovery_seconds"`
}

// Records are those that clients posted.
type Records struct {
	Recorded  uint64     `json:"recorded"`
	PerSecond float64    `json:"per_second"` // between the two readings
	LastAt    *time.Time `json:"last_at"`    // nil for none since the start
	Rejected  uint64     `json:"rejected"`
	Reasons   []Reason   `json:"rejected_by_reason"` // most records first
	Overflow  uint64     `json:"counted_as_other"`
}

// Reason is why records were rejected.
type Reason struct {
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Records uint64 `json:"records"`
}

// Disk is what is on disk, and what is not yet.
type Disk struct {
	// BehindSeconds is how long the oldest acknowledged record waits to survive a loss
	// of power.
	BehindSeconds float64 `json:"behind_seconds"`
	// SyncSeconds is what 99 of 100 syncs of the journal took at most; nil before the
	// first, and where it was longer than the histogram reaches.
	SyncSeconds        *float64 `json:"sync_seconds_p99"`
	SnapshotAgeSeconds float64  `json:"snapshot_age_seconds"`
	KeptBytes          uint64   `json:"kept_bytes"`
	FreeBytes          *uint64  `json:"free_bytes"` // nil where the system does not say
	ClosedDays         uint64   `json:"closed_days"`
	// BackedUpAt is when object storage last had everything; nil for never since the
	// start, and where there is none.
	BackedUpAt *time.Time `json:"backed_up_at"`
}

// Usage is how much there is of what has a limit.
type Usage struct {
	Used  uint64 `json:"used"`
	Limit uint64 `json:"limit"` // 0 for none
}

// ExitCode is what a script sees: 0 well, 1 a warning, 2 down.
func (r Report) ExitCode() int {
	switch r.State {
	case Well:
		return 0
	case Warned:
		return 1
	}
	return 2
}

// Unreachable is the report of a server that does not answer.
func Unreachable(at time.Time, reason string) Report {
	return Report{State: Down, Reason: reason, Warnings: []string{}, Asked: at}
}

// Compare makes a report of two readings of one server, the earlier first.
func Compare(before, now Reading) Report {
	report := Report{State: Well, Reason: now.NotReady, Asked: now.At, Server: serverOf(now.Metrics)}
	if len(now.Metrics["stats_recorder_records_accepted_total"]) > 0 { // else it recovers
		report.Records = recordsOf(before, now)
		report.Disk = diskOf(now.Metrics)
		report.Counters = usageOf(now.Metrics, "stats_recorder_counters", "MAX_COUNTERS")
		report.Benefits = usageOf(now.Metrics, "stats_recorder_benefits", "MAX_BENEFITS")
	}
	report.Memory = memoryOf(now.Metrics)
	report.Warnings = warningsOf(before.Metrics, now.Metrics)
	switch {
	case report.Reason != "":
		report.State = Down
	case len(report.Warnings) > 0:
		report.State = Warned
	}
	return report
}

func serverOf(m Metrics) *Server {
	return &Server{
		Version:         m.label("stats_recorder_build_info", "version"),
		Revision:        m.label("stats_recorder_build_info", "revision"),
		Since:           time.Unix(int64(m.value("process_start_time_seconds")), 0).UTC(),
		RecoverySeconds: m.value("stats_recorder_recovery_seconds"),
	}
}

const accepted, rejected = "stats_recorder_records_accepted_total", "stats_recorder_records_rejected_total"

func recordsOf(before, now Reading) *Records {
	m := now.Metrics
	records := &Records{
		Recorded: uint64(m.value(accepted)),
		Rejected: uint64(m.value(rejected)),
		Overflow: uint64(m.value("stats_recorder_records_overflowed_total")),
		Reasons:  reasonsOf(m),
	}
	if elapsed := now.At.Sub(before.At).Seconds(); elapsed > 0 {
		// A server that has started again in between begins at 0.
		records.PerSecond = max(0, m.value(accepted)-before.Metrics.value(accepted)) / elapsed
	}
	if seconds := m.value("stats_recorder_last_commit_timestamp_seconds"); seconds > 0 {
		at := time.UnixMilli(int64(seconds * 1000)).UTC()
		records.LastAt = &at
	}
	return records
}

func reasonsOf(m Metrics) []Reason {
	counts := map[Reason]uint64{}
	for _, sample := range m[rejected] {
		counts[Reason{Field: sample.Labels["field"], Reason: sample.Labels["reason"]}] += uint64(sample.Value)
	}
	reasons := []Reason{}
	for _, reason := range slices.Collect(maps.Keys(counts)) {
		if reason.Records = counts[reason]; reason.Records > 0 {
			reasons = append(reasons, reason)
		}
	}
	slices.SortFunc(reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Reason, b.Reason))
	})
	return reasons
}

func diskOf(m Metrics) *Disk {
	disk := &Disk{
		BehindSeconds:      m.value("stats_recorder_unsynced_seconds"),
		SnapshotAgeSeconds: m.value("stats_recorder_snapshot_age_seconds"),
		ClosedDays:         uint64(m.value("stats_recorder_closed_days")),
		KeptBytes: uint64(m.value("stats_recorder_journal_bytes") + m.value("stats_recorder_snapshot_bytes") +
			m.value("stats_recorder_closed_days_bytes")),
	}
	if took := m.quantile("stats_recorder_journal_sync_seconds", 0.99); took > 0 && !math.IsInf(took, 1) {
		disk.SyncSeconds = &took
	}
	if len(m["stats_recorder_disk_free_bytes"]) > 0 {
		free := uint64(m.value("stats_recorder_disk_free_bytes"))
		disk.FreeBytes = &free
	}
	if at := m.value("stats_recorder_backup_timestamp_seconds"); at > 0 {
		backedUp := time.UnixMilli(int64(at * 1000)).UTC()
		disk.BackedUpAt = &backedUp
	}
	return disk
}

func usageOf(m Metrics, name, setting string) *Usage {
	return &Usage{Used: uint64(m.value(name)), Limit: uint64(m.sum("stats_recorder_limit", "setting", setting))}
}

// memoryOf compares the memory with what the garbage collector keeps to.
func memoryOf(m Metrics) *Usage {
	memory := &Usage{Used: uint64(m.value("process_resident_memory_bytes"))}
	if limit := m.value("go_memlimit_bytes"); limit < math.MaxInt64 {
		memory.Limit = uint64(limit)
	}
	return memory
}
