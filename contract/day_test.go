package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

const (
	dayBenefits    = 600
	dayConnections = 8
	// dayVisits is how many visitors come over one connection.
	dayVisits = 60
)

// clientRecord is a record as the real client sends it, field by field.
type clientRecord struct {
	BenefitID    string            `json:"benefit_id"`
	HashID       string            `json:"hash_id"`
	ABTesting    map[string]string `json:"abtesting"`
	BenefitIndex int               `json:"benefit_index"`
	PageTotal    int               `json:"page_total"`
	EventType    string            `json:"event_type"`
	Version      int               `json:"version"`
	// CreatedAt is for clients that send later what happened before.
	CreatedAt string `json:"created_at,omitempty"`
}

func (r clientRecord) counter() blackbox.Counter {
	return blackbox.Counter{Benefit: r.BenefitID, Event: r.EventType, Version: r.Version, Total: r.PageTotal, Index: r.BenefitIndex}
}

// day is the account of what visitors did, by the hour. What happens while the
// test runs is booked in the hour in which it began: no window that the test
// asks for begins later.
type day struct {
	began time.Time
	mu    sync.Mutex
	hours map[time.Time]*blackbox.Ledger
}

func newDay() *day {
	return &day{began: time.Now().UTC().Truncate(time.Hour), hours: make(map[time.Time]*blackbox.Ledger)}
}

func (d *day) add(hour time.Time, records []clientRecord) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hours[hour] == nil {
		d.hours[hour] = blackbox.NewLedger()
	}
	for _, r := range records {
		d.hours[hour].Add(r.counter())
	}
}

// since is the account of an hour and all later ones.
func (d *day) since(start time.Time) *blackbox.Ledger {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := blackbox.NewLedger()
	for hour, book := range d.hours {
		if hour.Before(start) {
			continue
		}
		for c, count := range book.Counts {
			sum.Counts[c] += count
		}
	}
	return sum
}

// visitor draws what one visitor after the other does.
type visitor struct {
	random     *rand.Rand
	popularity *rand.Zipf
	began      time.Time
}

func newVisitor(began time.Time, seed, connection uint64) *visitor {
	random := rand.New(rand.NewPCG(seed, connection))
	return &visitor{random, rand.NewZipf(random, 1.2, 10, dayBenefits-1), began}
}

func benefitName(rank int) string {
	kinds := []string{"aide-logement", "livret_épargne", "carte-transport", "bourse d’étude", "prime"}
	return fmt.Sprintf("%s-%d", kinds[rank%len(kinds)], rank)
}

// visit is a page of results, and sometimes what is clicked on it. Some
// visitors' records arrive hours later, some pages are of an old client.
func (v *visitor) visit(number int) (hour time.Time, page []clientRecord, click *clientRecord) {
	shared := clientRecord{
		HashID: fmt.Sprintf("%016x", v.random.Uint64()), EventType: "show", Version: 2, PageTotal: 1 + v.random.IntN(60),
		ABTesting: map[string]string{"CTA_EXPLANATION": []string{"explanation", "none"}[v.random.IntN(2)]},
	}
	hour = v.began
	if v.random.IntN(4) == 0 {
		hour = v.began.Add(-time.Duration(v.random.IntN(40)) * time.Hour)
		within := time.Duration(v.random.Int64N(int64(time.Hour)))
		if hour.Equal(v.began) {
			within = 0 // not in the future
		}
		shared.CreatedAt = hour.Add(within).Format("2006-01-02T15:04:05.000Z")
	}
	if v.random.IntN(20) == 0 {
		shared.Version = 1
	}
	shown := make(map[int]bool)
	for len(page) < shared.PageTotal {
		rank := int(v.popularity.Uint64())
		if shown[rank] {
			continue
		}
		shown[rank] = true
		r := shared
		r.BenefitID, r.BenefitIndex = benefitName(rank), len(page)+1
		page = append(page, r)
	}
	if v.random.IntN(2) == 0 {
		clicked := page[v.random.IntN(len(page))]
		events := knownEventTypes()
		clicked.EventType = events[number%len(events)]
		click = &clicked
	}
	return hour, page, click
}

// sender posts over a connection of its own.
type sender struct {
	client *http.Client
	url    string
}

