package admin

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Every metric's name is in this file, in the order in which /metrics has them.

// Requests are the figures of the public port. Reading them holds up no request.
type Requests interface {
	// Requests visits the routes and statuses; 0 stands for the rare ones.
	Requests(visit func(method, path string, status int, count uint64))
	// LatencyBounds are the buckets' upper bounds; the last bucket has none.
	LatencyBounds() []time.Duration
	// Latencies visits the routes with their buckets and the sum of all times.
	Latencies(visit func(method, path string, buckets []uint64, sum time.Duration))
	// Accepted is how many records were recorded.
	Accepted() uint64
	// Rejected visits the fields and reasons of records that were rejected.
	Rejected(visit func(field, reason string, records uint64))
	// LeftOut visits the fields of which a part was left out, and why.
	LeftOut(visit func(field, reason string, parts uint64))
	// Repeated visits what became of batches whose idempotency key came before.
	Repeated(visit func(outcome string, batches uint64))
	// IgnoredParameters visits the query parameters that no endpoint knows; the name
	// "other" stands for those beyond a number of names.
	IgnoredParameters(visit func(name string, requests uint64))
	// Defences visits the measures against too much, with how often each was taken.
	Defences(visit func(name string, count uint64))
	// Moves visits who serves connections: where they begin, and where some go on.
	Moves(visit func(to string, connections uint64))
}

// Figures are the counts and files of a server at one moment, and what its start found.
type Figures struct {
	Benefits, Counters   int
	OpenDays, ClosedDays int
	Overflowed           uint64
	OtherEvents          uint64
	// Keys is how many keys of batches are remembered, KeysForgotten how many were
	// forgotten since the start because there were too many.
	Keys          int
	KeysForgotten uint64

	JournalBytes, SnapshotBytes, ClosedBytes int64
	SnapshotAge                              time.Duration
	// Committed is when records last became a commit; the zero time if none did since
	// the start. Unsynced is how long the oldest acknowledged one waits to survive a
	// loss of power.
	Committed time.Time
	Unsynced  time.Duration
	// ImportWaits is for how long an import has waited to be told to other nodes, 0 for none.
	ImportWaits time.Duration
	// FreeBytes is the space that is left for the data directory, -1 where the
	// system does not say.
	FreeBytes int64

	Clock Clock

	// Words is how many texts of strangers have a number: variants and what is odd.
	Words int
	// Odd is what came that was odd, since the start.
	Odd []Odd
	// Insight are the figures of what tells what counts mean.
	Insight Insight
	// Visitors are nil while nobody counts them.
	Visitors *Visitors
	// Cluster is nil for a node that counts alone.
	Cluster *Cluster

	// Limits are settings that bound what the server holds, in their own units.
	Limits []Limit

	RecoveryTook      time.Duration
	RecoveredCommits  int
	RecoveryTornBytes int64
	RecoveryWarnings  int
}

// A Limit is the value of a setting, by the name of its variable.
type Limit struct {
	Setting string
	Value   int64
}

// An Odd is how often something came that was odd. Field and Name may be empty.
type Odd struct {
	Field, Reason, Name string
	Times               uint64
}

// Insight are figures of fits since the start, and of what is kept of them.
type Insight struct {
	Fits      uint64
	FitTime   time.Duration
	KeptBytes int
	KeptFound uint64
}

// Visitors are the figures of the ledger of visitors, of all days that are open.
type Visitors struct {
	Kept, Pairs, Bytes uint64
	// SampleRate is the lowest of the days, 1 where all visitors are kept.
	SampleRate float64
	// Unplaced are assignments that were left out or count under Other.
	Anonymous, Unplaced uint64
	// Refused are records of days that are not open any more, Lost days whose visitors
	// were given up, both since the start.
	Refused, Lost uint64
}

// Build says what is running. Date is when the revision was made, in RFC 3339.
type Build struct{ Version, Revision, Date, GoVersion string }

