package status

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
)

// maxReasons is how many reasons of rejected records are printed.
const maxReasons = 5

// Print writes a report for a person: a line for each thing, the state first and the
// warnings last.
func (r Report) Print(output io.Writer) error {
	lines := []string{line("state", string(r.State)+reasonOf(r))}
	if r.Server != nil {
		lines = append(lines, r.serverLines()...)
	}
	if r.Records != nil {
		lines = append(lines, r.recordLines()...)
		lines = append(lines, r.diskLines()...)
		lines = append(lines,
			line("counters", ofLimit(r.Counters, "MAX_COUNTERS")),
			line("benefits", ofLimit(r.Benefits, "MAX_BENEFITS")))
	}
	for _, warning := range r.Warnings {
		lines = append(lines, line("warning", warning))
	}
	_, err := io.WriteString(output, strings.Join(lines, "\n")+"\n")
	return err
}

func line(name, text string) string { return fmt.Sprintf("%-12s %s", name, text) }

func reasonOf(r Report) string {
	if r.Reason == "" {
		return ""
	}
	return ": " + r.Reason
}

func (r Report) serverLines() []string {
	limit := ", without a limit"
	if r.Memory.Limit > 0 {
		limit = " of " + humanize.Bytes(r.Memory.Limit)
	}
	return []string{
		line("version", r.Server.Version+", revision "+r.Server.Revision),
		line("since", fmt.Sprintf("%s, for %s; the start took %s", r.Server.Since.Format(time.DateTime+" UTC"),
			r.elapsed(r.Server.Since), seconds(r.Server.RecoverySeconds))),
		line("memory", humanize.Bytes(r.Memory.Used)+limit),
	}
}

func (r Report) recordLines() []string {
	records, last := r.Records, "none since the start"
	if records.LastAt != nil {
		last = records.LastAt.Format(time.DateTime+" UTC") + ", " + r.elapsed(*records.LastAt) + " ago"
	}
	lines := []string{
		line("recorded", fmt.Sprintf("%s since the start, %s a second now", number(records.Recorded), humanize.FtoaWithDigits(records.PerSecond, 1))),
		line("last event", last),
		line("rejected", number(records.Rejected)),
	}
	for _, reason := range records.Reasons[:min(len(records.Reasons), maxReasons)] {
		lines = append(lines, line("", fmt.Sprintf("%s %s: %s", reason.Field, reason.Reason, number(reason.Records))))
	}
	if more := len(records.Reasons) - maxReasons; more > 0 {
		lines = append(lines, line("", fmt.Sprintf("and %d more %s", more, english.PluralWord(more, "reason", ""))))
	}
	return lines
}

func (r Report) diskLines() []string {
	sync, free := "none yet", "unknown"
	if r.Disk.SyncSeconds != nil {
		sync = "99 of 100 within " + seconds(*r.Disk.SyncSeconds)
	}
	if r.Disk.FreeBytes != nil {
		free = humanize.Bytes(*r.Disk.FreeBytes)
	}
	lines := []string{
		line("to disk", fmt.Sprintf("%s behind; syncs: %s", seconds(r.Disk.BehindSeconds), sync)),
		line("snapshot", seconds(r.Disk.SnapshotAgeSeconds)+" old"),
		line("disk", fmt.Sprintf("%s kept, %s; %s free", humanize.Bytes(r.Disk.KeptBytes), several(r.Disk.ClosedDays, "closed day"), free)),
	}
	if at := r.Disk.BackedUpAt; at != nil {
		lines = append(lines, line("backup", "all that was counted "+r.elapsed(*at)+" ago is in object storage"))
	}
	return lines
}

// elapsed is how long before the report a time was.
func (r Report) elapsed(since time.Time) string { return seconds(max(0, r.Asked.Sub(since).Seconds())) }

func number(count uint64) string { return humanize.Comma(int64(min(count, math.MaxInt64))) }

// several is a number of things, such as 1 day or 2 days.
func several(count uint64, thing string) string {
	return number(count) + " " + english.PluralWord(int(min(count, 2)), thing, "")
}

// ofLimit is how much there is of what a setting bounds.
func ofLimit(usage *Usage, setting string) string {
	return fmt.Sprintf("%s of %s=%d", number(usage.Used), setting, usage.Limit)
}

// seconds is a length of time with the two units that matter.
func seconds(length float64) string {
	elapsed := time.Duration(length * float64(time.Second))
	const day = 24 * time.Hour
	switch {
	case elapsed >= day:
		return fmt.Sprintf("%dd%dh", elapsed/day, elapsed%day/time.Hour)
	case elapsed >= time.Hour:
		return fmt.Sprintf("%dh%dm", elapsed/time.Hour, elapsed%time.Hour/time.Minute)
	case elapsed >= 10*time.Second:
		return elapsed.Round(time.Second).String()
	case elapsed >= time.Second:
		return elapsed.Round(100 * time.Millisecond).String()
	}
	return elapsed.Round(100 * time.Microsecond).String()
}
