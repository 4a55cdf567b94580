package history

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// past draws what the replaced service may have kept, and what is asked of it.
type past struct {
	*rand.Rand
	// began and ended are the span of the records.
	began, ended time.Time
}

// newPast logs its seed. With a seed of a log, it draws the same again.
func newPast(t testing.TB, began, ended time.Time) past {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	return past{rand.New(rand.NewPCG(seed, 5)), began, ended}
}

// moment is a time from one to another, in milliseconds, sometimes at the very
// edge of a day or an hour.
func (p past) moment(from, to time.Time) time.Time {
	at := from.Add(time.Duration(p.Int64N(int64(to.Sub(from)))))
	switch p.IntN(10) {
	case 0:
		at = at.Truncate(24 * time.Hour)
	case 1:
		at = at.Truncate(24 * time.Hour).Add(-time.Millisecond)
	case 2:
		at = at.Truncate(time.Hour)
	}
	if at.Before(from) || !at.Before(to) {
		at = from
	}
	return at.Truncate(time.Millisecond).UTC()
}

func pick[T any](p past, choices ...T) T { return choices[p.IntN(len(choices))] }

// benefit is one of a few names, the first more often.
func (p past) benefit() string {
	names := []string{"aide-logement", "livret_épargne", "RSA", "prime \"d’été\" \\ 2", "bourse 🎓", "a", "Z", "carte", "caf", "cmu"}
	return names[min(p.IntN(len(names)), p.IntN(len(names)))]
}

// event is a record with all that the replaced service let through.
func (p past) event() pastEvent {
	e := pastEvent{
		benefit: p.benefit(),
		event:   pick(p, "show", "show", "show", "link", "showDetails", "form", "no longer known"),
		version: pick(p, 2, 2, 2, 2, 2, 1, noVersion, noVersion, 0, 3, 65535),
		total:   1 + p.IntN(8),
		at:      p.moment(p.began, p.ended),
	}
	e.index = 1 + p.IntN(e.total)
	switch p.IntN(20) {
	case 0:
		e.index = e.total + 1 + p.IntN(10)
	case 1:
		e.index = 0
	case 2:
		e.total = 0
	case 3:
		e.total, e.index = pick(p, 1023, 0), pick(p, 1023, 512)
	case 4:
		e.at = time.Time{}
	}
	return e
}

func (p past) events(n int) chronicle {
	c := make(chronicle, n)
	for i := range c {
		c[i] = p.event()
	}
	return c
}

// document is a record as the replaced service stored it, its numbers as
// whatever type they happened to be.
func (p past) document(id uint64, e pastEvent) bson.D {
	number := func(n int) any {
		return pick[any](p, int32(n), int32(n), int64(n), float64(n), mustDecimal(n))
	}
	document := bson.D{
		{Key: "_id", Value: objectID(id)},
		{Key: "benefit_id", Value: e.benefit},
		{Key: "hash_id", Value: strconv.FormatUint(p.Uint64(), 16)},
		{Key: "benefit_index", Value: number(e.index)},
		{Key: "page_total", Value: number(e.total)},
		{Key: "event_type", Value: e.event},
	}
	if e.version != noVersion {
		document = append(document, bson.E{Key: "version", Value: number(e.version)})
	} else if p.IntN(2) == 0 {
		document = append(document, bson.E{Key: "version", Value: nil})
	}
	if !e.at.IsZero() {
		document = append(document, bson.E{Key: "created_at", Value: bson.NewDateTimeFromTime(e.at)})
	} else if p.IntN(2) == 0 {
		document = append(document, bson.E{Key: "created_at", Value: nil})
	}
	return append(document, bson.E{Key: "__v", Value: int32(0)})
}

func objectID(number uint64) (id bson.ObjectID) {
	binary.BigEndian.PutUint64(id[4:], number)
	return id
}

func mustDecimal(n int) bson.Decimal128 {
	decimal, err := bson.ParseDecimal128(strconv.Itoa(n))
	if err != nil {
		panic(err)
	}
	return decimal
}

// documents are records with ids of their own.
func (p past) documents(c chronicle) []bson.D { return p.documentsAfter(0, c) }

// documentsAfter are records with ids that come after those of so many documents.
func (p past) documentsAfter(others int, c chronicle) []bson.D {
	documents := make([]bson.D, len(c))
	for i, e := range c {
		documents[i] = p.document(uint64(others+i+1), e)
	}
	return documents
}

