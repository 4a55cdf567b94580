package exporter

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	json "github.com/goccy/go-json/v2"
	"github.com/parquet-go/parquet-go"
)

// A Table is rows of any columns, all in memory: statistics, and not counts, which
// are Rows.
type Table struct {
	Columns []Column
	// Rows have a value for each column: nil for none, or a string, uint64, float64 or
	// bool, as the column says.
	Rows [][]any
}

// Column is one of a Table.
type Column struct {
	Name string
	Type Type
}

// Type is what the values of a column are.
type Type int

// The types.
const (
	Text Type = iota
	Count
	Number
	Truth
)

// ErrTable is returned for a value that is not of its column's type.
var ErrTable = errors.New("table cannot be exported")

// A Locale is how a spreadsheet writes numbers.
type Locale struct {
	// Separator stands between columns, Point before the digits below one.
	Separator, Point rune
}

// The locales. A spreadsheet takes a file for columns only if it has the separator of
// its own locale, and with a point in place of its comma it takes 1.5 for the first of May.
var (
	Plain  = Locale{',', '.'}
	French = Locale{';', ','}
)

// WriteTable writes a table in a format. The locale is that of CSV.
func WriteTable(w io.Writer, format Format, locale Locale, table Table) error {
	if err := table.check(); err != nil {
		return err
	}
	switch format {
	case CSV, Spreadsheet:
		return writeTableCSV(w, format, locale, table)
	case JSONLines:
		return writeTableJSON(w, table)
	case Parquet:
		return writeTableParquet(w, table)
	}
	return fmt.Errorf("%w %q", ErrFormat, format)
}

// check makes sure of all values, so that all formats refuse the same.
func (t Table) check() error {
	for number, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("%w: row %d has %d values, want %d", ErrTable, number, len(row), len(t.Columns))
		}
		for i, value := range row {
			if value != nil && reflect.TypeOf(value) != t.Columns[i].Type.reflected() {
				return fmt.Errorf("%w: row %d has a %T as %s", ErrTable, number, value, t.Columns[i].Name)
			}
		}
	}
	return nil
}

// reflected is the type of the values.
func (t Type) reflected() reflect.Type {
	switch t {
	case Count:
		return reflect.TypeFor[uint64]()
	case Number:
		return reflect.TypeFor[float64]()
	case Truth:
		return reflect.TypeFor[bool]()
	default:
		return reflect.TypeFor[string]()
	}
}

func writeTableCSV(w io.Writer, format Format, locale Locale, table Table) error {
	safe := func(text string) string { return text }
	if format == Spreadsheet {
		safe = inert
		if _, err := io.WriteString(w, byteOrderMark); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	out := csv.NewWriter(w)
	out.Comma = locale.Separator
	record := make([]string, len(table.Columns))
	for i, column := range table.Columns {
		record[i] = safe(column.Name)
	}
	err := out.Write(record)
	for _, row := range table.Rows {
		for i, value := range row {
			record[i] = locale.text(value, safe)
		}
		err = errors.Join(err, out.Write(record))
	}
	out.Flush()
	if err := errors.Join(err, out.Error()); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// text is a value as CSV has it: nothing for none.
func (l Locale) text(value any, safe func(string) string) string {
	switch value := value.(type) {
	case string:
		return safe(value)
	case uint64:
		return strconv.FormatUint(value, 10)
	case float64:
		return strings.Replace(strconv.FormatFloat(value, 'f', -1, 64), ".", string(l.Point), 1)
	case bool:
		return strconv.FormatBool(value)
	default:
		return ""
	}
}

// writeTableJSON writes an object a line, whose members are in the order of the columns.
func writeTableJSON(w io.Writer, table Table) error {
	out := bufio.NewWriter(w)
	for _, row := range table.Rows {
		for i, value := range row {
			separator := ","
			if i == 0 {
				separator = "{"
			}
			name, err := json.Marshal(table.Columns[i].Name)
			if err != nil {
				return fmt.Errorf("write JSON row: %w", err)
			}
			content, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("write JSON row: %w", err)
			}
			out.WriteString(separator)
			out.Write(name)
			out.WriteByte(':')
			out.Write(content)
		}
		out.WriteString("}\n") // a bufio.Writer keeps its first error for Flush
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write JSON lines: %w", err)
	}
	return nil
}

// writeTableParquet writes Parquet with the columns in their order, which a struct
// keeps and a parquet.Group would not. All columns may be null.
func writeTableParquet(w io.Writer, table Table) error {
	fields := make([]reflect.StructField, len(table.Columns))
	for i, column := range table.Columns {
		of := column.Type.reflected()
		if column.Type == Count {
			of = reflect.TypeFor[int64]() // several readers have no unsigned numbers
		}
		fields[i] = reflect.StructField{
			Name: "Column" + strconv.Itoa(i), Type: reflect.PointerTo(of),
			Tag: reflect.StructTag(`parquet:"` + column.Name + `,optional"`),
		}
	}
	out := parquet.NewWriter(w, parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()), parquet.Compression(&parquet.Zstd))
	rows := make([]parquet.Row, len(table.Rows))
	for number, row := range table.Rows {
		for i, value := range row {
			rows[number] = append(rows[number], parquetValue(value, i))
		}
	}
	if _, err := out.WriteRows(rows); err != nil {
		return fmt.Errorf("write Parquet rows: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

func parquetValue(value any, column int) parquet.Value {
	if value == nil {
		return parquet.NullValue().Level(0, 0, column)
	}
	if count, is := value.(uint64); is {
		value = int64(count)
	}
	return parquet.ValueOf(value).Level(0, 1, column)
}
