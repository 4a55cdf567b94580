package contract

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestNothingRecordedIsAnEmptyArray(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectNothing(t)
		s.Get(t, "/statistics?version=1").Expect(t, http.StatusOK, "[]")
		s.Get(t, "/benefits?start_at=2026-11-23").Expect(t, http.StatusOK, "[]")
	})
}

func TestStatisticsAreOrderedAtEveryLevel(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	book := blackbox.NewLedger()
	for _, position := range []struct{ total, index int }{{10, 9}, {10, 10}, {9, 1}, {100, 20}, {100, 3}, {100, 100}, {2, 2}, {1000, 1000}} {
		book.Post(t, s, blackbox.Counter{Benefit: "most", Event: "showDetails", Version: 2, Total: position.total, Index: position.index})
		book.Post(t, s, blackbox.Counter{Benefit: "most", Event: "show", Version: 2, Total: position.total, Index: 1}, blackbox.Counter{Benefit: "most", Event: "show", Version: 2, Total: position.total, Index: 2})
	}
	for _, event := range knownEventTypes() {
		book.Post(t, s, blackbox.Counter{Benefit: "many types", Event: event, Version: 2, Total: 3, Index: 2})
	}
	for _, benefit := range []string{"b", "a", "é", "B", "aa", "Z", "10", "9", "a b", "a-b"} {
		book.Post(t, s, blackbox.Counter{Benefit: benefit, Event: "link", Version: 2, Total: 1, Index: 1})
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		book.Expect(t, s, 2)
		s.Get(t, "/statistics").Expect(t, http.StatusOK, book.Statistics(2))
	})
}

func TestStatisticsHaveTheDocumentedShape(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	batch := []string{blackbox.RecordOf("b"), blackbox.RecordOf("a")}
	for _, position := range []blackbox.Fields{
		{"page_total": "2", "benefit_index": "1"}, {"page_total": "10", "benefit_index": "10"}, {"page_total": "10", "benefit_index": "2"},
		{"page_total": "10", "benefit_index": "2"},
	} {
		position["benefit_id"], position["event_type"] = `"c"`, `"showDetails"`
		batch = append(batch, blackbox.Record(position))
	}
	batch = append(batch, blackbox.Record(blackbox.Fields{"benefit_id": `"c"`, "event_type": `"show"`}))
	s.Created(t, blackbox.Array(batch...))
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.Get(t, "/statistics").Expect(t, http.StatusOK,
			`[{"benefit":"c","events_count":5,"events":{"show":{"2":{"1":1}},"showDetails":{"2":{"1":1},"10":{"2":2,"10":1}}}},`+
				`{"benefit":"a","events_count":1,"events":{"show":{"2":{"1":1}}}},`+
				`{"benefit":"b","events_count":1,"events":{"show":{"2":{"1":1}}}}]`)
		s.Get(t, "/benefits?start_at=2020").ExpectJSON(t, http.StatusOK, `[{"id":"a","events":{"show":1}},`+
			`{"id":"b","events":{"show":1}},{"id":"c","events":{"show":1,"showDetails":4}}]`)
	})
}

func TestStatisticsAreOfOneVersionAndBenefitsOfAll(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	book := blackbox.NewLedger()
	for _, version := range []int{0, 1, 2, 3, 255, 256, 65535} {
		for range version%5 + 1 {
			book.Post(t, s, blackbox.Counter{Benefit: "RSA", Event: "show", Version: version, Total: 3, Index: 1}, blackbox.Counter{Benefit: "only of one version", Event: "link", Version: 2, Total: 1, Index: 1})
		}
	}
	book.Post(t, s, blackbox.Counter{Benefit: "never of version 2", Event: "show", Version: 1, Total: 1, Index: 1})
	s.AlsoAfterRestart(t, func(t *testing.T) {
		book.Expect(t, s, 0, 1, 2, 3, 4, 255, 256, 65535)
		s.Get(t, "/statistics").Expect(t, http.StatusOK, book.Statistics(2))
	})
}

