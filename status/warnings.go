package status

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// What there is to warn of, as in deploy/alerts.yml.
const (
	leastFreeBytes     = 1e9
	oldestSnapshot     = 900 // seconds
	slowestSync        = 0.5 // seconds
	longestBehind      = 10  // seconds; with DURABILITY=snapshot the age of the snapshot says it
	mostRejected       = 0.1 // of all records
	leastTelling       = 100 // records, of which a share says something
	nearLimit          = 0.9 // of a limit
	longestLag         = 60  // seconds
	mostWaiting        = 0.5 // of LOG_BACKLOG
	fullLog            = 0.8 // of what the log takes
	connectionsRefused = "connections_refused"
	acceptFailures     = "accept_failures"
)

// rule says whether there is something to warn of, in words, or returns "".
type rule func(before, now Metrics) string

// rules are in the order in which they matter. What has happened once and is over warns
// while it happens: between the two readings. What has to be looked at warns until the
// next start.
var rules = []rule{
	func(before, now Metrics) string {
		return when(grown(before, now, "stats_recorder_commits_refused_total", "") > 0,
			"the disk does not take records, and clients get 503; see the log")
	},
	func(_, now Metrics) string {
		free := now["stats_recorder_disk_free_bytes"]
		return when(len(free) > 0 && free[0].Value < leastFreeBytes,
			"only %s are free for the data directory; records get 503 when it is full", humanize.Bytes(uint64(now.value("stats_recorder_disk_free_bytes"))))
	},
	func(_, now Metrics) string {
		age := now.value("stats_recorder_snapshot_age_seconds")
		return when(age > oldestSnapshot, "no snapshot was written for %s, and the journal grows; see the log", seconds(age))
	},
	func(before, now Metrics) string {
		return when(grown(before, now, "stats_recorder_snapshot_failures_total", "") > 0, "a snapshot could not be written; see the log")
	},
	func(_, now Metrics) string {
		return when(now.value("stats_recorder_backup_failing") > 0,
			"nothing reaches object storage, so that the disk is all there is; see the log")
	},
	func(_, now Metrics) string {
		behind := now.value("stats_recorder_unsynced_seconds")
		isSnapshots := behind == now.value("stats_recorder_snapshot_age_seconds")
		return when(behind > longestBehind && !isSnapshots, "the disk is %s behind what was acknowledged", seconds(behind))
	},
	func(_, now Metrics) string {
		return when(now.quantile("stats_recorder_journal_sync_seconds", 0.99) > slowestSync,
			"one in a hundred syncs of the journal takes longer than half a second")
	},
	func(_, now Metrics) string {
		days := now.value("stats_recorder_damaged_days_total")
		return when(days > 0, "of %s a file was damaged and set aside; see the log, and have the disk checked", several(uint64(days), "closed day"))
	},
	func(_, now Metrics) string {
		return when(now.value("stats_recorder_recovery_warnings") > 0,
			"the start found damaged files that cost nothing yet; see the log, and have the disk checked")
	},
	func(_, now Metrics) string {
		return when(now.value("stats_recorder_clock_doubted") > 0,
			"the clock is ahead of the time that has passed, and RETENTION waits: set it right, or confirm it at /clock")
	},
	func(_, now Metrics) string {
		return when(now.value("stats_recorder_log_trouble") > 0,
			"the log that nodes share takes nothing, cannot be used, or not be merged any further, and what is counted here waits; see the log of the server")
	},
	func(_, now Metrics) string {
		lag := now.value("stats_recorder_log_lag_seconds")
		return when(lag > longestLag && now.value("stats_recorder_log_trouble") == 0,
			"this node lacks what others have told for %s", seconds(lag))
	},
	func(_, now Metrics) string {
		waiting, limit := now.value("stats_recorder_log_waiting_bytes"), now.sum("stats_recorder_limit", "setting", "LOG_BACKLOG")
		if waiting > limit {
			return fmt.Sprintf("LOG_BACKLOG is reached, and posts get 503 until the log takes the %s that wait for it", humanize.Bytes(uint64(waiting)))
		}
		return when(waiting > mostWaiting*limit, "%s wait for the log that nodes share; posts get 503 at LOG_BACKLOG", humanize.Bytes(uint64(waiting)))
	},
	func(_, now Metrics) string {
		used, limit := now.value("stats_recorder_log_used_bytes"), now.value("stats_recorder_log_limit_bytes")
		return when(used > fullLog*limit, "the log that nodes share is nearly full: %s of %s", humanize.Bytes(uint64(used)), humanize.Bytes(uint64(limit)))
	},
	func(_, now Metrics) string {
		differing := now.value("stats_recorder_log_differing_settings")
		return when(differing > 0, "of another node differ: %s; the log of the server says which, and nodes with other settings answer otherwise",
			several(uint64(differing), "setting"))
	},
	func(_, now Metrics) string {
		waits := now.value("stats_recorder_import_waiting_seconds")
		return when(waits > 0, "an import waits for %s to be told to other nodes: /readyz says what it waits for", seconds(waits))
	},
	func(_, now Metrics) string {
		return when(now.value("stats_recorder_log_apart") > 0,
			"nodes with the same frames have other counts; compare their directories with cluster hash")
	},
	func(_, now Metrics) string {
		bad := now.value(rejected)
		all := bad + now.value(accepted)
		return when(all >= leastTelling && bad > mostRejected*all, "%.0f%% of the records were rejected", 100*bad/max(1, all))
	},
	func(_, now Metrics) string {
		over := now.value("stats_recorder_records_overflowed_total")
		return when(over > 0, "counted as __other__, because MAX_BENEFITS or MAX_COUNTERS was reached: %s", several(uint64(over), "record"))
	},
	func(_, now Metrics) string {
		return when(now.value("stats_recorder_idempotency_keys_forgotten_total") > 0,
			"keys of batches are forgotten too early, so a batch that comes twice may count twice; see IDEMPOTENCY_KEYS")
	},
	func(_, now Metrics) string {
		return when(now.sum("stats_recorder_http_requests_total", "status", "500") > 0, "requests have failed inside; the log says why")
	},
	func(_, now Metrics) string {
		return when(now.sum("stats_recorder_defences_total", "kind", "panics") > 0, "a request has met a bug; the log has the place")
	},
	func(before, now Metrics) string {
		return when(grown(before, now, "stats_recorder_defences_total", "kind", connectionsRefused, acceptFailures) > 0,
			"connections are refused because there are too many; see MAX_CONNECTIONS")
	},
	func(_, now Metrics) string { return nearTo("memory", "the limit", memoryOf(now)) },
	func(_, now Metrics) string {
		return nearTo("counters", "MAX_COUNTERS", usageOf(now, "stats_recorder_counters", "MAX_COUNTERS"))
	},
	func(_, now Metrics) string {
		return nearTo("benefits", "MAX_BENEFITS", usageOf(now, "stats_recorder_benefits", "MAX_BENEFITS"))
	},
}

func warningsOf(before, now Metrics) []string {
	warnings := []string{}
	for _, rule := range rules {
		if warning := rule(before, now); warning != "" {
			warnings = append(warnings, warning)
		}
	}
	return warnings
}

// when is the words if there is something to warn of.
func when(something bool, words string, arguments ...any) string {
	if !something {
		return ""
	}
	return fmt.Sprintf(words, arguments...)
}

// grown is by how much a counter has grown between two readings.
func grown(before, now Metrics, name, label string, values ...string) float64 {
	return now.sum(name, label, values...) - before.sum(name, label, values...)
}

func nearTo(what, limit string, usage *Usage) string {
	return when(usage.Limit > 0 && float64(usage.Used) > nearLimit*float64(usage.Limit),
		"%s: %.0f%% of %s is used", what, 100*float64(usage.Used)/max(1, float64(usage.Limit)), limit)
}
