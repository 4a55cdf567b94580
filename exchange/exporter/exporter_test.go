package exporter_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"stats-recorder/exchange/exporter"
	"stats-recorder/exchange/importer"
)

var formats = []exporter.Format{exporter.CSV, exporter.JSONLines, exporter.Parquet}

// oddNames are names that a careless writer would break on.
var oddNames = []string{
	"rsa", "Livret d’épargne populaire", `with "quotes", commas and \`, "two\nlines", "</script>&", " ", "\x00", "\u2028", "emoji 🎓", "=1+1",
	"null", strings.Repeat("é", 128),
}

// someRows are rows of three years and of no day, in random order.
func someRows(seed uint64, count int) []exporter.Row {
	random := rand.New(rand.NewPCG(seed, 0))
	rows := make([]exporter.Row, count)
	for i := range rows {
		rows[i] = exporter.Row{
			Day:     time.Date(2024, 1, 1+random.IntN(1000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			Benefit: oddNames[random.IntN(len(oddNames))], EventType: []string{"show", "link", "other one"}[random.IntN(3)],
			Version: uint16(random.Uint32()), PageTotal: uint16(random.IntN(1024)), Index: uint16(random.IntN(1024)),
			Count: 1 + random.Uint64N(exporter.MaxCount)>>random.IntN(53),
		}
		if random.IntN(10) == 0 {
			rows[i].Day = ""
		}
	}
	rows[0].Day = "1970-01-01" // day 0 must not become null
	rows[1].Count = exporter.MaxCount
	return rows
}

func export(t testing.TB, format exporter.Format, rows []exporter.Row) []byte {
	t.Helper()
	var out bytes.Buffer
	writer, err := exporter.NewWriter(&out, format, exporter.Origin{})
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
	return out.Bytes()
}

func TestCSVHasAHeaderAndTheSameRows(t *testing.T) {
	t.Parallel()
	rows := someRows(1, 3000)
	records, err := csv.NewReader(bytes.NewReader(export(t, exporter.CSV, rows))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if header := strings.Join(records[0], ","); header != "day,benefit,event_type,version,page_total,benefit_index,count" {
		t.Errorf("header is %s", header)
	}
	for i, row := range rows {
		want := []string{row.Day, row.Benefit, row.EventType, fmt.Sprint(row.Version), fmt.Sprint(row.PageTotal), fmt.Sprint(row.Index), fmt.Sprint(row.Count)}
		if !slices.Equal(records[i+1], want) {
			t.Fatalf("row %d is %q, want %q", i, records[i+1], want)
		}
	}
}

func TestAJSONLineIsARowWithItsColumnsInOrder(t *testing.T) {
	t.Parallel()
	got := string(export(t, exporter.JSONLines, []exporter.Row{
		{Day: "2026-11-23", Benefit: "rsa", EventType: "show", Version: 2, PageTotal: 10, Index: 4, Count: 17},
		{Benefit: `a "b"`, EventType: "link", Count: exporter.MaxCount},
	}))
	want := `{"day":"2026-11-23","benefit":"rsa","event_type":"show","version":2,"page_total":10,"benefit_index":4,"count":17}
{"day":null,"benefit":"a \"b\"","event_type":"link","version":0,"page_total":0,"benefit_index":0,"count":9007199254740991}
`
	if got != want {
		t.Errorf("lines are\n%swant\n%s", got, want)
	}
}

// parquetRow is how a reader of the file sees it.
type parquetRow struct {
	Day       *int32 `parquet:"day,optional,date"`
	Benefit   string `parquet:"benefit"`
	EventType string `parquet:"event_type"`
	Version   int32  `parquet:"version"`
	PageTotal int32  `parquet:"page_total"`
	Index     int32  `parquet:"benefit_index"`
	Count     int64  `parquet:"count"`
}

func TestParquetHasTheSameRowsInSeveralRowGroups(t *testing.T) {
	t.Parallel()
	rows := someRows(2, 130_000)
	content := export(t, exporter.Parquet, rows)
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if groups := len(file.RowGroups()); groups != 2 {
		t.Errorf("%d row groups, want 2", groups)
	}
	reader := parquet.NewGenericReader[parquetRow](file)
	defer reader.Close()
	got := make([]parquetRow, 1000)
	for at := 0; at < len(rows); {
		n, err := reader.Read(got)
		if err != nil && err != io.EOF || n == 0 {
			t.Fatalf("after %d rows: %v", at, err)
		}
		for i := range n {
			if row := rowOf(got[i]); row != rows[at+i] {
				t.Fatalf("row %d is %+v, want %+v", at+i, row, rows[at+i])
			}
		}
		at += n
	}
}

func rowOf(p parquetRow) exporter.Row {
	row := exporter.Row{Benefit: p.Benefit, EventType: p.EventType, Version: uint16(p.Version),
		PageTotal: uint16(p.PageTotal), Index: uint16(p.Index), Count: uint64(p.Count)}
	if p.Day != nil {
		row.Day = time.Unix(int64(*p.Day)*86400, 0).UTC().Format(time.DateOnly)
	}
	return row
}

func TestParquetColumnsHaveTheTypesThatReadersKnow(t *testing.T) {
	t.Parallel()
	content := export(t, exporter.Parquet, nil)
	file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"day": "DATE", "benefit": "STRING", "event_type": "STRING", "version": "INT(32,true)", "page_total": "INT(32,true)",
		"benefit_index": "INT(32,true)", "count": "INT(64,true)",
	}
	var names []string
	for _, field := range file.Schema().Fields() {
		names = append(names, field.Name())
		if got := field.Type().String(); got != want[field.Name()] {
			t.Errorf("%s is of type %s, want %s", field.Name(), got, want[field.Name()])
		}
		if field.Optional() != (field.Name() == "day") {
			t.Errorf("%s may be null: %v", field.Name(), field.Optional())
		}
	}
	if got := strings.Join(names, ","); got != "day,benefit,event_type,version,page_total,benefit_index,count" {
		t.Errorf("columns are %s", got)
	}
	if file.NumRows() != 0 {
		t.Errorf("%d rows in an empty export", file.NumRows())
	}
}

func TestImportingOurOwnJSONLinesGivesTheSameRowsBack(t *testing.T) {
	t.Parallel()
	rows := someRows(3, 20_000)
	for i := range rows {
		rows[i].Count >>= 20 // so that no sum of equal rows is too large
		rows[i].Count++
	}
	want := make(map[exporter.Row]uint64)
	var events uint64
	for _, row := range rows {
		count := row.Count
		row.Count = 0
		want[row] += count
		events += count
	}
	var mu sync.Mutex
	got := make(map[exporter.Row]uint64)
	options := importer.Options{Paths: []string{"-"}, Stdin: bytes.NewReader(export(t, exporter.JSONLines, rows))}
	summary, err := importer.Read(t.Context(), options, func(batch []importer.Document) error {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range batch {
			row := exporter.Row{Benefit: string(d.Benefit), EventType: string(d.EventType), Version: d.Version, PageTotal: d.PageTotal, Index: d.Index}
			if d.Precision == importer.WholeDay {
				row.Day = d.CreatedAt.Format(time.DateOnly)
			}
			got[row] += d.Count
		}
		return nil
	})
	if err != nil || summary.Counted != 20_000 || summary.Events != events {
		t.Errorf("%d rows and %d events came back, want 20000 and %d; skipped %v; %v", summary.Counted, summary.Events, events, summary.Reasons, err)
	}
	if !maps.Equal(got, want) {
		t.Error("the rows that came back are others")
	}
}

func TestAnExportWithoutRowsIsValid(t *testing.T) {
	t.Parallel()
	if got := string(export(t, exporter.CSV, nil)); got != "day,benefit,event_type,version,page_total,benefit_index,count\n" {
		t.Errorf("CSV is %q", got)
	}
	if got := export(t, exporter.JSONLines, nil); len(got) != 0 {
		t.Errorf("JSON lines are %q", got)
	}
}

func TestEveryFormatRefusesTheSameRowsAndThenEverything(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		for _, bad := range []exporter.Row{
			{Day: "2026-02-29", Benefit: "a", EventType: "show", Count: 1},
			{Day: "2026-2-9", Benefit: "a", EventType: "show", Count: 1},
			{Day: "today", Benefit: "a", EventType: "show", Count: 1},
			{Day: "2026-02-28", Benefit: "a", EventType: "show", Count: exporter.MaxCount + 1},
		} {
			writer, err := exporter.NewWriter(io.Discard, format, exporter.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			good := exporter.Row{Day: "2026-02-28", Benefit: "a", EventType: "show", Count: 1}
			if err := writer.Write(good); err != nil {
				t.Fatal(err)
			}
			for step, err := range []error{writer.Write(bad), writer.Write(good), writer.Close()} {
				if !errors.Is(err, exporter.ErrRow) {
					t.Errorf("%s: error %d for %+v is %v", format, step, bad, err)
				}
			}
		}
	}
}

func TestAClosedWriterTakesNoRowsAndClosesTwice(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		writer, err := exporter.NewWriter(io.Discard, format, exporter.Origin{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(writer.Close(), writer.Close()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if err := writer.Write(exporter.Row{Benefit: "a", Count: 1}); !errors.Is(err, exporter.ErrClosed) {
			t.Errorf("%s: error is %v", format, err)
		}
	}
}

var errFull = errors.New("disk full")

// fullDisk takes some bytes and then no more.
type fullDisk struct{ left int }

func (d *fullDisk) Write(data []byte) (int, error) {
	n := min(len(data), d.left)
	d.left -= n
	if n < len(data) {
		return n, errFull
	}
	return n, nil
}

func TestAFullDiskIsNoticedByCloseAtTheLatest(t *testing.T) {
	t.Parallel()
	rows := someRows(4, 10_000)
	for _, format := range formats {
		whole := len(export(t, format, rows))
		for _, room := range []int{0, 1, whole / 2, whole - 1} {
			writer, err := exporter.NewWriter(&fullDisk{room}, format, exporter.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if writer.Write(row) != nil {
					break
				}
			}
			if err := writer.Close(); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d of %d bytes: error is %v", format, room, whole, err)
			}
		}
	}
}

func TestFormatsAreKnownByTheirNames(t *testing.T) {
	t.Parallel()
	for _, format := range formats {
		if got, err := exporter.ParseFormat(strings.ToUpper(string(format))); got != format || err != nil {
			t.Errorf("%s: %s, %v", format, got, err)
		}
	}
	for _, name := range []string{"", "json", "xlsx"} {
		if _, err := exporter.ParseFormat(name); !errors.Is(err, exporter.ErrFormat) || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("%q: error is %v", name, err)
		}
		if _, err := exporter.NewWriter(io.Discard, exporter.Format(name), exporter.Origin{}); !errors.Is(err, exporter.ErrFormat) {
			t.Errorf("%q: error is %v", name, err)
		}
	}
}

// BenchmarkWrite writes sorted rows, as the store gives them.
func BenchmarkWrite(b *testing.B) {
	rows := someRows(5, 100_000)
	slices.SortFunc(rows, func(x, y exporter.Row) int {
		return strings.Compare(x.Day+x.Benefit+x.EventType, y.Day+y.Benefit+y.EventType)
	})
	for _, format := range formats {
		b.Run("format="+string(format), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.ReportMetric(float64(len(export(b, format, rows)))/float64(len(rows)), "bytes/row")
			}
			b.ReportMetric(float64(b.N*len(rows))/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func TestAnExportSaysWhoseItsCountsAre(t *testing.T) {
	t.Parallel()
	origin := exporter.Origin{Directory: "d1", Commit: 42, Holds: []string{"d2", "f3"}}
	exported := func(format exporter.Format, origin exporter.Origin) string {
		var out bytes.Buffer
		writer, err := exporter.NewWriter(&out, format, origin)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := writer.Write(exporter.Row{Day: "2024-03-01", Benefit: "RSA", EventType: "show", Count: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const row = `{"day":"2024-03-01","benefit":"RSA","event_type":"show","version":0,"page_total":0,"benefit_index":0,"count":1`
	const want = row + `,"origin":"d1/42","holds":["d2","f3"]}` + "\n" + row + `,"origin":"d1/42"}` + "\n"
	if lines := exported(exporter.JSONLines, origin); lines != want {
		t.Errorf("the lines are\n%swant\n%s", lines, want)
	}
	if lines := exported(exporter.JSONLines, exporter.Origin{Holds: []string{"d2"}}); lines != row+"}\n"+row+"}\n" {
		t.Errorf("of an unknown directory the lines are\n%s", lines)
	}
	content := exported(exporter.Parquet, origin)
	file, err := parquet.OpenFile(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	from, _ := file.Lookup("stats-recorder.origin")
	holds, _ := file.Lookup("stats-recorder.holds")
	if from != "d1/42" || holds != "d2 f3" {
		t.Errorf("the metadata are %q and %q", from, holds)
	}
	if text := exported(exporter.CSV, origin); strings.Contains(text, "d1") {
		t.Errorf("CSV has no place for it, and is\n%s", text)
	}
}