func (s sender) post(contentType string, records any) error {
	body, err := json.Marshal(records)
	if err != nil {
		return err
	}
	response, err := s.client.Post(s.url+"/benefits", contentType, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(response.Body)
	err = errors.Join(err, response.Body.Close())
	if err == nil && (response.StatusCode != http.StatusOK || string(answer) != blackbox.BodyCreated) {
		err = fmt.Errorf("status %d: %s", response.StatusCode, answer)
	}
	return err
}

// spend posts what the visitors of one connection do, and books it.
func (d *day) spend(s sender, v *visitor) error {
	defer s.client.CloseIdleConnections()
	for number := range dayVisits {
		hour, page, click := v.visit(number)
		if err := s.post("application/json", page); err != nil {
			return err
		}
		d.add(hour, page)
		if click == nil {
			continue
		}
		// A beacon sends one record and cannot say that it is JSON.
		contentType, records := "application/json", any([]clientRecord{*click})
		if number%3 == 0 {
			contentType, records = "text/plain;charset=UTF-8", *click
		}
		if err := s.post(contentType, records); err != nil {
			return err
		}
		d.add(hour, []clientRecord{*click})
	}
	return nil
}

// pass lets visitors come over all connections at once.
func (d *day) pass(t *testing.T, p *blackbox.Program, seed uint64) {
	t.Helper()
	t.Logf("the seed is %d", seed)
	failures := make([]error, dayConnections)
	var done sync.WaitGroup
	for connection := range dayConnections {
		s := sender{&http.Client{Transport: &http.Transport{}, Timeout: blackbox.Patience}, p.URL}
		done.Go(func() { failures[connection] = d.spend(s, newVisitor(d.began, seed, uint64(connection))) })
	}
	done.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
}

// expect compares all that can be read with the account.
func (d *day) expect(t *testing.T, p *blackbox.Program) {
	t.Helper()
	all := d.since(time.Time{})
	for _, version := range []int{1, 2} {
		p.Get(t, "/statistics?version="+strconv.Itoa(version)).Expect(t, http.StatusOK, all.Statistics(version))
	}
	today, yesterday := d.began.Truncate(24*time.Hour), d.began.Add(-24*time.Hour).Truncate(24*time.Hour)
	for form, start := range map[string]time.Time{
		"":                              {},
		"2020":                          {},
		yesterday.Format(time.DateOnly): yesterday,
		today.Format(time.DateOnly):     today,
		d.began.Format(time.RFC3339):    d.began,
		d.began.Add(12*time.Minute + 345*time.Millisecond).Format(time.RFC3339Nano):                      d.began,
		d.began.Add(-7*time.Hour + 59*time.Minute).Format(time.RFC3339):                                  d.began.Add(-7 * time.Hour),
		d.began.Add(-30 * time.Hour).In(time.FixedZone("", 5*3600+1800)).Format("2006-01-02T15:04Z0700"): d.began.Add(-30 * time.Hour),
		today.In(time.FixedZone("", -2*3600)).Format(time.RFC3339):                                       today,
		d.began.Add(48 * time.Hour).Format(time.DateOnly):                                                d.began.Add(48 * time.Hour),
	} {
		want := d.since(start)
		if start.After(d.began) {
			want = blackbox.NewLedger()
		}
		if got := p.Totals(t, blackbox.StartAt(form)); !reflect.DeepEqual(got, want.Totals()) {
			t.Errorf("since %q the server has not counted what the visitors did", form)
		}
	}
}

// TestARealisticDayIsCountedExactlyThroughEveryEnd has visitors come over
// several connections, and reads everything before and after the server is told
// to stop, and is killed.
func TestARealisticDayIsCountedExactlyThroughEveryEnd(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	d := newDay()
	p := blackbox.StartProgram(t, directory, nil)
	d.pass(t, p, rand.Uint64())
	d.expect(t, p)
	p.Terminate(t)

	p = blackbox.StartProgram(t, directory, nil)
	d.expect(t, p)
	d.pass(t, p, rand.Uint64())
	p.Kill(t)

	p = blackbox.StartProgram(t, directory, nil)
	d.expect(t, p)
	p.Terminate(t)
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
}
