package exporter

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// columns are the names of the columns in every format, in order.
var columns = []string{"day", "benefit", "event_type", "version", "page_total", "benefit_index", "count"}

// csvWriter writes CSV. Its own buffer is encoding/csv's.
type csvWriter struct {
	out    *csv.Writer
	record []string // of the row before, to be overwritten
	headed bool
}

func newCSVWriter(w io.Writer) *csvWriter {
	return &csvWriter{out: csv.NewWriter(w), record: make([]string, len(columns))}
}

func (c *csvWriter) head() error {
	if c.headed {
		return nil
	}
	c.headed = true
	return c.out.Write(columns)
}

func (c *csvWriter) write(row Row, day date) error {
	if err := c.head(); err != nil {
		return fmt.Errorf("write CSV header: %w", err)
	}
	c.record = append(c.record[:0], day.text, row.Benefit, row.EventType, decimal(row.Version),
		decimal(row.PageTotal), decimal(row.Index), strconv.FormatUint(row.Count, 10))
	if err := c.out.Write(c.record); err != nil {
		return fmt.Errorf("write CSV row: %w", err)
	}
	return nil
}

func (c *csvWriter) close() error {
	if err := c.head(); err != nil {
		return fmt.Errorf("write CSV header: %w", err)
	}
	c.out.Flush()
	if err := c.out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func decimal(n uint16) string { return strconv.FormatUint(uint64(n), 10) }
