package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"stats-recorder/counters"
	"stats-recorder/exchange/exporter"
	"stats-recorder/httpapi"
	"stats-recorder/insight"
	"stats-recorder/oddities"
	"stats-recorder/report"
	"stats-recorder/report/endpoint"
	"stats-recorder/service"
	"stats-recorder/snapshot"
	"stats-recorder/visitors"
)

func insightCommand(output io.Writer) *cli.Command {
	command := &cli.Command{
		Name:  "insight",
		Usage: "write what the counts mean as rows: CSV, JSON lines or Parquet",
		Description: "The tables of /insight, from a data directory or from a running server, to standard\n" +
			"output. docs/insight.md says what the numbers are. A server may be running on the\n" +
			"directory; what it has not written to disk yet is missing.",
		OnUsageError: usageError,
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return fmt.Errorf("%w: insight needs the name of a table: %s", service.ErrConfig, strings.Join(tableNames(), ", "))
		},
	}
	for _, table := range endpoint.Tables() {
		command.Commands = append(command.Commands, tableCommand(output, table))
	}
	return command
}

func tableNames() (names []string) {
	for _, table := range endpoint.Tables() {
		names = append(names, table.Name)
	}
	return names
}

// tableFlags are the flags for parameters, by the names of these.
var tableFlags = []struct{ parameter, flag, usage string }{
	{"start_at", "from", "first UTC day, such as 2026-01-31"},
	{"end_at", "to", "UTC day before which to stop"},
	{"version", "record-version", "version of the records"},
	{"stage", "stage", "whose events are the clicks: opened or acted"},
	{"benefit", "benefit", "the only benefit"},
	{"group", "group", "the only group of benefits"},
	{"order", "order", "score, merit, clicks, shows, ctr or id"},
	{"limit", "limit", "how many benefits at most"},
	{"group_by", "group-by", "benefit or total"},
	{"table", "table", "which of the lists in the answer"},
	{"experiment", "experiment", "the only experiment, with its benefits"},
	{"control", "control", "the variant that the others are compared with"},
	{"metric", "metric", "clicks_per_page or conversion"},
	{"mde", "mde", "relative change that intervals are to be narrow for, such as 0.1"},
	{"weights", "weights", "what the variants were drawn with, in the order of their names, such as 1,1"},
	{"step", "step", "hour, day, week or month"},
	{"time_zone", "time-zone", "of the times of steps, such as Europe/Paris"},
}

func tableCommand(output io.Writer, table endpoint.Table) *cli.Command {
	command := &cli.Command{
		Name: table.Name, Usage: "write the table of /insight/" + table.Name, OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: string(exporter.CSV), Usage: "csv, jsonl or parquet"},
			&cli.StringFlag{Name: "lang", Value: "en", Usage: "en, or fr for the separators of a French spreadsheet in csv"},
			&cli.BoolFlag{Name: "raw", Usage: "csv with exact texts, for programs; without it no text can become a formula of a spreadsheet"},
			&cli.StringFlag{Name: "url", Usage: "ask the server at this address, such as http://localhost:4000, and not a data directory"},
			flagOf("read-token"), flagOf("stages"), flagOf("labels-file"),
		},
		Action: func(ctx context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return writeTable(ctx, c, output, table)
		},
	}
	for _, flag := range tableFlags {
		if slices.Contains(table.Parameters, flag.parameter) && (flag.parameter != "time_zone" || slices.Contains(table.Parameters, "step")) {
			command.Flags = append(command.Flags, &cli.StringFlag{Name: flag.flag, Usage: flag.usage + partsOf(table, flag.parameter)})
		}
	}
	return command
}

// partsOf says what the flag for a part of the answer may be.
func partsOf(table endpoint.Table, parameter string) string {
	if parameter != "table" {
		return ""
	}
	var words []string
	for _, part := range table.Parts {
		words = append(words, string(part))
	}
	return ": " + strings.Join(words, ", ")
}

// writeTable writes a table once it has all of it.
func writeTable(ctx context.Context, c *cli.Command, output io.Writer, table endpoint.Table) error {
	format, err := exporter.ParseFormat(c.String("format"))
	if err != nil {
		return err
	}
	if format == exporter.CSV && !c.Bool("raw") {
		format = exporter.Spreadsheet
	}
	locale, known := map[string]exporter.Locale{"en": exporter.Plain, "fr": exporter.French}[c.String("lang")]
	if !known {
		return fmt.Errorf("%w: --lang %q: want en or fr", service.ErrConfig, c.String("lang"))
	}
	var query httpapi.Query
	for _, flag := range tableFlags {
		if value := c.String(flag.flag); value != "" {
			query = append(query, httpapi.Parameter{Name: flag.parameter, Value: value})
		}
	}
	var rows exporter.Table
	if url := c.String("url"); url != "" {
		rows, err = tableOfServer(ctx, c, url, table, query)
	} else {
		rows, err = tableOfDirectory(ctx, c, table, query)
	}
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(output, 1<<20)
	return errors.Join(exporter.WriteTable(buffered, format, locale, rows), buffered.Flush())
}

func tableOfDirectory(ctx context.Context, c *cli.Command, table endpoint.Table, query httpapi.Query) (exporter.Table, error) {
	directory, err := existingDirectoryOf(c)
	if err != nil {
		return exporter.Table{}, err
	}
	setting, err := settingOf(c, "stages")
	if err != nil {
		return exporter.Table{}, err
	}
	stages, err := insight.ParseStages(setting.Stages)
	if err != nil {
		return exporter.Table{}, err
	}
	history, err := snapshot.ReadHistory(directory, counters.BuiltInKinds())
	if err != nil {
		return exporter.Table{}, err
	}
	written, err := visitors.NewRegister(history.Words(), visitors.Config{Limits: visitors.DefaultLimits()})
	if err != nil {
		return exporter.Table{}, err
	}
	odd := oddities.NewRegister(history.Words())
	const whole = math.MaxInt // nothing is dropped of the one table
	reporter := report.New(report.Options{
		Source: history, Stages: stages, CacheBytes: whole, Visitors: written.Reader(history, func() counters.Day { return 0 }),
		Oddities: func(from, to counters.Day) ([]oddities.Count, error) { return odd.Counted(history, from, to) },
	})
	if err := giveLabels(c, reporter); err != nil {
		return exporter.Table{}, err
	}
	rows, err := table.Of(ctx, reporter, history, query)
	return rows, inFlags(err)
}

func giveLabels(c *cli.Command, reporter *report.Reporter) error {
	setting, err := settingOf(c, "labels-file")
	if err != nil || setting.LabelsFile == "" {
		return err
	}
	labels, err := report.ReadLabels(setting.LabelsFile)
	if err == nil {
		reporter.SetLabels(labels)
	}
	return err
}

// inFlags is an error about parameters in the words of the command line.
func inFlags(err error) error {
	known, is := errors.AsType[*httpapi.Error](err)
	if !is {
		return err
	}
	parameter, reason, _ := strings.Cut(known.Message, ":")
	for _, flag := range tableFlags {
		if flag.parameter == parameter {
			return fmt.Errorf("%w: --%s:%s", service.ErrConfig, flag.flag, reason)
		}
	}
	return fmt.Errorf("%w: %s", service.ErrConfig, known.Message)
}
