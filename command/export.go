package command

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/exchange/exporter"
	"stats-recorder/exchange/importer"
	"stats-recorder/service"
	"stats-recorder/snapshot"
)

func exportCommand(output io.Writer) *cli.Command {
	return &cli.Command{
		Name:  "export",
		Usage: "write the counts as rows: CSV, JSON lines or Parquet",
		Description: "One row per day, benefit, event type, version, page_total and benefit_index, to\n" +
			"standard output. Without --from and --to, rows without a day follow, for what only\n" +
			"the sums of all time have. A server may be running; what it has not written to disk\n" +
			"yet is missing.",
		OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: string(exporter.CSV), Usage: "csv, jsonl or parquet"},
			&cli.BoolFlag{Name: "raw", Usage: "csv with exact texts, for programs; without it no text can become a formula of a spreadsheet"},
			&cli.StringFlag{Name: "from", Usage: "first UTC day, such as 2026-01-31", DefaultText: "the first there is"},
			&cli.StringFlag{Name: "to", Usage: "UTC day before which to stop", DefaultText: "after the last there is"},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			directory, err := existingDirectoryOf(c)
			if err != nil {
				return err
			}
			format, err := exporter.ParseFormat(c.String("format"))
			if err != nil {
				return err
			}
			if format == exporter.CSV && !c.Bool("raw") {
				format = exporter.Spreadsheet
			}
			from, err := parseDay("from", c.String("from"), 0)
			if err != nil {
				return err
			}
			to, err := parseDay("to", c.String("to"), counters.MaxDay+1)
			if err != nil {
				return err
			}
			if from >= to {
				return fmt.Errorf("%w: --from %s is not before --to %s", service.ErrConfig, from, to)
			}
			return export(output, format, directory, from, to)
		},
	}
}

// parseDay reads a date; nothing is the given day.
func parseDay(name, text string, missing counters.Day) (counters.Day, error) {
	if text == "" {
		return missing, nil
	}
	date, err := time.Parse(time.DateOnly, text)
	if err != nil || date.Unix() < 0 {
		return 0, fmt.Errorf("%w: --%s %q: want a date such as 2026-01-31", service.ErrConfig, name, text)
	}
	return counters.HourOf(date).Day(), nil
}

// export writes the rows of the days first and later, up to but without end. It
// begins to write once the directory has been read.
func export(output io.Writer, format exporter.Format, directory string, first, end counters.Day) error {
	buffered := bufio.NewWriterSize(output, 1<<20)
	var from *snapshot.Origin
	newWriter := sync.OnceValues(func() (exporter.Writer, error) { return exporter.NewWriter(buffered, format, originOf(from)) })
	err := snapshot.Export(directory, counters.BuiltInKinds(), first, end, func(counted snapshot.Exported) error {
		from = counted.Origin
		writer, err := newWriter()
		if err != nil {
			return err
		}
		return writeRows(writer, counted)
	})
	if err != nil {
		return errors.Join(err, buffered.Flush())
	}
	writer, err := newWriter()
	if err != nil {
		return err
	}
	return errors.Join(writer.Close(), buffered.Flush())
}

// originOf is what an export says of where its rows come from; nil is where there are
// none.
func originOf(from *snapshot.Origin) exporter.Origin {
	if from == nil {
		return exporter.Origin{}
	}
	origin := exporter.Origin{Directory: from.Directory, Commit: from.Commit}
	for _, source := range from.Imports.Sources {
		if directory, isExport := strings.CutPrefix(source.Name, importer.ExportSource("")); isExport && directory != "" {
			origin.Holds = append(origin.Holds, directory)
		}
	}
	for _, imported := range from.Imports.List {
		origin.Holds = append(origin.Holds, hex.EncodeToString(imported.Fingerprint[:]))
	}
	if from.Membership != nil { // so that no other node takes it for what it lacks
		origin.Holds = append(origin.Holds, from.Membership.Covered.Position.Epoch.String())
	}
	return origin
}

func writeRows(writer exporter.Writer, counted snapshot.Exported) error {
	if counted.Kind != counters.Positions {
		return nil // an export is of positions
	}
	row := exporter.Row{Benefit: counted.Benefit}
	if !counted.Undated {
		row.Day = counted.Day.String()
	}
	for _, cell := range counted.Cells {
		row.EventType = counted.Events[cell.Key.Event()-1]
		row.Version = cell.Key.Version()
		row.PageTotal, row.Index = cell.Key.Position()
		row.Count = cell.Count
		if err := writer.Write(row); err != nil {
			return err
		}
	}
	return nil
}