// Metrics are all figures of one server. It is the observer of its disk, which
// tells it what happens there.
type Metrics struct {
	families []family

	commits, refused, snapshots, failures, damagedDays *metrics.Counter

	backups, backupBytes, backupFailures *metrics.Counter
	backedUp                             atomic.Int64 // when, in milliseconds since 1970; 0 for never
	backupFailing                        atomic.Bool

	frames, syncs, written *metrics.PrometheusHistogram

	// mu guards what one answer is made from.
	mu      sync.Mutex
	ready   bool
	subject *Subject
	figures Figures
}

// family is the metrics of one name, in a set of their own so that the name's help
// can be written before them.
type family struct {
	name, kind, help string
	set              *metrics.Set
}

// NewMetrics returns the metrics of a server that has done nothing yet.
func NewMetrics(build Build) *Metrics {
	m := &Metrics{}
	m.gauge("stats_recorder_ready", "Whether the server is recovered and takes records.", func() float64 {
		if m.ready {
			return 1
		}
		return 0
	})
	info := m.family("stats_recorder_build_info", "gauge", "What is running; always 1.")
	info.NewGauge(label("stats_recorder_build_info", "version", build.Version, "revision", build.Revision,
		"goversion", build.GoVersion), func() float64 { return 1 })
	m.addRequests()
	m.addDisk()
	m.addFigures()
	m.addVisitors()
	m.addInsight()
	m.addCluster()
	return m
}

func (m *Metrics) addVisitors() {
	gauge := func(name, help string, read func(*Visitors) float64) {
		m.visited(name, "gauge", help, func(w io.Writer) {
			if v := m.figures.Visitors; v != nil {
				metrics.WriteGaugeFloat64(w, name, read(v))
			}
		})
	}
	counter := func(name, help string, read func(*Visitors) uint64) {
		m.visited(name, "counter", help, func(w io.Writer) {
			if v := m.figures.Visitors; v != nil {
				metrics.WriteCounterUint64(w, name, read(v))
			}
		})
	}
	gauge("stats_recorder_visitors", "Visitors of open days that are told apart.", func(v *Visitors) float64 { return float64(v.Kept) })
	gauge("stats_recorder_visitor_pairs", "Pairs of visitor and benefit of open days that are told apart.", func(v *Visitors) float64 { return float64(v.Pairs) })
	gauge("stats_recorder_visitor_bytes", "Memory of the open days' visitors.", func(v *Visitors) float64 { return float64(v.Bytes) })
	gauge("stats_recorder_visitor_sample_rate", "Lowest rate of the samples of open days; 1 where all visitors are counted.", func(v *Visitors) float64 { return v.SampleRate })
	gauge("stats_recorder_anonymous_records", "Records of open days whose hash_id is no visitor's.", func(v *Visitors) float64 { return float64(v.Anonymous) })
	gauge("stats_recorder_unplaced_assignments", "Variants of open days' visitors that count as __other__ or not at all.", func(v *Visitors) float64 { return float64(v.Unplaced) })
	counter("stats_recorder_visitor_records_refused_total", "Records whose visitors were not counted, because their day is not open any more.", func(v *Visitors) uint64 { return v.Refused })
	counter("stats_recorder_visitor_days_lost_total", "Days whose visitors were given up, because too many were open at once.", func(v *Visitors) uint64 { return v.Lost })
}