// dumped writes documents as mongodump does, and returns the path.
func dumped(t testing.TB, documents []bson.D) string {
	t.Helper()
	var content []byte
	for _, document := range documents {
		one, err := bson.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		content = append(content, one...)
	}
	return savedAs(t, "benefits.bson", content)
}

// exported writes documents as mongoexport does, canonical or relaxed, and
// returns the path.
func exported(t testing.TB, documents []bson.D, canonical bool) string {
	t.Helper()
	var content []byte
	for _, document := range documents {
		one, err := bson.MarshalExtJSON(document, canonical, false)
		if err != nil {
			t.Fatal(err)
		}
		content = append(append(content, one...), '\n')
	}
	return savedAs(t, "benefits.json", content)
}

func savedAs(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// zones are of whole hours, half hours, and clocks that change at midnight.
func zones() []string {
	return []string{"", "Europe/Paris", "Asia/Kolkata", "America/New_York", "America/Havana", "Asia/Beirut", "Pacific/Apia", "UTC"}
}

// questions are random ones of each kind, so many of each.
func (p past) questions(t testing.TB, n int) []question {
	t.Helper()
	var questions []question
	for range n {
		questions = append(questions, p.ofStatistics(t), p.ofBenefits(t), p.ofTimeline(t))
	}
	return questions
}

func (p past) ofStatistics(t testing.TB) question {
	t.Helper()
	q := p.windowed(t, pathStatistics, "")
	if version := pick(p, "", "", "2", "1", "0", "65535", "7"); version != "" {
		q.parameters.Set("version", version)
	}
	return q
}

func (p past) ofBenefits(t testing.TB) question {
	t.Helper()
	return p.windowed(t, pathBenefits, "")
}

func (p past) ofTimeline(t testing.TB) question {
	t.Helper()
	zone := pick(p, zones()...)
	q := p.windowed(t, pathTimeline, zone)
	for name, value := range map[string]string{
		"time_zone":  zone,
		"step":       pick(p, "", "hour", "day", "week", "month"),
		"group":      pick(p, "", "benefit", "total"),
		"benefit":    pick(p, "", "", "", p.benefit(), "nobody"),
		"event_type": pick(p, "", "", "", "show", "no longer known", "nothing"),
	} {
		if value != "" {
			q.parameters.Set(name, value)
		}
	}
	return q
}

// windowed asks for a window, often of the span of the records, sometimes
// beyond it or with an open end.
func (p past) windowed(t testing.TB, path, zone string) question {
	t.Helper()
	q := question{path: path, parameters: url.Values{}}
	location := mustZone(t, zone)
	a, b := p.moment(p.began.AddDate(0, 0, -3), p.ended.AddDate(0, 0, 3)), p.moment(p.began, p.ended)
	if b.Before(a) {
		a, b = b, a
	}
	if p.IntN(5) > 0 {
		q.from = p.asked(q.parameters, "start_at", a.In(location))
	}
	if p.IntN(5) > 0 {
		q.to = p.asked(q.parameters, "end_at", b.In(location))
	}
	if !q.to.IsZero() && q.to.Before(q.from) {
		q.to = q.from
		q.parameters.Set("end_at", q.parameters.Get("start_at"))
	}
	return q
}

// asked puts a time into the query in one of the ways to write it, and returns
// which time that is.
func (p past) asked(parameters url.Values, name string, at time.Time) time.Time {
	year, month, day := at.Date()
	local := func(at time.Time, layout string) time.Time {
		text := at.Format(layout)
		parameters.Set(name, text)
		parsed, err := time.ParseInLocation(layout, text, at.Location())
		if err != nil {
			panic(fmt.Sprintf("%s: %v", layout, err))
		}
		return parsed
	}
	switch p.IntN(6) {
	case 0:
		return local(time.Date(year, month, day, 12, 0, 0, 0, at.Location()), time.DateOnly)
	case 1:
		return local(time.Date(year, month, 15, 0, 0, 0, 0, at.Location()), "2006-01")
	case 2:
		return local(at, "2006-01-02T15:04:05.000")
	case 3:
		return local(at.In(time.FixedZone("", -(9*3600+1800))), "2006-01-02T15:04Z07:00")
	}
	return local(at.UTC(), "2006-01-02T15:04:05.000Z07:00")
}
