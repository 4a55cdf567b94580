package exporter_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"stats-recorder/exchange/exporter"
)

func someTable() exporter.Table {
	return exporter.Table{
		Columns: []exporter.Column{{"id", exporter.Text}, {"shows", exporter.Count}, {"ctr", exporter.Number}, {"good", exporter.Truth}},
		Rows: [][]any{
			{"=1+1", uint64(1000), 0.19, true},
			{"Prêt; \"zéro\", 0", uint64(0), nil, nil},
			{nil, uint64(1) << 53, 1e-7, false},
		},
	}
}

func written(t testing.TB, format exporter.Format, locale exporter.Locale) string {
	t.Helper()
	var out bytes.Buffer
	if err := exporter.WriteTable(&out, format, locale, someTable()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestATableIsWhatAProgramOrASpreadsheetOpens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		format exporter.Format
		locale exporter.Locale
		want   string
	}{
		{"for programs", exporter.CSV, exporter.Plain,
			"id,shows,ctr,good\n=1+1,1000,0.19,true\n\"Prêt; \"\"zéro\"\", 0\",0,,\n,9007199254740992,0.0000001,false\n"},
		{"for a spreadsheet", exporter.Spreadsheet, exporter.Plain,
			"\ufeffid,shows,ctr,good\n'=1+1,1000,0.19,true\n\"Prêt; \"\"zéro\"\", 0\",0,,\n,9007199254740992,0.0000001,false\n"},
		{"for a French one", exporter.Spreadsheet, exporter.French,
			"\ufeffid;shows;ctr;good\n'=1+1;1000;0,19;true\n\"Prêt; \"\"zéro\"\", 0\";0;;\n;9007199254740992;0,0000001;false\n"},
		{"as JSON lines", exporter.JSONLines, exporter.Plain,
			`{"id":"=1+1","shows":1000,"ctr":0.19,"good":true}` + "\n" +
				`{"id":"Prêt; \"zéro\", 0","shows":0,"ctr":null,"good":null}` + "\n" +
				`{"id":null,"shows":9007199254740992,"ctr":1e-7,"good":false}` + "\n"},
	} {
		if got := written(t, test.format, test.locale); got != test.want {
			t.Errorf("%s it is\n%s, want\n%s", test.name, got, test.want)
		}
	}
}

func TestATableAsParquetKeepsItsColumnsInOrder(t *testing.T) {
	t.Parallel()
	content := written(t, exporter.Parquet, exporter.Plain)
	file, err := parquet.OpenFile(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, field := range file.Schema().Fields() {
		names += field.Name() + " " + field.Type().String() + ", "
	}
	if names != "id STRING, shows INT(64,true), ctr DOUBLE, good BOOLEAN, " {
		t.Errorf("columns are %s", names)
	}
	rows := make([]parquet.Row, 4)
	reader := file.RowGroups()[0].Rows()
	defer reader.Close()
	n, err := reader.ReadRows(rows)
	if n != 3 || err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("%d rows, %v", n, err)
	}
	if rows[0][0].String() != "=1+1" || rows[0][1].Int64() != 1000 || rows[0][2].Double() != 0.19 || !rows[1][2].IsNull() || !rows[2][0].IsNull() || rows[2][3].Boolean() {
		t.Errorf("rows are %v", rows[:n])
	}
}

func TestATableWithoutRowsIsValid(t *testing.T) {
	t.Parallel()
	for _, format := range []exporter.Format{exporter.CSV, exporter.Spreadsheet, exporter.JSONLines, exporter.Parquet} {
		table := someTable()
		table.Rows = nil
		if err := exporter.WriteTable(io.Discard, format, exporter.Plain, table); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestAValueOfAnotherTypeIsRefusedInEveryFormat(t *testing.T) {
	t.Parallel()
	for _, row := range [][]any{{"a", uint64(1), 0.5}, {"a", 1, 0.5, true}, {1.5, uint64(1), 0.5, true}} {
		for _, format := range []exporter.Format{exporter.CSV, exporter.Spreadsheet, exporter.JSONLines, exporter.Parquet} {
			table := someTable()
			table.Rows = append(table.Rows, row)
			if err := exporter.WriteTable(io.Discard, format, exporter.Plain, table); !errors.Is(err, exporter.ErrTable) {
				t.Errorf("%s takes %v: %v", format, row, err)
			}
		}
	}
}
