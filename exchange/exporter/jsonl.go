package exporter

import (
	"bufio"
	"fmt"
	"io"

	json "github.com/goccy/go-json/v2"
)

// jsonRow is a row as JSON. The fields are in the order of the columns, and then say
// where the row comes from.
type jsonRow struct {
	Day       *string `json:"day"`
	Benefit   string  `json:"benefit"`
	EventType string  `json:"event_type"`
	Version   uint16  `json:"version"`
	PageTotal uint16  `json:"page_total"`
	Index     uint16  `json:"benefit_index"`
	Count     uint64  `json:"count"`

	Origin string   `json:"origin,omitempty"`
	Holds  []string `json:"holds,omitempty"`
}

// jsonWriter writes JSON lines.
type jsonWriter struct {
	out    *bufio.Writer
	row    jsonRow // to be overwritten
	origin string
	holds  []string // nil after the first row
}

func newJSONWriter(w io.Writer, origin Origin) *jsonWriter {
	made := &jsonWriter{out: bufio.NewWriterSize(w, 64<<10)}
	if origin.Directory != "" {
		made.origin, made.holds = origin.String(), origin.Holds
	}
	return made
}

func (j *jsonWriter) write(row Row, day date) error {
	j.row = jsonRow{nil, row.Benefit, row.EventType, row.Version, row.PageTotal, row.Index, row.Count, j.origin, j.holds}
	j.holds = nil
	if day.known {
		j.row.Day = &day.text
	}
	if err := json.MarshalWrite(j.out, &j.row); err != nil {
		return fmt.Errorf("write JSON row: %w", err)
	}
	if err := j.out.WriteByte('\n'); err != nil {
		return fmt.Errorf("write JSON row: %w", err)
	}
	return nil
}

func (j *jsonWriter) close() error {
	if err := j.out.Flush(); err != nil {
		return fmt.Errorf("write JSON lines: %w", err)
	}
	return nil
}
