package answers_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"stats-recorder/exchange/answers"
)

// serving is a server with these answers, which requires that it is told not to answer
// from its cache.
func serving(t *testing.T, benefits, statistics string) string {
	t.Helper()
	mux := http.NewServeMux()
	for path, answer := range map[string]string{"/prefix/benefits": benefits, "/prefix/statistics": statistics} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cache-Control") != "no-cache" {
				t.Errorf("GET %s may be answered from a cache", r.URL)
			}
			if answer == "" {
				http.Error(w, `{"message":"out of memory"}`, http.StatusUnprocessableEntity)
				return
			}
			w.Write([]byte(answer)) // a test that does not read it fails
		})
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/prefix/"
}

const (
	someBenefits   = `[{"events":{"show":7,"link":2},"id":"RSA"},{"events":{"show":1},"id":"APL"},{"id":null,"events":{"show":1}}]`
	someStatistics = `[{"events_count":5,"events":{"show":{"10":{"4":3,"1":1},"2":{"1.5":1}},"old":{"1":{"1":4}}},"benefit":"RSA"}]`
)

var both = answers.Answers{
	Sums: map[answers.Sum]uint64{
		{Benefit: "RSA", EventType: "show"}: 7, {Benefit: "RSA", EventType: "link"}: 2, {Benefit: "APL", EventType: "show"}: 1, {EventType: "show"}: 1,
	},
	Positions: map[answers.Position]uint64{
		{Benefit: "RSA", EventType: "show", PageTotal: "10", Index: "4"}: 3, {Benefit: "RSA", EventType: "show", PageTotal: "10", Index: "1"}: 1,
		{Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "1.5"}: 1, {Benefit: "RSA", EventType: "old", PageTotal: "1", Index: "1"}: 4,
	},
}

// saved writes an answer to a file.
func saved(t *testing.T, name, answer string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(answer), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAnswersAreTheSameFromAServerAndFromFiles(t *testing.T) {
	t.Parallel()
	asked, err := answers.Ask(t.Context(), serving(t, someBenefits, someStatistics))
	if err != nil || !reflect.DeepEqual(asked, both) {
		t.Errorf("a server answers with\n%+v (%v), want\n%+v", asked, err, both)
	}
	statistics, benefits := saved(t, "statistics.json", "\ufeff"+someStatistics), saved(t, "benefits.json", someBenefits)
	read, err := answers.Read([]string{statistics, benefits})
	if err != nil || !reflect.DeepEqual(read, both) {
		t.Errorf("files have\n%+v (%v), want\n%+v", read, err, both)
	}
	if _, err := answers.Read([]string{benefits, statistics, benefits}); !errors.Is(err, answers.ErrTwice) {
		t.Errorf("with a file twice the error is %v, want ErrTwice", err)
	}
}

func TestRowsAddUpToTheAnswers(t *testing.T) {
	t.Parallel()
	const placed = `{"benefit":"RSA","event_type":"old","version":2,"page_total":1,"benefit_index":1,"count":4,"origin":"answers:x"}
{"benefit":"RSA","event_type":"show","version":2,"page_total":10,"benefit_index":1,"count":1,"origin":"answers:x"}
{"benefit":"RSA","event_type":"show","version":2,"page_total":10,"benefit_index":4,"count":3,"origin":"answers:x"}
{"benefit":"RSA","event_type":"show","version":2,"page_total":2,"benefit_index":1.5,"count":1,"origin":"answers:x"}
`
	const nameless = `{"benefit":"","event_type":"show","page_total":0,"benefit_index":0,"count":1,"origin":"answers:x"}
{"benefit":"APL","event_type":"show","page_total":0,"benefit_index":0,"count":1,"origin":"answers:x"}
{"benefit":"RSA","event_type":"link","page_total":0,"benefit_index":0,"count":2,"origin":"answers:x"}
`
	for name, test := range map[string]struct {
		answers answers.Answers
		rows    string
		tally   answers.Tally
	}{
		"both": {both, placed + nameless + `{"benefit":"RSA","event_type":"show","page_total":0,"benefit_index":0,"count":2,"origin":"answers:x"}` + "\n",
			answers.Tally{Placed: 9, Unplaced: 6, Missing: 4}},
		"statistics alone": {answers.Answers{Positions: both.Positions}, placed, answers.Tally{Placed: 9}},
		"benefits alone": {answers.Answers{Sums: both.Sums}, nameless + `{"benefit":"RSA","event_type":"show","page_total":0,"benefit_index":0,"count":7,"origin":"answers:x"}` + "\n",
			answers.Tally{Unplaced: 11}},
		"nothing": {answers.Answers{}, "", answers.Tally{}},
	} {
		var rows strings.Builder
		if err := test.answers.Rows("x", &rows); err != nil {
			t.Fatal(err)
		}
		if rows.String() != test.rows || test.answers.Tally() != test.tally {
			t.Errorf("%s: the tally is %+v, want %+v, and the rows are\n%swant\n%s", name, test.answers.Tally(), test.tally, rows.String(), test.rows)
		}
	}
}

// TestOnlyAnswersAreRecognized has dumps, exports and other JSON in mind.
func TestOnlyAnswersAreRecognized(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]bool{
		someBenefits: true, someStatistics: true, " [ " + someBenefits[1:]: true,
		"": false, "[]": false, "[1]": false, "{}": false, "[{}]": false, "[": false, `{"id":"a","events":{}}`: false,
		`[{"_id":{"$oid":"64b000000000000000000000"},"benefit_id":"RSA","event_type":"show"}]`: false,
		`[{"benefit":"RSA","event_type":"show","count":3}]`:                                    false,
		`[{"id":"RSA","events":3}]`:                                                            false,
	} {
		if got := answers.Recognize(saved(t, "file", content)); got != want {
			t.Errorf("%q is an answer: %t, want %t", content, got, want)
		}
	}
	if answers.Recognize(t.TempDir()) || answers.Recognize("nowhere") {
		t.Error("a directory or nothing is an answer")
	}
	if _, err := answers.Read([]string{saved(t, "file", "[1]")}); !errors.Is(err, answers.ErrAnswer) {
		t.Errorf("of a file that is no answer the error is %v, want ErrAnswer", err)
	}
}

func TestWhatIsNoAnswerIsNotTaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address string
		want    error
	}{
		"no scheme":              {"localhost:4000", answers.ErrURL},
		"another scheme":         {"ftp://localhost", answers.ErrURL},
		"no host":                {"http://", answers.ErrURL},
		"an error":               {serving(t, "", "[]"), answers.ErrAnswer},
		"an error after the sum": {serving(t, "[]", ""), answers.ErrAnswer},
		"something else":         {serving(t, "<html>", "[]"), answers.ErrAnswer},
		"another list":           {serving(t, "[1]", "[]"), answers.ErrAnswer},
		"a part":                 {serving(t, "[]", `[{"benefit":"RSA"`), answers.ErrAnswer},
	} {
		if _, err := answers.Ask(t.Context(), test.address); !errors.Is(err, test.want) {
			t.Errorf("%s: the error is %v, want %v", name, err, test.want)
		}
	}
}
