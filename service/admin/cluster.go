package admin

import (
	"io"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Cluster is what there is to say of a node that counts with others.
type Cluster struct {
	// Joined says whether the log was met since the start, Trouble whether it cannot be
	// used.
	Joined, Trouble bool
	// Position is up to where the log is merged, End where it ended when last asked.
	Position, End uint64
	// Lag is since when not all of the log is merged, -1 for ever.
	Lag time.Duration
	// Waiting is how many bytes of counters wait for the log, Outbox how many frames are
	// kept because most nodes may lack them, Failing for how long the log has taken none.
	// Untold is how old the oldest acknowledged count may be that the log does not have, -1
	// while that is not known.
	Waiting int64
	Outbox  int
	Failing time.Duration
	Untold  time.Duration
	// Skew is how far the clock of the log's servers is ahead.
	Skew time.Duration
	// Nodes is how many share states, and SharedAt when this one last did.
	Nodes    int
	SharedAt time.Time
	// Apart is set while states that nodes have shared with the same frames have other counts.
	Apart bool
	// Differing is how many settings are not those of the node that opened the log last.
	Differing int
	// Used is how many bytes the log has, and Limit how many it takes.
	Used, Limit int64
	// The rest are frames since the start.
	Appended, AppendedBytes, Merged, Skipped, Repeated uint64
}

// addCluster adds the figures of a node with others. One that counts alone has none.
func (m *Metrics) addCluster() {
	value := func(name, kind, help string, read func(*Cluster) float64) {
		m.visited(name, kind, help, func(w io.Writer) {
			switch c := m.figures.Cluster; {
			case c == nil:
			case kind == "counter":
				metrics.WriteCounterUint64(w, name, uint64(read(c)))
			default:
				metrics.WriteGaugeFloat64(w, name, read(c))
			}
		})
	}
	flag := func(is bool) float64 {
		if is {
			return 1
		}
		return 0
	}
	value("stats_recorder_log_joined", "gauge", "Whether the log was met since the start, 1 or 0.", func(c *Cluster) float64 { return flag(c.Joined) })
	value("stats_recorder_log_trouble", "gauge", "Whether the log cannot be used, 1 or 0.", func(c *Cluster) float64 { return flag(c.Trouble) })
	value("stats_recorder_log_position", "gauge", "Up to where the log is merged.", func(c *Cluster) float64 { return float64(c.Position) })
	value("stats_recorder_log_end", "gauge", "Where the log ended when it was last asked.", func(c *Cluster) float64 { return float64(c.End) })
	since := func(duration time.Duration) float64 {
		if duration < 0 {
			return -1
		}
		return duration.Seconds()
	}
	value("stats_recorder_log_lag_seconds", "gauge", "Since when not all of the log is merged; -1 if it never was.", func(c *Cluster) float64 { return since(c.Lag) })
	value("stats_recorder_log_waiting_bytes", "gauge", "Counters that wait for the log.", func(c *Cluster) float64 { return float64(c.Waiting) })
	value("stats_recorder_log_outbox_frames", "gauge", "Frames that are kept because most nodes may lack them.", func(c *Cluster) float64 { return float64(c.Outbox) })
	value("stats_recorder_log_failing_seconds", "gauge", "For how long the log has taken no frames.", func(c *Cluster) float64 { return c.Failing.Seconds() })
	value("stats_recorder_log_untold_seconds", "gauge", "How old the oldest acknowledged count may be that the log does not have; -1 while that is not known.", func(c *Cluster) float64 { return since(c.Untold) })
	value("stats_recorder_log_clock_skew_seconds", "gauge", "How far the clock of the log's servers is ahead.", func(c *Cluster) float64 { return c.Skew.Seconds() })
	value("stats_recorder_log_nodes", "gauge", "Nodes that share states.", func(c *Cluster) float64 { return float64(c.Nodes) })
	value("stats_recorder_log_shared_seconds", "gauge", "When the state was last shared, in seconds since 1970.", func(c *Cluster) float64 {
		if c.SharedAt.IsZero() {
			return 0
		}
		return float64(c.SharedAt.Unix())
	})
	value("stats_recorder_log_apart", "gauge", "Whether states of nodes with the same frames have other counts, 1 or 0.", func(c *Cluster) float64 { return flag(c.Apart) })
	value("stats_recorder_log_differing_settings", "gauge", "Settings that are not those of the node that opened the log last.", func(c *Cluster) float64 { return float64(c.Differing) })
	value("stats_recorder_log_used_bytes", "gauge", "What the log holds.", func(c *Cluster) float64 { return float64(c.Used) })
	value("stats_recorder_log_limit_bytes", "gauge", "How much the log takes.", func(c *Cluster) float64 { return float64(c.Limit) })
	value("stats_recorder_log_appended_frames_total", "counter", "Frames that the log took from this node.", func(c *Cluster) float64 { return float64(c.Appended) })
	value("stats_recorder_log_appended_bytes_total", "counter", "Their payloads.", func(c *Cluster) float64 { return float64(c.AppendedBytes) })
	value("stats_recorder_log_merged_frames_total", "counter", "Frames of other nodes that were merged.", func(c *Cluster) float64 { return float64(c.Merged) })
	value("stats_recorder_log_skipped_frames_total", "counter", "Frames read that the node had: its own, and repetitions.", func(c *Cluster) float64 { return float64(c.Skipped) })
	value("stats_recorder_log_repaired_frames_total", "counter", "Frames appended again because the log had lost them.", func(c *Cluster) float64 { return float64(c.Repeated) })
}