func (m *Metrics) addInsight() {
	const odd = "stats_recorder_odd_input_total"
	m.visited(odd, "counter", "Posts and records that were odd, as /insight/quality has them by day.", func(w io.Writer) {
		for _, o := range m.figures.Odd {
			metrics.WriteCounterUint64(w, label(odd, "field", o.Field, "reason", o.Reason, "name", o.Name), o.Times)
		}
	})
	m.figure("stats_recorder_words", "Names of variants and of what is odd that have a number for good; there is room for 4096.",
		func() float64 { return float64(m.figures.Words) })
	m.visitedCounter("stats_recorder_insight_fits_total", "Windows that were fitted.", func() uint64 { return m.figures.Insight.Fits })
	const seconds = "stats_recorder_insight_fit_seconds_total"
	m.visited(seconds, "counter", "Time that fits took.", func(w io.Writer) {
		metrics.WriteCounterFloat64(w, seconds, m.figures.Insight.FitTime.Seconds())
	})
	m.figure("stats_recorder_insight_kept_bytes", "Memory of windows that are kept for the next who asks.",
		func() float64 { return float64(m.figures.Insight.KeptBytes) })
	m.visitedCounter("stats_recorder_insight_kept_found_total", "Reads that found what was kept.", func() uint64 { return m.figures.Insight.KeptFound })
}

func (m *Metrics) addRequests() {
	const requests, duration = "stats_recorder_http_requests_total", "stats_recorder_http_request_duration_seconds"
	m.visited(requests, "counter", "Requests answered; method and path are the route's, status 0 is a rare one.", func(w io.Writer) {
		m.subject.Requests.Requests(func(method, path string, status int, count uint64) {
			metrics.WriteCounterUint64(w, label(requests, "method", method, "path", path, "status", strconv.Itoa(status)), count)
		})
	})
	m.visited(duration, "histogram", "Time from the whole request to the whole answer.", func(w io.Writer) {
		bounds := m.subject.Requests.LatencyBounds()
		m.subject.Requests.Latencies(func(method, path string, buckets []uint64, sum time.Duration) {
			writeHistogram(w, duration, []string{"method", method, "path", path}, bounds, buckets, sum)
		})
	})
	m.visitedCounter("stats_recorder_records_accepted_total", "Records recorded.", func() uint64 { return m.subject.Requests.Accepted() })
	const rejected = "stats_recorder_records_rejected_total"
	m.visited(rejected, "counter", "Records rejected, by the first field that was wrong.", func(w io.Writer) {
		m.subject.Requests.Rejected(func(field, reason string, records uint64) {
			metrics.WriteCounterUint64(w, label(rejected, "field", field, "reason", reason), records)
		})
	})
	const ignoredFields = "stats_recorder_ignored_fields_total"
	m.visited(ignoredFields, "counter", "Parts of good records that were left out, by field.", func(w io.Writer) {
		m.subject.Requests.LeftOut(func(field, reason string, parts uint64) {
			metrics.WriteCounterUint64(w, label(ignoredFields, "field", field, "reason", reason), parts)
		})
	})
	const ignoredParameters = "stats_recorder_ignored_parameters_total"
	m.visited(ignoredParameters, "counter", "Reads with a query parameter that the endpoint does not know, by its name.", func(w io.Writer) {
		m.subject.Requests.IgnoredParameters(func(name string, requests uint64) {
			metrics.WriteCounterUint64(w, label(ignoredParameters, "name", name), requests)
		})
	})
	const repeated = "stats_recorder_repeated_batches_total"
	m.visited(repeated, "counter", "Batches whose idempotency key came before: answered as the first, or refused for another body.", func(w io.Writer) {
		m.subject.Requests.Repeated(func(outcome string, batches uint64) {
			metrics.WriteCounterUint64(w, label(repeated, "outcome", outcome), batches)
		})
	})
	m.visitedCounter("stats_recorder_records_overflowed_total",
		"Records counted under __other__, because MAX_BENEFITS or MAX_COUNTERS is reached.", func() uint64 { return m.figures.Overflowed })
	m.visitedCounter("stats_recorder_other_events_total",
		"Records counted under the event type __other__, because there are as many types as can be told apart.", func() uint64 { return m.figures.OtherEvents })
	const defences = "stats_recorder_defences_total"
	m.visited(defences, "counter", "What was refused or cut short because there was too much of it, and panics.", func(w io.Writer) {
		m.subject.Requests.Defences(func(name string, count uint64) {
			metrics.WriteCounterUint64(w, label(defences, "kind", name), count)
		})
	})
	const moves = "stats_recorder_connection_moves_total"
	m.visited(moves, "counter", "Connections that began in an event loop, and those of them that went on to the HTTP library.", func(w io.Writer) {
		m.subject.Requests.Moves(func(to string, connections uint64) {
			metrics.WriteCounterUint64(w, label(moves, "to", to), connections)
		})
	})
}

