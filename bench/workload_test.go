package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"stats-recorder/harness"
)

// testShape is a small workload of whole pages.
func testShape() workloadShape {
	return workloadShape{benefits: 600, zipf: 1, version: 2, seed: 1, host: localHost, path: "/benefits"}
}

func mustBuild(t testing.TB, shape workloadShape) *workload {
	t.Helper()
	built, err := newWorkload(shape)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// wireRecord is a record as the real client sends it.
type wireRecord struct {
	BenefitID    string            `json:"benefit_id"`
	HashID       string            `json:"hash_id"`
	Experiments  map[string]string `json:"abtesting"`
	BenefitIndex int               `json:"benefit_index"`
	PageTotal    int               `json:"page_total"`
	EventType    string            `json:"event_type"`
	Version      int               `json:"version"`
}

// readRequest parses a request as a server does.
func readRequest(t *testing.T, wire []byte) (*http.Request, []wireRecord, []byte) {
	t.Helper()
	reader := bufio.NewReader(bytes.NewReader(wire))
	request, err := http.ReadRequest(reader)
	if err != nil {
		t.Fatalf("%v in %q", err, wire)
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(reader); len(rest) > 0 {
		t.Fatalf("%d bytes follow the request", len(rest))
	}
	var records []wireRecord
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&records); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return request, records, body
}

func TestSameSeedSendsSameBytes(t *testing.T) {
	for _, counters := range []int{0, 5000} {
		shape := testShape()
		shape.counters = counters
		one, other := mustBuild(t, shape), mustBuild(t, shape)
		if one.count() != other.count() {
			t.Fatalf("%d requests, then %d", one.count(), other.count())
		}
		for number := range one.count() {
			first, _ := one.request(number, &composer{})
			second, _ := other.request(number, &composer{})
			if !bytes.Equal(first, second) {
				t.Fatalf("request %d differs:\n%s\n%s", number, first, second)
			}
		}
	}
}

func TestOtherSeedSendsOtherBytes(t *testing.T) {
	shape := testShape()
	one := mustBuild(t, shape)
	shape.seed++
	other := mustBuild(t, shape)
	if bytes.Equal(one.requests[0], other.requests[0]) {
		t.Fatal("the seed changes nothing")
	}
}

func TestRequestsAreThoseOfTheRealClient(t *testing.T) {
	order := regexp.MustCompile(`^\[(\{"benefit_id":"[^"]+","hash_id":"[0-9a-f]{16}","abtesting":\{"\w+":"\w+","\w+":"\w+"\},` +
		`"benefit_index":\d+,"page_total":\d+,"event_type":"[\w-]+","version":2\},?)+\]$`)
	for _, batch := range []int{0, 1, 30, 100} {
		shape := testShape()
		shape.batch = batch
		traffic := mustBuild(t, shape)
		for number := 0; number < traffic.count(); number += 97 {
			wire, size := traffic.request(number, &composer{})
			request, records, body := readRequest(t, wire)
			if request.Method != http.MethodPost || request.URL.Path != "/benefits" || request.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("request head: %v", request)
			}
			if !order.Match(body) {
				t.Fatalf("fields or their order: %s", body)
			}
			if len(records) != size || (batch > 0 && size != batch) {
				t.Fatalf("batch %d has %d records, said to be %d", batch, len(records), size)
			}
			checkPage(t, records)
		}
	}
}

// checkPage checks what the records of one page have in common.
func checkPage(t *testing.T, records []wireRecord) {
	t.Helper()
	first := records[0]
	seen := map[string]bool{}
	for position, record := range records {
		if record.HashID != first.HashID || record.PageTotal != first.PageTotal ||
			record.EventType != first.EventType || record.Version != first.Version {
			t.Fatalf("records of one page differ: %+v, %+v", first, record)
		}
		if record.BenefitIndex != first.BenefitIndex+position || record.BenefitIndex > record.PageTotal {
			t.Fatalf("record %d has index %d of %d", position, record.BenefitIndex, record.PageTotal)
		}
		if seen[record.BenefitID] {
			t.Fatalf("%s is twice on a page", record.BenefitID)
		}
		seen[record.BenefitID] = true
	}
}

func TestMostEventsAreShow(t *testing.T) {
	for _, batch := range []int{0, 1, 30} {
		shape := testShape()
		shape.batch = batch
		traffic := mustBuild(t, shape)
		shown, all := 0, 0
		for _, drawn := range traffic.source.(drawnPages) {
			all += len(drawn.benefits)
			if drawn.event == eventShow {
				shown += len(drawn.benefits)
			}
		}
		if share := float64(shown) / float64(all); share < 0.85 || share > 0.99 {
			t.Errorf("batch %d: %.2f of the records are show", batch, share)
		}
	}
}

func TestPopularityIsZipf(t *testing.T) {
	shape := testShape()
	shape.batch = 1
	traffic := mustBuild(t, shape)
	counts := make([]int, shape.benefits)
	for _, drawn := range traffic.source.(drawnPages) {
		counts[drawn.benefits[0]]++
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	if quotient := float64(counts[0]) / float64(counts[9]); quotient < 8 || quotient > 12 {
		t.Errorf("the most popular is %.1f times as popular as the tenth", quotient)
	}
}

func TestBenefitNamesAreDistinctSlugs(t *testing.T) {
	slug := regexp.MustCompile(`^[a-z0-9_-]{10,40}$`)
	seen := map[string]bool{}
	for _, name := range benefitNames(2000) {
		if seen[name] || !slug.MatchString(name) {
			t.Errorf("%q", name)
		}
		seen[name] = true
	}
}

func TestRecordsAreOfRealisticSize(t *testing.T) {
	shape := testShape()
	shape.batch = 30
	traffic := mustBuild(t, shape)
	total := 0
	for _, request := range traffic.requests {
		total += len(request) - bytes.Index(request, []byte("\r\n\r\n")) - 4
	}
	if size := total / traffic.count() / 30; size < 215 || size > 245 {
		t.Errorf("a record takes %d bytes", size)
	}
}

func TestSpreadTouchesEveryCounterOnce(t *testing.T) {
	for _, test := range []struct{ batch, benefits, counters int }{
		{0, 600, 5000}, {1, 600, 30_000}, {30, 600, 100_000}, {30, 600, 700_000}, {100, 600, 50_000}, {30, 7, 4000}, {7, 600, 1},
	} {
		shape := testShape()
		shape.batch, shape.benefits, shape.counters = test.batch, test.benefits, test.counters
		traffic := mustBuild(t, shape)
		account := harness.NewLedger()
		once := slices.Repeat([]int64{1}, traffic.count())
		addAcknowledged(account, traffic, once)
		if account.Records() != int64(account.Counters()) {
			t.Errorf("%+v: %d records fall on %d counters", test, account.Records(), account.Counters())
		}
		if excess := account.Counters() - test.counters; excess < 0 || excess >= max(usualPage, test.batch) {
			t.Errorf("%+v: %d counters", test, account.Counters())
		}
		for place := range account.All() {
			if place.Index < 1 || place.Index > place.Total || place.Total > longestPage {
				t.Fatalf("%+v: counter %+v", test, place)
			}
		}
	}
}

func TestSpreadRefusesWhatIsTooMuch(t *testing.T) {
	shape := testShape()
	shape.benefits, shape.batch, shape.counters = 1, 1000, 20_000
	if _, err := newWorkload(shape); err == nil {
		t.Fatal("one benefit cannot have that many counters at one position")
	}
}
