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

	"stats-recorder/service"
)

func TestGoodRecordsAreCreated(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.created(t, recordOf("single"))
	s.created(t, array(recordOf("array of one")))
	s.created(t, times(30, recordOf("array of thirty")))
	s.created(t, "\t\r\n [ "+recordOf("white space")+" \t\r\n] \n")
	s.do(t, "POST", "/BENEFITS/?source=page", recordOf("other spelling"), "Content-Type", "application/json").expectCreated(t)
	s.created(t, `{"benefit_id":"real client","hash_id":"1f2e","abtesting":{"A":"1"},"benefit_index":3,`+
		`"page_total":7,"event_type":"showDetails","version":2}`)

	s.alsoAfterRestart(t, func(t *testing.T) {
		for benefit, want := range map[string]int{
			"single": 1, "array of one": 1, "array of thirty": 30, "white space": 1, "other spelling": 1, "real client": 1,
		} {
			s.expectTotal(t, benefit, want)
		}
	})
}

func TestAnEmptyArrayIsCreatedAndRecordsNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.created(t, "[]")
	s.created(t, " [ ] ")
	s.alsoAfterRestart(t, func(t *testing.T) { s.expectNothing(t) })
}

func TestGoodRecordsOfAPartlyBadBatchAreRecorded(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	records := slices.Repeat([]string{recordOf("good")}, 30)
	records[3] = record(fields{"event_type": `"opened"`})
	records[7] = record(fields{"page_total": "1001"})
	text := `"(?:[^"\\]|\\.)+"`

	s.post(t, array(records...)).expectMatch(t,
		`^\{"message":"2 of 30 records rejected: \[3\]\.event_type: (?:[^"\\]|\\.)+","recorded":28,"errors":\[`+
			`\{"index":3,"field":"event_type","message":`+text+`\},\{"index":7,"field":"page_total","message":`+text+`\}\]\}$`)

	s.alsoAfterRestart(t, func(t *testing.T) {
		s.expectTotal(t, "good", 28)
		s.expectTotal(t, "RSA", 0)
	})
}

func TestOneBadRecordIsRejectedWithoutAnIndex(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.post(t, record(fields{"event_type": `"opened"`})).expectSingleRejected(t, "event_type")
	s.post(t, array(record(fields{"event_type": `"opened"`}))).expectRejected(t, 0, 1, "event_type")
	s.expectNothing(t)
}

func TestARecordWithSeveralBadFieldsIsOneRejectedRecord(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	got := s.post(t, array(recordOf("good"), `{"benefit_id":"","version":-1}`, recordOf("good"))).rejection(t)
	if !strings.HasPrefix(got.Message, "1 of 3 records rejected: [1].") || got.Recorded != 2 || len(got.Errors) == 0 {
		t.Errorf("got %+v", got)
	}
	s.expectTotal(t, "good", 2)
}

func TestElementsThatAreNotObjectsAreRejectedOneByOne(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	elements := []string{"null", "true", "12", `"text"`, "[]", "[[" + recordOf("nested") + "]]"}
	for _, element := range elements {
		s.post(t, array(recordOf("good"), element, recordOf("good"))).expectRejected(t, 1, 3, "")
	}
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.expectTotal(t, "good", 2*len(elements))
		s.expectTotal(t, "nested", 0)
	})
}

func TestAtMostAHundredErrorsAreListed(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, bad := range []int{99, 100, 101, 250} {
		records := append(slices.Repeat([]string{"{}"}, bad), recordOf("good"))
		got := s.post(t, array(records...)).rejection(t)
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
	s.expectTotal(t, "good", 4)
}

func TestTheFirstErrorCanBeMendedFromTheMessageAlone(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, test := range []struct {
		field, value string
		hints        []string
	}{
		{"event_type", `"opened"`, []string{"event_type", "opened"}},
		{"page_total", "1001", []string{"page_total", "1000"}},
		{"benefit_id", quote(strings.Repeat("x", 257)), []string{"benefit_id", "256"}},
		{"hash_id", quote(strings.Repeat("x", 257)), []string{"hash_id", "256"}},
		{"version", "65536", []string{"version", "65535"}},
	} {
		message := s.post(t, record(fields{test.field: test.value})).rejection(t).Message
		for _, hint := range test.hints {
			if !strings.Contains(message, hint) {
				t.Errorf("%s: the message is %q, want %q in it", test.field, message, hint)
			}
		}
	}
}

func TestABodyThatIsNotARecordOrAnArrayIsRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, body := range []string{"", " ", "null", "true", "12", `"text"`, "hello", "benefit_id=RSA&hash_id=x"} {
		s.post(t, body).expectMessage(t, http.StatusUnprocessableEntity)
	}
	s.expectNothing(t)
}

func TestBrokenJSONRecordsNothingOfTheBody(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	good := recordOf("good")
	for _, body := range []string{
		"[" + good + "," + good, "[" + good + ",]", "[" + good + good + "]", array(good) + "x", good + good, good + "]",
		array(good, `{"benefit_id":"RSA",}`), array(good, `{"x":01}`), array(good, `{"x":"`+"\n"+`"}`),
	} {
		s.post(t, body).expectMessage(t, http.StatusUnprocessableEntity)
	}
	s.alsoAfterRestart(t, func(t *testing.T) { s.expectNothing(t) })
}

func TestTextPlainIsTakenAsJSON(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	accepted := []string{
		"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "application/json ; a=b",
		"Application/JSON", "APPLICATION/JSON; CHARSET=utf-8", "text/plain", "text/plain;charset=UTF-8", "Text/Plain",
	}
	for _, contentType := range accepted {
		s.created(t, recordOf("good"), "Content-Type", contentType)
	}
	s.alsoAfterRestart(t, func(t *testing.T) { s.expectTotal(t, "good", len(accepted)) })
}

func TestOtherContentTypesAreUnsupported(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, contentType := range []string{
		"", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html",
		"application/jsonp", "application/jso", "text/plainer", "application/vnd.api+json", "json", ";", "text/html; a=application/json",
	} {
		s.post(t, recordOf("good"), "Content-Type", contentType).expectMessage(t, http.StatusUnsupportedMediaType)
	}
	s.expectNothing(t)
}

// TestAcknowledgedRecordsAreInEveryLaterAnswer posts from several connections
// while snapshots are being written, each reading its own counts back.
func TestAcknowledgedRecordsAreInEveryLaterAnswer(t *testing.T) {
	t.Parallel()
	s := startServer(t, func(c *service.Config) { c.SnapshotInterval = 5 * time.Millisecond })
	book := newLedger()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var clients sync.WaitGroup
	for client := range 6 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(client)))
			own := 0
			for range 25 {
				mine := counter{fmt.Sprintf("own %d", client), "show", 2, 1, 1}
				batch := []counter{mine}
				for range random.IntN(40) {
					batch = append(batch, randomCounter(random))
				}
				book.post(t, s, batch...)
				own++
				s.expectTotal(t, mine.benefit, own)
			}
		})
	}
	clients.Wait()
	if t.Failed() {
		return
	}
	s.alsoAfterRestart(t, func(t *testing.T) { book.expect(t, s, 1, 2, 3) })
}

func randomCounter(random *rand.Rand) counter {
	events := []string{"show", "showDetails", "show-locations", "link", "form"}
	total := 1 + random.IntN(12)
	return counter{
		benefit: fmt.Sprintf("aide %d é", random.IntN(30)), event: events[random.IntN(len(events))],
		version: 1 + random.IntN(3), total: total, index: 1 + random.IntN(total),
	}
}