func (m *Metrics) addDisk() {
	m.commits = m.counter("stats_recorder_commits_total", "Commits written to the journal.")
	m.refused = m.counter("stats_recorder_commits_refused_total", "Commits that the disk did not take; their records got 503.")
	m.frames = m.histogram("stats_recorder_journal_frame_bytes", "Size of a commit in the journal.",
		[]float64{64, 128, 256, 512, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20})
	m.syncs = m.histogram("stats_recorder_journal_sync_seconds", "Time to sync the journal.",
		[]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10})
	m.figure("stats_recorder_journal_bytes", "Size of the journal files, with the space they reserve.", func() float64 { return float64(m.figures.JournalBytes) })
	m.figure("stats_recorder_snapshot_age_seconds", "Time since the newest snapshot held everything.", func() float64 { return m.figures.SnapshotAge.Seconds() })
	m.figure("stats_recorder_unsynced_seconds", "How long the oldest acknowledged record waits to survive a loss of power.", func() float64 { return m.figures.Unsynced.Seconds() })
	const committed = "stats_recorder_last_commit_timestamp_seconds"
	m.visited(committed, "gauge", "When records last became a commit, since the start.", func(w io.Writer) {
		if at := m.figures.Committed; !at.IsZero() {
			metrics.WriteGaugeFloat64(w, committed, float64(at.UnixMilli())/1000)
		}
	})
	m.written = m.histogram("stats_recorder_snapshot_duration_seconds", "Time to write a snapshot.",
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60})
	m.figure("stats_recorder_snapshot_bytes", "Size of the newest snapshot.", func() float64 { return float64(m.figures.SnapshotBytes) })
	const free = "stats_recorder_disk_free_bytes"
	m.visited(free, "gauge", "Space that is left for the data directory.", func(w io.Writer) {
		if m.figures.FreeBytes >= 0 {
			metrics.WriteGaugeUint64(w, free, uint64(m.figures.FreeBytes))
		}
	})
	m.backups = m.counter("stats_recorder_backups_total", "Rounds of backups to object storage that went well.")
	m.backupBytes = m.counter("stats_recorder_backup_bytes_total", "Bytes uploaded to object storage.")
	m.backupFailures = m.counter("stats_recorder_backup_failures_total", "Rounds of backups to object storage that failed.")
	const backedUp = "stats_recorder_backup_timestamp_seconds"
	m.visited(backedUp, "gauge", "When object storage last had everything, since the start.", func(w io.Writer) {
		if at := m.backedUp.Load(); at > 0 {
			metrics.WriteGaugeFloat64(w, backedUp, float64(at)/1000)
		}
	})
	m.figure("stats_recorder_backup_failing", "Whether the last round of backups to object storage failed.", func() float64 {
		if m.backupFailing.Load() {
			return 1
		}
		return 0
	})
	m.snapshots = m.counter("stats_recorder_snapshots_total", "Snapshots written.")
	m.failures = m.counter("stats_recorder_snapshot_failures_total", "Snapshots that could not be written.")
	m.damagedDays = m.counter("stats_recorder_damaged_days_total", "Files of closed days that were damaged and set aside.")
}

