package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"
)

// The history that a server begins with: on each day, each benefit was counted at the same
// places, so that the sums of all days have as many counters as one day.
const (
	historyBenefits = 600
	historyPlaces   = 10 // of a benefit, the last two with clicks
	historyAge      = 3  // days ago, of the last one: nothing arrives for it any more
)

// lastDay is the last day of history, in UTC.
func lastDay() time.Time { return time.Now().UTC().AddDate(0, 0, -historyAge) }

// importDays has a server's program import days of counts into its directory. It must not
// run meanwhile.
func importDays(ctx context.Context, program, directory string, days, version int) error {
	command := exec.CommandContext(ctx, program, "--data-dir", directory, "import", "-")
	input, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("import %d days: %w", days, err)
	}
	written := make(chan error, 1)
	go func() {
		err := writeDays(input, lastDay(), days, version)
		written <- errors.Join(err, input.Close())
	}()
	said, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("import %d days: %w: %s", days, err, said)
	}
	return <-written
}

// writeDays writes the counts of days up to the last one as JSON lines.
func writeDays(output io.Writer, last time.Time, days, version int) error {
	buffered := bufio.NewWriterSize(output, 1<<20)
	names, line := benefitNames(historyBenefits), []byte(nil)
	for day := range days {
		date := last.AddDate(0, 0, day-days+1).Format(time.DateOnly)
		for benefit, name := range names {
			for place := range historyPlaces {
				line = appendDayRow(line[:0], date, name, version, place, day+benefit)
				if _, err := buffered.Write(line); err != nil {
					return fmt.Errorf("write %d days: %w", days, err)
				}
			}
		}
	}
	return buffered.Flush()
}

// appendDayRow appends one count of a day, which varies with the last number.
func appendDayRow(line []byte, date, name string, version, place, varied int) []byte {
	event := eventTypes()[0]
	if place >= historyPlaces-2 {
		event = eventTypes()[1]
	}
	line = append(append(line, `{"day":"`...), date...)
	line = append(append(line, `","benefit":"`...), name...)
	line = append(append(line, `","event_type":"`...), event...)
	line = strconv.AppendInt(append(line, `","version":`...), int64(version), 10)
	line = strconv.AppendInt(append(line, `,"page_total":30,"benefit_index":`...), int64(1+place*usualPage/historyPlaces), 10)
	line = strconv.AppendInt(append(line, `,"count":`...), int64(1+varied%7), 10)
	return append(line, "}\n"...)
}
