package contract

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

func TestGoodRecordsAreCreated(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, blackbox.RecordOf("single"))
	s.Created(t, blackbox.Array(blackbox.RecordOf("array of one")))
	s.Created(t, blackbox.Times(30, blackbox.RecordOf("array of thirty")))
	s.Created(t, "\t\r\n [ "+blackbox.RecordOf("white space")+" \t\r\n] \n")
	s.Do(t, "POST", "/BENEFITS/?source=page", blackbox.RecordOf("other spelling"), "Content-Type", "application/json").ExpectCreated(t)
	s.Created(t, `{"benefit_id":"real client","hash_id":"1f2e","abtesting":{"A":"1"},"benefit_index":3,`+
		`"page_total":7,"event_type":"showDetails","version":2}`)

	s.AlsoAfterRestart(t, func(t *testing.T) {
		for benefit, want := range map[string]int{
			"single": 1, "array of one": 1, "array of thirty": 30, "white space": 1, "other spelling": 1, "real client": 1,
		} {
			s.ExpectTotal(t, benefit, want)
		}
	})
}

func TestAnEmptyArrayIsCreatedAndRecordsNothing(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, "[]")
	s.Created(t, " [ ] ")
	s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectNothing(t) })
}

func TestGoodRecordsOfAPartlyBadBatchAreRecorded(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	records := slices.Repeat([]string{blackbox.RecordOf("good")}, 30)
	records[3] = blackbox.Record(blackbox.Fields{"event_type": `"opened"`})
	records[7] = blackbox.Record(blackbox.Fields{"page_total": "1001"})
	text := `"(?:[^"\\]|\\.)+"`

	s.Post(t, blackbox.Array(records...)).ExpectMatch(t,
		`^\{"message":"2 of 30 records rejected: \[3\]\.event_type: (?:[^"\\]|\\.)+","recorded":28,"errors":\[`+
			`\{"index":3,"field":"event_type","message":`+text+`\},\{"index":7,"field":"page_total","message":`+text+`\}\]\}$`)

	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectTotal(t, "good", 28)
		s.ExpectTotal(t, "RSA", 0)
	})
}

func TestOneBadRecordIsRejectedWithoutAnIndex(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Post(t, blackbox.Record(blackbox.Fields{"event_type": `"opened"`})).ExpectSingleRejected(t, "event_type")
	s.Post(t, blackbox.Array(blackbox.Record(blackbox.Fields{"event_type": `"opened"`}))).ExpectRejected(t, 0, 1, "event_type")
	s.ExpectNothing(t)
}

func TestARecordWithSeveralBadFieldsIsOneRejectedRecord(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	got := s.Post(t, blackbox.Array(blackbox.RecordOf("good"), `{"benefit_id":"","version":-1}`, blackbox.RecordOf("good"))).Rejection(t)
	if !strings.HasPrefix(got.Message, "1 of 3 records rejected: [1].") || got.Recorded != 2 || len(got.Errors) == 0 {
		t.Errorf("got %+v", got)
	}
	s.ExpectTotal(t, "good", 2)
}

func TestElementsThatAreNotObjectsAreRejectedOneByOne(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	elements := []string{"null", "true", "12", `"text"`, "[]", "[[" + blackbox.RecordOf("nested") + "]]"}
	for _, element := range elements {
		s.Post(t, blackbox.Array(blackbox.RecordOf("good"), element, blackbox.RecordOf("good"))).ExpectRejected(t, 1, 3, "")
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectTotal(t, "good", 2*len(elements))
		s.ExpectTotal(t, "nested", 0)
	})
}

func TestAtMostAHundredErrorsAreListed(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, bad := range []int{99, 100, 101, 250} {
		records := append(slices.Repeat([]string{"{}"}, bad), blackbox.RecordOf("good"))
		got := s.Post(t, blackbox.Array(records...)).Rejection(t)
		if prefix := fmt.Sprintf("%d of %d records rejected: [0].", bad, bad+1); !strings.HasPrefix(got.Message, prefix) {
			t.Errorf("the message is %q, want it to begin with %q", got.Message, prefix)
		}
		if got.Recorded != 1 || len(got.Errors) == 0 || len(got.Errors) > 100 {
			t.Errorf("%d bad records: %d recorded, %d errors", bad, got.Recorded, len(got.Errors))
		}
		indexes := make(map[int]bool)
		for _, failure := range got.Errors {
			indexes[failure.Index] = true
		}
		if len(got.Errors) < 100 && len(indexes) != bad {
			t.Errorf("%d of %d bad records are in the errors", len(indexes), bad)
		}
	}
	s.ExpectTotal(t, "good", 4)
}

