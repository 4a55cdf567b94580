package contract

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"stats-recorder/service"
)

func TestNothingRecordedIsAnEmptyArray(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.expectNothing(t)
		s.get(t, "/statistics?version=1").expect(t, http.StatusOK, "[]")
		s.get(t, "/benefits?start_at=2026-11-23").expect(t, http.StatusOK, "[]")
	})
}

func TestStatisticsAreOrderedAtEveryLevel(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	book := newLedger()
	for _, position := range []struct{ total, index int }{{10, 9}, {10, 10}, {9, 1}, {100, 20}, {100, 3}, {100, 100}, {2, 2}, {1000, 1000}} {
		book.post(t, s, counter{"most", "showDetails", 2, position.total, position.index})
		book.post(t, s, counter{"most", "show", 2, position.total, 1}, counter{"most", "show", 2, position.total, 2})
	}
	for _, event := range knownEventTypes() {
		book.post(t, s, counter{"many types", event, 2, 3, 2})
	}
	for _, benefit := range []string{"b", "a", "é", "B", "aa", "Z", "10", "9", "a b", "a-b"} {
		book.post(t, s, counter{benefit, "link", 2, 1, 1})
	}
	s.alsoAfterRestart(t, func(t *testing.T) {
		book.expect(t, s, 2)
		s.get(t, "/statistics").expect(t, http.StatusOK, book.statistics(2))
	})
}

func TestStatisticsHaveTheDocumentedShape(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	batch := []string{recordOf("b"), recordOf("a")}
	for _, position := range []fields{
		{"page_total": "2", "benefit_index": "1"}, {"page_total": "10", "benefit_index": "10"}, {"page_total": "10", "benefit_index": "2"},
		{"page_total": "10", "benefit_index": "2"},
	} {
		position["benefit_id"], position["event_type"] = `"c"`, `"showDetails"`
		batch = append(batch, record(position))
	}
	batch = append(batch, record(fields{"benefit_id": `"c"`, "event_type": `"show"`}))
	s.created(t, array(batch...))
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.get(t, "/statistics").expect(t, http.StatusOK,
			`[{"benefit":"c","events_count":5,"events":{"show":{"2":{"1":1}},"showDetails":{"2":{"1":1},"10":{"2":2,"10":1}}}},`+
				`{"benefit":"a","events_count":1,"events":{"show":{"2":{"1":1}}}},`+
				`{"benefit":"b","events_count":1,"events":{"show":{"2":{"1":1}}}}]`)
		s.get(t, "/benefits?start_at=2020").expectJSON(t, http.StatusOK, `[{"id":"a","events":{"show":1}},`+
			`{"id":"b","events":{"show":1}},{"id":"c","events":{"show":1,"showDetails":4}}]`)
	})
}

func TestStatisticsAreOfOneVersionAndBenefitsOfAll(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	book := newLedger()
	for _, version := range []int{0, 1, 2, 3, 255, 256, 65535} {
		for range version%5 + 1 {
			book.post(t, s, counter{"RSA", "show", version, 3, 1}, counter{"only of one version", "link", 2, 1, 1})
		}
	}
	book.post(t, s, counter{"never of version 2", "show", 1, 1, 1})
	s.alsoAfterRestart(t, func(t *testing.T) {
		book.expect(t, s, 0, 1, 2, 3, 4, 255, 256, 65535)
		s.get(t, "/statistics").expect(t, http.StatusOK, book.statistics(2))
	})
}

func TestAnswersAreAlwaysFresh(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for i := range 20 {
		s.created(t, recordOf("RSA"))
		s.expectTotal(t, "RSA", i+1)
		var statistics []struct {
			Count int `json:"events_count"`
		}
		if err := json.Unmarshal([]byte(s.get(t, "/statistics").body), &statistics); err != nil || statistics[0].Count != i+1 {
			t.Errorf("got %v and %v, want a count of %d", statistics, err, i+1)
		}
	}
}

func TestHEADAnswersWhatGETDoesWithoutTheBody(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.created(t, times(3, recordOf("RSA")))
	for _, path := range []string{"/benefits", "/statistics", "/BENEFITS/", "/benefits?start_at=2020", "/benefits?start_at=x", "/nowhere"} {
		got, want := s.do(t, http.MethodHead, path, ""), s.get(t, path)
		got.expectStatus(t, want.status)
		for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Vary", "Effective-Start-At"} {
			got.expectHeader(t, name, want.header.Get(name))
		}
		if want.status == http.StatusOK {
			s.do(t, http.MethodHead, path, "", "If-None-Match", want.header.Get("ETag")).expectStatus(t, http.StatusNotModified)
		}
	}
}

func TestAMatchingIfNoneMatchAnswers304(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.created(t, recordOf("RSA"))
	for _, path := range []string{"/benefits", "/statistics", "/Statistics/", "/benefits?start_at=2020"} {
		tag := s.get(t, path).header.Get("ETag")
		opaque := tag
		if len(tag) > 2 && tag[:2] == "W/" {
			opaque = tag[2:]
		}
		for _, matching := range []string{tag, opaque, "W/" + opaque, "*", `"x", ` + tag, tag + `,"x"`, `"x",W/` + opaque + `, "y"`} {
			got := s.get(t, path, "If-None-Match", matching)
			got.expect(t, http.StatusNotModified, "")
			got.expectHeader(t, "ETag", tag)
		}
		inner := opaque[1 : len(opaque)-1]
		for _, other := range []string{`"x"`, `"x", "y"`, `W/"x"`, inner, `"` + inner + `x"`, `""`} {
			s.get(t, path, "If-None-Match", other).expectStatus(t, http.StatusOK)
		}
	}
}

func TestTheETagChangesWithTheCounts(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	seen := make(map[string][]string)
	for round := range 12 {
		for _, path := range []string{"/benefits", "/statistics"} {
			tag := s.get(t, path).header.Get("ETag")
			if again := s.get(t, path).header.Get("ETag"); again != tag {
				t.Errorf("%s: the tag of the same counts was %s and is %s", path, tag, again)
			}
			if slices.Contains(seen[path], tag) {
				t.Errorf("%s: round %d has the tag %s of an earlier one", path, round, tag)
			}
			seen[path] = append(seen[path], tag)
			s.get(t, path, "If-None-Match", seen[path][0]).expectStatus(t, map[bool]int{true: 304, false: 200}[round == 0])
		}
		s.created(t, record(fields{"benefit_id": quote("round"), "benefit_index": []string{"1", "2"}[round%2]}))
		if round%4 == 3 {
			s.restart(t) // a tag of an earlier life must not come back for other counts
		}
	}
}

func TestDifferentAnswersHaveDifferentETags(t *testing.T) {
	t.Parallel()
	clock := newClock(t, halfPastTen)
	s := startServer(t, func(c *service.Config) { c.Now = clock.now })
	s.created(t, array(recordOf("now"), record(fields{"benefit_id": `"then"`, "version": "3", "created_at": `"2026-11-22"`})))
	paths := map[string]string{}
	for _, path := range []string{"/benefits", "/benefits?start_at=2026-11-23", "/benefits?start_at=2026-11-24", "/statistics", "/statistics?version=3"} {
		tag := s.get(t, path).header.Get("ETag")
		if other, taken := paths[tag]; taken && (path[:4] == other[:4]) {
			t.Errorf("%s and %s have the tag %s", path, other, tag)
		}
		paths[tag] = path
	}
}