func TestAnswersAreAlwaysFresh(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for i := range 20 {
		s.Created(t, blackbox.RecordOf("RSA"))
		s.ExpectTotal(t, "RSA", i+1)
		var statistics []struct {
			Count int `json:"events_count"`
		}
		if err := json.Unmarshal([]byte(s.Get(t, "/statistics").Body), &statistics); err != nil || statistics[0].Count != i+1 {
			t.Errorf("got %v and %v, want a count of %d", statistics, err, i+1)
		}
	}
}

func TestHEADAnswersWhatGETDoesWithoutTheBody(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, blackbox.Times(3, blackbox.RecordOf("RSA")))
	for _, path := range []string{"/benefits", "/statistics", "/BENEFITS/", "/benefits?start_at=2020", "/benefits?start_at=x", "/nowhere"} {
		got, want := s.Do(t, http.MethodHead, path, ""), s.Get(t, path)
		got.ExpectStatus(t, want.Status)
		for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Vary", "Effective-Start-At"} {
			got.ExpectHeader(t, name, want.Header.Get(name))
		}
		if want.Status == http.StatusOK {
			s.Do(t, http.MethodHead, path, "", "If-None-Match", want.Header.Get("ETag")).ExpectStatus(t, http.StatusNotModified)
		}
	}
}

func TestAMatchingIfNoneMatchAnswers304(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, blackbox.RecordOf("RSA"))
	for _, path := range []string{"/benefits", "/statistics", "/Statistics/", "/benefits?start_at=2020"} {
		tag := s.Get(t, path).Header.Get("ETag")
		opaque := tag
		if len(tag) > 2 && tag[:2] == "W/" {
			opaque = tag[2:]
		}
		for _, matching := range []string{tag, opaque, "W/" + opaque, "*", `"x", ` + tag, tag + `,"x"`, `"x",W/` + opaque + `, "y"`} {
			got := s.Get(t, path, "If-None-Match", matching)
			got.Expect(t, http.StatusNotModified, "")
			got.ExpectHeader(t, "ETag", tag)
		}
		inner := opaque[1 : len(opaque)-1]
		for _, other := range []string{`"x"`, `"x", "y"`, `W/"x"`, inner, `"` + inner + `x"`, `""`} {
			s.Get(t, path, "If-None-Match", other).ExpectStatus(t, http.StatusOK)
		}
	}
}

func TestTheETagChangesWithTheCounts(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	seen := make(map[string][]string)
	for round := range 12 {
		for _, path := range []string{"/benefits", "/statistics"} {
			tag := s.Get(t, path).Header.Get("ETag")
			if again := s.Get(t, path).Header.Get("ETag"); again != tag {
				t.Errorf("%s: the tag of the same counts was %s and is %s", path, tag, again)
			}
			if slices.Contains(seen[path], tag) {
				t.Errorf("%s: round %d has the tag %s of an earlier one", path, round, tag)
			}
			seen[path] = append(seen[path], tag)
			s.Get(t, path, "If-None-Match", seen[path][0]).ExpectStatus(t, map[bool]int{true: 304, false: 200}[round == 0])
		}
		s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": blackbox.Quote("round"), "benefit_index": []string{"1", "2"}[round%2]}))
		if round%4 == 3 {
			s.Restart(t) // a tag of an earlier life must not come back for other counts
		}
	}
}

func TestDifferentAnswersHaveDifferentETags(t *testing.T) {
	t.Parallel()
	clock := blackbox.NewClock(t, halfPastTen)
	s := blackbox.StartServer(t, func(c *service.Config) { c.Now = clock.Now })
	s.Created(t, blackbox.Array(blackbox.RecordOf("now"), blackbox.Record(blackbox.Fields{"benefit_id": `"then"`, "version": "3", "created_at": `"2026-11-22"`})))
	paths := map[string]string{}
	for _, path := range []string{"/benefits", "/benefits?start_at=2026-11-23", "/benefits?start_at=2026-11-24", "/statistics", "/statistics?version=3"} {
		tag := s.Get(t, path).Header.Get("ETag")
		if other, taken := paths[tag]; taken && (path[:4] == other[:4]) {
			t.Errorf("%s and %s have the tag %s", path, other, tag)
		}
		paths[tag] = path
	}
}