func TestTheFirstErrorCanBeMendedFromTheMessageAlone(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, test := range []struct {
		field, value string
		hints        []string
	}{
		{"event_type", `"opened"`, []string{"event_type", "opened"}},
		{"page_total", "1001", []string{"page_total", "1000"}},
		{"benefit_id", blackbox.Quote(strings.Repeat("x", 257)), []string{"benefit_id", "256"}},
		{"hash_id", blackbox.Quote(strings.Repeat("x", 257)), []string{"hash_id", "256"}},
		{"version", "65536", []string{"version", "65535"}},
	} {
		message := s.Post(t, blackbox.Record(blackbox.Fields{test.field: test.value})).Rejection(t).Message
		for _, hint := range test.hints {
			if !strings.Contains(message, hint) {
				t.Errorf("%s: the message is %q, want %q in it", test.field, message, hint)
			}
		}
	}
}

func TestABodyThatIsNotARecordOrAnArrayIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, body := range []string{"", " ", "null", "true", "12", `"text"`, "hello", "benefit_id=RSA&hash_id=x"} {
		s.Post(t, body).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	s.ExpectNothing(t)
}

func TestBrokenJSONRecordsNothingOfTheBody(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	good := blackbox.RecordOf("good")
	for _, body := range []string{
		"[" + good + "," + good, "[" + good + ",]", "[" + good + good + "]", blackbox.Array(good) + "x", good + good, good + "]",
		blackbox.Array(good, `{"benefit_id":"RSA",}`), blackbox.Array(good, `{"x":01}`), blackbox.Array(good, `{"x":"`+"\n"+`"}`),
	} {
		s.Post(t, body).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectNothing(t) })
}

func TestTextPlainIsTakenAsJSON(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	accepted := []string{
		"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "application/json ; a=b",
		"Application/JSON", "APPLICATION/JSON; CHARSET=utf-8", "text/plain", "text/plain;charset=UTF-8", "Text/Plain",
	}
	for _, contentType := range accepted {
		s.Created(t, blackbox.RecordOf("good"), "Content-Type", contentType)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectTotal(t, "good", len(accepted)) })
}

func TestOtherContentTypesAreUnsupported(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, contentType := range []string{
		"", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html",
		"application/jsonp", "application/jso", "text/plainer", "application/vnd.api+json", "json", ";", "text/html; a=application/json",
	} {
		s.Post(t, blackbox.RecordOf("good"), "Content-Type", contentType).ExpectMessage(t, http.StatusUnsupportedMediaType)
	}
	s.ExpectNothing(t)
}

// TestAcknowledgedRecordsAreInEveryLaterAnswer posts from several connections
// while snapshots are being written, each reading its own counts back.
func TestAcknowledgedRecordsAreInEveryLaterAnswer(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.SnapshotInterval = 5 * time.Millisecond })
	book := blackbox.NewLedger()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var clients sync.WaitGroup
	for client := range 6 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			own := 0
			for range 25 {
				mine := blackbox.Counter{Benefit: fmt.Sprintf("own %d", client), Event: "show", Version: 2, Total: 1, Index: 1}
				batch := []blackbox.Counter{mine}
				for range random.IntN(40) {
					batch = append(batch, randomCounter(random))
				}
				book.Post(t, s, batch...)
				own++
				s.ExpectTotal(t, mine.Benefit, own)
			}
		})
	}
	clients.Wait()
	if t.Failed() {
		return
	}
	s.AlsoAfterRestart(t, func(t *testing.T) { book.Expect(t, s, 1, 2, 3) })
}

func randomCounter(random *rand.Rand) blackbox.Counter {
	events := []string{"show", "showDetails", "show-locations", "link", "form"}
	total := 1 + random.IntN(12)
	return blackbox.Counter{
		Benefit: fmt.Sprintf("aide %d é", random.IntN(30)), Event: events[random.IntN(len(events))],
		Version: 1 + random.IntN(3), Total: total, Index: 1 + random.IntN(total),
	}
}
