package demo

import (
	"encoding/csv"
	"fmt"
	"io"
)

// WriteLabels writes the names of the benefits of a seed as LABELS_FILE reads them.
func WriteLabels(w io.Writer, seed uint64) error {
	lines := csv.NewWriter(w)
	rows := [][]string{{"id", "label", "group", "type"}}
	for _, b := range Benefits(seed) {
		rows = append(rows, []string{b.ID, b.Label, b.Group, b.Type})
	}
	if err := lines.WriteAll(rows); err != nil {
		return fmt.Errorf("write labels: %w", err)
	}
	return nil
}
