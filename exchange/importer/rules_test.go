package importer_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"stats-recorder/exchange/importer"
)

func millis(year int) bson.DateTime {
	return bson.NewDateTimeFromTime(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
}

func TestOddDocumentsAreKeptAsTheOldServiceCountedThem(t *testing.T) {
	t.Parallel()
	regular := oldDocuments(1, 1)[0]
	var plain event
	for plain = range expected([]bson.D{regular}) {
	}
	cases := map[string]struct {
		document bson.D
		change   func(*event)
	}{
		"index above total":              {with(with(regular, "page_total", int32(3)), "benefit_index", int32(9)), func(e *event) { e.pageTotal, e.index = 3, 9 }},
		"index 0":                        {with(regular, "benefit_index", int32(0)), func(e *event) { e.index = 0 }},
		"total 0":                        {with(regular, "page_total", int32(0)), func(e *event) { e.pageTotal = 0 }},
		"the largest positions":          {with(with(regular, "page_total", 1023.0), "benefit_index", int64(1023)), func(e *event) { e.pageTotal, e.index = 1023, 1023 }},
		"no version":                     {without(regular, "version"), func(e *event) { e.version = 0 }},
		"null version":                   {with(regular, "version", nil), func(e *event) { e.version = 0 }},
		"version 65535":                  {with(regular, "version", int64(65535)), func(e *event) { e.version = 65535 }},
		"no created_at":                  {without(regular, "created_at"), func(e *event) { e.precision, e.createdAt = importer.AllTime, time.Time{} }},
		"null created_at":                {with(regular, "created_at", nil), func(e *event) { e.precision, e.createdAt = importer.AllTime, time.Time{} }},
		"created in 1970":                {with(regular, "created_at", millis(1970)), func(e *event) { e.createdAt = time.Unix(0, 0).UTC() }},
		"created in 2200":                {with(regular, "created_at", millis(2201)-1), func(e *event) { e.createdAt = time.UnixMilli(int64(millis(2201)) - 1).UTC() }},
		"an unknown event type":          {with(regular, "event_type", "never heard of"), func(e *event) { e.eventType = "never heard of" }},
		"the longest event type":         {with(regular, "event_type", strings.Repeat("é", 32)), func(e *event) { e.eventType = strings.Repeat("é", 32) }},
		"the longest benefit":            {with(regular, "benefit_id", strings.Repeat("b", 256)), func(e *event) { e.benefit = strings.Repeat("b", 256) }},
		"no hash_id":                     {without(regular, "hash_id"), func(*event) {}},
		"an _id that is not an ObjectId": {with(regular, "_id", "text"), func(*event) {}},
		"no _id":                         {without(regular, "_id"), func(*event) {}},
	}
	for name, c := range cases {
		for container, content := range containers(t, []bson.D{c.document}) {
			want := plain
			c.change(&want)
			taken, summary := read(t, content)
			if taken.counts[want] != 1 || summary.Counted != 1 {
				t.Errorf("%s in %s: counted %v, want %+v; skipped %v", name, container, taken.counts, want, summary.Reasons)
			}
		}
	}
}

func TestWhatCannotBeRepresentedIsSkippedWithItsReason(t *testing.T) {
	t.Parallel()
	regular := oldDocuments(1, 1)[0]
	hugeDecimal, _ := bson.ParseDecimal128("1E+6000")
	tinyDecimal, _ := bson.ParseDecimal128("1E-6000")
	infinity, _ := bson.ParseDecimal128("Infinity")
	cases := []struct {
		document bson.D
		reason   string
	}{
		{without(regular, "benefit_id"), "benefit_id is missing"},
		{with(regular, "benefit_id", nil), "benefit_id is missing"},
		{with(regular, "benefit_id", ""), "benefit_id is not 1 to 256 bytes long"},
		{with(regular, "benefit_id", strings.Repeat("b", 257)), "benefit_id is not 1 to 256 bytes long"},
		{with(regular, "benefit_id", int32(4)), "benefit_id is not a string"},
		{with(regular, "benefit_id", bson.A{"a"}), "benefit_id is not a string"},
		{with(regular, "benefit_id", bson.D{{Key: "$in", Value: bson.A{}}}), "benefit_id is not a string"},
		{without(regular, "event_type"), "event_type is missing"},
		{with(regular, "event_type", strings.Repeat("é", 32)+"s"), "event_type is not 1 to 64 bytes long"},
		{with(regular, "event_type", true), "event_type is not a string"},
		{without(regular, "page_total"), "page_total is missing"},
		{with(regular, "page_total", int32(1024)), "page_total is not in 0 to 1023"},
		{with(regular, "page_total", int64(math.MaxInt64)), "page_total is not in 0 to 1023"},
		{with(regular, "page_total", "12"), "page_total is not a number"},
		{with(regular, "page_total", bson.DateTime(4)), "page_total is not a number"},
		{with(regular, "benefit_index", nil), "benefit_index is missing"},
		{with(regular, "benefit_index", int32(-1)), "benefit_index is not in 0 to 1023"},
		{with(regular, "benefit_index", 1.5), "benefit_index is not an integer"},
		{with(regular, "benefit_index", math.NaN()), "benefit_index is not an integer"},
		{with(regular, "benefit_index", math.Inf(-1)), "benefit_index is not an integer"},
		{with(regular, "benefit_index", 1e300), "benefit_index is not an integer"},
		{with(regular, "benefit_index", hugeDecimal), "benefit_index is not an integer"},
		{with(regular, "benefit_index", tinyDecimal), "benefit_index is not an integer"},
		{with(regular, "benefit_index", infinity), "benefit_index is not an integer"},
		{with(regular, "version", int32(65536)), "version is not in 0 to 65535"},
		{with(regular, "version", int32(-1)), "version is not in 0 to 65535"},
		{with(regular, "version", "2"), "version is not a number"},
		{with(regular, "created_at", bson.DateTime(-1)), "created_at is not in 1970 to 2200"},
		{with(regular, "created_at", millis(2201)), "created_at is not in 1970 to 2200"},
		{with(regular, "created_at", bson.DateTime(math.MaxInt64)), "created_at is not in 1970 to 2200"},
		{with(regular, "created_at", int64(1_700_000_000_000)), "created_at is not a date"},
		{with(regular, "created_at", "2023-11-14T22:13:20Z"), "created_at is not a date"},
		{bson.D{}, "benefit_id is missing"},
	}
	for i, c := range cases {
		_, want := read(t, dump(t, c.document))
		for container, content := range containers(t, []bson.D{c.document}) {
			_, summary := read(t, content)
			if summary.Skipped != 1 || summary.Counted != 0 || summary.Reasons[c.reason] != 1 {
				t.Errorf("%d in %s: summary is %+v, want the reason %q", i, container, summary, c.reason)
			}
			if summary.Fingerprint != want.Fingerprint {
				t.Errorf("%d in %s: the fingerprint is another", i, container)
			}
		}
	}
}

func TestJSONValuesThatAreNoObjectsAreSkipped(t *testing.T) {
	t.Parallel()
	good := strings.TrimSpace(string(export(t, false, false, oldDocuments(1, 1)...)))
	values := []string{"3", "null", `"text"`, "[1,[2]]", "-1.5e3", "true"}
	for name, content := range map[string]string{
		"lines": good + "\n" + strings.Join(values, "\n"),
		"array": "[" + strings.Join(values, ",") + "," + good + "]",
	} {
		_, summary := read(t, []byte(content))
		if summary.Counted != 1 || summary.Reasons["not an object"] != uint64(len(values)) {
			t.Errorf("%s: summary is %+v", name, summary)
		}
		if len(summary.Examples) != len(values) || summary.Examples[3].Have != "[1,[2]]" {
			t.Errorf("%s: examples are %+v", name, summary.Examples)
		}
	}
}

func TestMaxPositionIsTheCallers(t *testing.T) {
	t.Parallel()
	document := with(with(oldDocuments(1, 1)[0], "page_total", int32(41)), "benefit_index", int32(1))
	for limit, counted := range map[uint16]uint64{40: 0, 41: 1, 60000: 1} {
		options := stdin(dump(t, document))
		options.MaxPosition = limit
		summary, err := importer.Read(t.Context(), options, func([]importer.Document) error { return nil })
		if err != nil || summary.Counted != counted {
			t.Errorf("with at most %d, %d were counted, want %d; %v", limit, summary.Counted, counted, err)
		}
	}
}

func TestRowsOfOurOwnExportHaveADayAndACount(t *testing.T) {
	t.Parallel()
	row := func(day, count string) string {
		return fmt.Sprintf(`{"day":%s,"benefit":"a","event_type":"show","version":2,"page_total":4,"benefit_index":1,"count":%s}`, day, count)
	}
	leap := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	taken, summary := read(t, []byte(row(`"2024-02-29"`, "17")+"\n"+row("null", "4")+"\n"+row(`"2024-02-29"`, "9007199254740991")))
	taken.mustBe(t, map[event]uint64{
		{"a", "show", 2, 4, 1, importer.WholeDay, leap}:       17 + importer.MaxCount,
		{"a", "show", 2, 4, 1, importer.AllTime, time.Time{}}: 4,
	})
	if summary.Events != 21+importer.MaxCount || summary.Undated != 4 || summary.Counted != 3 {
		t.Errorf("summary is %+v", summary)
	}
	for content, reason := range map[string]string{
		row(`"2023-02-29"`, "1"):           "day is not a date",
		row(`"2023-02-28T00:00:00Z"`, "1"): "day is not a date",
		row(`""`, "1"):                     "day is not a date",
		row("20230228", "1"):               "day is not a date",
		row(`"1969-12-31"`, "1"):           "day is not in 1970 to 2200",
		row(`"2201-01-01"`, "1"):           "day is not in 1970 to 2200",
		row("null", "0"):                   "count is not in 1 to 9007199254740991",
		row("null", "9007199254740992"):    "count is not in 1 to 9007199254740991",
		row("null", "1.5"):                 "count is not an integer",
		strings.Replace(row("null", "1"), `"benefit"`, `"name"`, 1): "benefit_id is missing",
	} {
		if _, summary := read(t, []byte(content)); summary.Reasons[reason] != 1 {
			t.Errorf("%s: summary is %+v, want the reason %q", content, summary, reason)
		}
	}
}
