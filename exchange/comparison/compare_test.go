package comparison_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"stats-recorder/exchange/comparison"
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

func TestCountsAreComparedWithTheAnswersOfAServer(t *testing.T) {
	t.Parallel()
	address := serving(t,
		`[{"events":{"show":3,"link":1},"id":"RSA"},{"events":{"show":5},"id":"APL"},{"id":null,"events":{"show":1}}]`,
		`[{"events_count":4,"events":{"show":{"2":{"1":3,"1.5":1}}},"benefit":"RSA"}]`)
	answers, err := comparison.Ask(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	counts := comparison.NewCounts()
	counts.Dated[comparison.Sum{Benefit: "RSA", EventType: "show"}] = 3
	counts.Undated[comparison.Sum{Benefit: "RSA", EventType: "show"}] = 2 // left out there
	counts.Dated[comparison.Sum{Benefit: "RSA", EventType: "link"}] = 1
	counts.Dated[comparison.Sum{Benefit: "APL", EventType: "show"}] = 4
	counts.Dated[comparison.Sum{Benefit: "new", EventType: "show"}] = 1
	counts.Positions[comparison.Position{Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "1"}] = 3
	counts.Positions[comparison.Position{Benefit: "RSA", EventType: "show", PageTotal: "2", Index: "2"}] = 7
	want := comparison.Result{
		Sums: 1, Positions: 1, Undated: 2, UndatedSums: 1,
		Differences: []comparison.Difference{
			{Answer: "/benefits", Of: `"<nil>" show`, There: 1},
			{Answer: "/benefits", Of: `"APL" show`, There: 5, Here: 4},
			{Answer: "/benefits", Of: `"new" show`, Here: 1},
			{Answer: "/statistics", Of: `"RSA" show at 1.5 of 2`, There: 1},
			{Answer: "/statistics", Of: `"RSA" show at 2 of 2`, Here: 7},
		},
	}
	if result := comparison.Compare(answers, counts); !reflect.DeepEqual(result, want) {
		t.Errorf("the result is\n%+v, want\n%+v", result, want)
	}
}

// TestALossDoesNotHideBehindEventsWithoutATime has a server that counts these, and one
// that does not, of both of which something is lost.
func TestALossDoesNotHideBehindEventsWithoutATime(t *testing.T) {
	t.Parallel()
	a, b, c := comparison.Sum{Benefit: "a", EventType: "show"}, comparison.Sum{Benefit: "b", EventType: "show"}, comparison.Sum{Benefit: "c", EventType: "show"}
	counts := comparison.NewCounts()
	counts.Dated = map[comparison.Sum]uint64{a: 4, b: 4, c: 4}
	counts.Undated = map[comparison.Sum]uint64{a: 1, b: 1, c: 1}
	for name, test := range map[string]struct {
		there map[comparison.Sum]uint64
		here  uint64
	}{
		"without": {map[comparison.Sum]uint64{a: 5, b: 4, c: 4}, 4},
		"with":    {map[comparison.Sum]uint64{a: 4, b: 5, c: 5}, 5},
	} {
		result := comparison.Compare(comparison.Answers{Sums: test.there}, counts)
		want := []comparison.Difference{{Answer: "/benefits", Of: `"a" show`, There: test.there[a], Here: test.here}}
		if !reflect.DeepEqual(result.Differences, want) {
			t.Errorf("%s: the differences are %+v, want %+v", name, result.Differences, want)
		}
	}
}

func TestWhatIsNoAnswerIsNotCompared(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		address string
		want    error
	}{
		"no scheme":              {"localhost:4000", comparison.ErrURL},
		"another scheme":         {"ftp://localhost", comparison.ErrURL},
		"no host":                {"http://", comparison.ErrURL},
		"an error":               {serving(t, "", "[]"), comparison.ErrAnswer},
		"an error after the sum": {serving(t, "[]", ""), comparison.ErrAnswer},
		"something else":         {serving(t, "<html>", "[]"), comparison.ErrAnswer},
		"another list":           {serving(t, "[1]", "[]"), comparison.ErrAnswer},
		"a part":                 {serving(t, "[]", `[{"benefit":"RSA"`), comparison.ErrAnswer},
	} {
		if _, err := comparison.Ask(t.Context(), test.address); !errors.Is(err, test.want) {
			t.Errorf("%s: the error is %v, want %v", name, err, test.want)
		}
	}
}