func (m *Metrics) addFigures() {
	m.figure("stats_recorder_benefits", "Names of benefits that have been seen.", func() float64 { return float64(m.figures.Benefits) })
	m.figure("stats_recorder_counters", "Counters in memory.", func() float64 { return float64(m.figures.Counters) })
	const limit = "stats_recorder_limit"
	m.visited(limit, "gauge", "Settings that bound what the server holds.", func(w io.Writer) {
		for _, l := range m.figures.Limits {
			metrics.WriteGaugeUint64(w, label(limit, "setting", l.Setting), uint64(l.Value))
		}
	})
	m.figure("stats_recorder_idempotency_keys", "Keys of batches that are remembered.", func() float64 { return float64(m.figures.Keys) })
	m.visitedCounter("stats_recorder_idempotency_keys_forgotten_total", "Keys of batches that were forgotten because there were too many.",
		func() uint64 { return m.figures.KeysForgotten })
	m.figure("stats_recorder_import_waiting_seconds", "For how long an import has waited to be told to other nodes; 0 for none.", func() float64 { return m.figures.ImportWaits.Seconds() })
	m.figure("stats_recorder_open_days", "Days that are in memory.", func() float64 { return float64(m.figures.OpenDays) })
	m.figure("stats_recorder_closed_days", "Days that are in files of their own.", func() float64 { return float64(m.figures.ClosedDays) })
	m.figure("stats_recorder_closed_days_bytes", "Size of the closed days' files.", func() float64 { return float64(m.figures.ClosedBytes) })
	m.figure("stats_recorder_clock_doubted", "Whether the clock is ahead of the time that has passed, 1 or 0.", func() float64 {
		if m.figures.Clock.Doubted {
			return 1
		}
		return 0
	})
	m.figure("stats_recorder_retention_held_days", "Closed days that RETENTION would take, were the clock certain.", func() float64 { return float64(m.figures.Clock.HeldDays) })
	m.figure("stats_recorder_recovery_seconds", "Time that the start took to recover.", func() float64 { return m.figures.RecoveryTook.Seconds() })
	m.figure("stats_recorder_recovery_commits", "Commits that the start took from the journal.", func() float64 { return float64(m.figures.RecoveredCommits) })
	m.figure("stats_recorder_recovery_torn_bytes", "Unacknowledged bytes that the start cut off.", func() float64 { return float64(m.figures.RecoveryTornBytes) })
	m.figure("stats_recorder_recovery_warnings", "Damage that the start found, at no cost.", func() float64 { return float64(m.figures.RecoveryWarnings) })
}

// Committed counts a commit; see snapshot.Observer, which Metrics implements.
func (m *Metrics) Committed(frameBytes int) {
	m.commits.Inc()
	m.frames.Update(float64(frameBytes))
}

// Synced counts a sync of the journal.
func (m *Metrics) Synced(took time.Duration) { m.syncs.Update(took.Seconds()) }

// Refused counts a commit that the disk did not take.
func (m *Metrics) Refused() { m.refused.Inc() }

// SnapshotWritten counts a snapshot.
func (m *Metrics) SnapshotWritten(took time.Duration, _ int64) {
	m.snapshots.Inc()
	m.written.Update(took.Seconds())
}

// SnapshotFailed counts a snapshot that could not be written.
func (m *Metrics) SnapshotFailed(time.Duration) { m.failures.Inc() }

// DaysDamaged counts files of closed days that were damaged.
func (m *Metrics) DaysDamaged(days int) { m.damagedDays.Add(days) }

// BackedUp counts a round after which object storage has everything, and the bytes that it
// took.
func (m *Metrics) BackedUp(bytes int64) {
	m.backups.Inc()
	m.backupBytes.Add(int(bytes))
	m.backedUp.Store(time.Now().UnixMilli())
	m.backupFailing.Store(false)
}

// BackupFailed counts a round that failed.
func (m *Metrics) BackupFailed() {
	m.backupFailures.Inc()
	m.backupFailing.Store(true)
}

// write writes all families and the figures of the process. Without a subject it
// leaves out the figures that only a subject has.
func (m *Metrics) write(w io.Writer, subject *Subject, ready bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subject, m.ready = subject, ready
	if subject != nil {
		m.figures = subject.Figures()
	}
	for _, f := range m.families {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		f.set.WritePrometheus(w)
	}
	metrics.WriteProcessMetrics(w)
}
