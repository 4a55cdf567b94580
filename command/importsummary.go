package command

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"stats-recorder/exchange/importer"
)

// printSummary prints the skipped documents first and the totals last, where they
// are still on the screen.
func printSummary(output io.Writer, s importer.Summary, hidden *unshown, list string) {
	printSkipped(output, s, list)
	if !s.Earliest.IsZero() {
		fmt.Fprintf(output, "from %s to %s\n", dateTime(s.Earliest), dateTime(s.Latest))
	}
	if s.Undated > 0 {
		fmt.Fprintf(output, "without a time, in the sums of all time only: %d\n", s.Undated)
	}
	hidden.print(output)
	if s.Unplaced > 0 {
		fmt.Fprintf(output, "without an ObjectId as _id, so that another import of them is only noticed if it is of the same documents: %d\n", s.Unplaced)
	}
	if s.AgainUnknown {
		fmt.Fprintln(output, "there are too many documents in no order to tell whether one of them is there twice")
	}
	if s.Events != s.Counted {
		fmt.Fprintf(output, "events in the documents counted: %d\n", s.Events)
	}
	before := ""
	if s.Covered > 0 {
		before = fmt.Sprintf(" + imported before %d", s.Covered)
	}
	fmt.Fprintf(output, "read %s = counted %d + skipped %d%s\n", several(s.Read, "document"), s.Counted, s.Skipped, before)
}

func printSkipped(output io.Writer, s importer.Summary, list string) {
	for _, example := range s.Examples {
		have := ""
		if example.Have != "" {
			have = ": " + example.Have
		}
		fmt.Fprintf(output, "  %s at byte %d, _id %s: %s%s\n", example.Path, example.Offset, example.ID, example.Reason, have)
	}
	if more := s.Skipped - uint64(len(s.Examples)); more > 0 {
		where := "; --skipped FILE lists all"
		if list != "" {
			where = ""
		}
		fmt.Fprintf(output, "  and %d more%s\n", more, where)
	}
	if list != "" {
		fmt.Fprintf(output, "every skipped document is in %q\n", list)
	}
	for _, reason := range slices.Sorted(maps.Keys(s.Reasons)) {
		fmt.Fprintf(output, "skipped %d: %s\n", s.Reasons[reason], reason)
	}
}
