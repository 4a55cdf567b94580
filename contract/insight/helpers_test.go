package insight

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// statistics are counts by benefit, event type, page total and index, as fixtures have
// them.
type statistics map[string]map[string]map[string]map[string]int

// confounded is fixture 03: A is twice as good as B, and mostly first.
func confounded() statistics {
	return statistics{
		"A": {"show": {"2": {"1": 900, "2": 100}}, "showDetails": {"2": {"1": 180, "2": 10}}},
		"B": {"show": {"2": {"1": 100, "2": 900}}, "showDetails": {"2": {"1": 10, "2": 45}}},
	}
}

// post records counts; further fields are those of every record.
func post(t testing.TB, s *blackbox.Server, counts statistics, more ...blackbox.Fields) {
	t.Helper()
	var records []string
	for _, benefit := range slices.Sorted(maps.Keys(counts)) {
		for event, totals := range counts[benefit] {
			for total, indexes := range totals {
				for index, count := range indexes {
					fields := blackbox.Fields{
						"benefit_id": blackbox.Quote(benefit), "event_type": blackbox.Quote(event), "page_total": total, "benefit_index": index,
					}
					for _, m := range more {
						maps.Copy(fields, m)
					}
					records = append(records, slices.Repeat([]string{blackbox.Record(fields)}, count)...)
				}
			}
		}
	}
	for batch := range slices.Chunk(records, 500) {
		s.Created(t, blackbox.Array(batch...))
	}
}

// answer is what tests look at of any table.
type answer struct {
	Window struct {
		StartAt *string `json:"start_at"`
		EndAt   *string `json:"end_at"`
		Version int
		Stage   *string
		Cut     bool
	}
	Model struct {
		Kind       string
		Identified bool
		Dispersion float64
	}
	Benefits []struct {
		ID            string
		Label         *string
		Shows, Clicks int
		CTR           *float64
		CTRInterval   []float64 `json:"ctr_interval"`
		Merit         *float64
		Rank          *int
		Verdict       *string
		Orphans       int `json:"orphan_clicks"`
		Records       records
	}
	Never   []struct{ ID string }
	Groups  []struct{ Group string }
	Ranks   []struct{ From, To, Shows, Clicks int }
	Cells   []cell
	Records records
	Steps   []step

	Pages          int
	Balance        *float64
	Orphans        int     `json:"orphan_clicks"`
	RepeatedClicks int     `json:"repeated_clicks"`
	OtherShows     int     `json:"other_shows"`
	KeptFrom       *string `json:"kept_from"`
}

type records struct {
	Shown, Opened, Acted int
	OpenRate             *float64 `json:"open_rate"`
	Outside              map[string]int
}

type cell struct {
	PageTotal    int `json:"page_total"`
	BenefitIndex int `json:"benefit_index"`
	Shows        int
	Expected     *float64
}

type step struct {
	StartAt       string `json:"start_at"`
	Shows, Clicks int
	OOverE        *float64 `json:"o_over_e"`
}

// get asks for a table.
func get(t testing.TB, s *blackbox.Server, path string, headers ...string) (answer, blackbox.Reply) {
	t.Helper()
	reply := s.Get(t, "/insight/"+path, headers...)
	reply.ExpectStatus(t, http.StatusOK)
	var a answer
	if err := json.Unmarshal([]byte(reply.Body), &a); err != nil {
		t.Fatalf("%s: %v in %.300s", path, err, reply.Body)
	}
	if strings.Contains(reply.Body, "NaN") {
		t.Errorf("%s has NaN in it: %s", path, reply.Body)
	}
	return a, reply
}

// ids are those of the benefits in their order.
func (a answer) ids() string {
	var ids []string
	for _, b := range a.Benefits {
		ids = append(ids, b.ID)
	}
	return strings.Join(ids, " ")
}

var tables = []string{"benefits", "positions", "funnel", "timeline", "quality"}

func expectIDs(t testing.TB, s *blackbox.Server, path, want string) {
	t.Helper()
	if a, _ := get(t, s, path); a.ids() != want {
		t.Errorf("%s has %q, want %q", path, a.ids(), want)
	}
}

func show(value *float64) string {
	if value == nil {
		return "null"
	}
	return fmt.Sprint(*value)
}
