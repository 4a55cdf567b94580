package demo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-json/jsontext"
)

// Traffic is what is made up. The same seed has the same benefits; it makes the same
// traffic for the same time.
type Traffic struct {
	Seed uint64
	// From and To are when it happens. The zone of To is that of the days.
	From, To time.Time
	// Now is when somebody looks, from which what happened of late is counted back; zero
	// is To.
	Now time.Time
	// PagesADay is how many pages of results an ordinary working day has.
	PagesADay float64
}

const (
	// PagesADay is how many pages of results the demonstration has on an ordinary working
	// day: enough for findings that are clear after four weeks.
	PagesADay = 2400
	// base is how many openings an average benefit gets at the first place.
	base = 0.135
	// bodyBytes is from when on a body is posted: a visit may still be added to it, and MAX_BODY_BYTES is 128 KiB.
	bodyBytes = 48 << 10
	// mergedBy is what the variant of aides_bafa that merges benefits does to openings.
	mergedBy = 1.09
	// movedID changes its words changeDays before the end, and is opened more since.
	movedID, changeDays, changeBy = "sante_psy", 21, 1.35
	// dropHours are the hours of yesterday in which few came.
	dropFrom, dropTo, dropBy = 10, 17, 0.25
)

// visibilities are how often a benefit is opened at each place from the first, for one at
// the first.
var visibilities = func() (all [Number]float64) {
	for i := range all {
		k := float64(i + 1)
		all[i] = 0.55/math.Pow(k, 0.95) + 0.45/math.Pow(k, 0.42)
	}
	return all
}()

// length is the level of a page length.
func length(total int) float64 { return 1.12 - 0.0045*float64(total) }

// hours are how the visits of a day lie, by hour.
var hours = [24]float64{.2, .1, .08, .06, .08, .2, .6, 1.4, 2.6, 3.6, 4.2, 4.3, 3.7, 4.1, 4.5, 4.4, 4.2, 4.1, 3.9, 3.6, 3.4, 3.0, 2.0, .9}

// weekdays are how busy days are, from Sunday.
var weekdays = [7]float64{.49, 1, 1.05, 1.03, .98, .92, .53}

// Write calls write with bodies of records in the order in which they happen. The
// bytes are valid during the call. An error of write ends it and is returned.
func (t Traffic) Write(write func(body []byte) error) error {
	w := &writer{country: newCountry(newRandom(t.Seed)), random: newRandom(t.Seed ^ uint64(t.From.UnixNano())), traffic: t, write: write}
	for day := midnight(t.From.In(t.To.Location())); day.Before(t.To); day = day.AddDate(0, 0, 1) {
		if err := w.day(day); err != nil {
			return err
		}
	}
	return w.flush()
}

func (t Traffic) now() time.Time {
	if t.Now.IsZero() {
		return t.To
	}
	return t.Now
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

// A writer gathers records.
type writer struct {
	country
	traffic Traffic
	random  *rand.Rand
	write   func([]byte) error
	body    []byte
	records int
}

// season is how busy a day is: weeks, a peak when universities begin again, holidays.
func (w *writer) season(day time.Time) float64 {
	busy := weekdays[day.Weekday()] * (1 + 0.1*math.Cos(2*math.Pi*(float64(day.YearDay())-265)/365))
	switch day.Format("01-02") {
	case "01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25":
		busy *= 0.6
	}
	return busy * (1 + 0.04*w.random.NormFloat64())
}

func (w *writer) day(day time.Time) error {
	busy, sum := w.traffic.PagesADay*w.season(day), 0.0
	for _, h := range hours {
		sum += h
	}
	yesterday := midnight(w.traffic.now()).AddDate(0, 0, -1).Equal(day)
	for hour, share := range hours {
		pages := busy * share / sum
		if yesterday && hour >= dropFrom && hour < dropTo {
			pages *= dropBy
		}
		if err := w.hour(day.Add(time.Duration(hour)*time.Hour), pages); err != nil {
			return err
		}
	}
	return nil
}

// hour writes the visits of an hour in their order.
func (w *writer) hour(from time.Time, pages float64) error {
	const pagesAVisit = 1.34
	visits := pages / pagesAVisit
	n := int(visits + w.random.Float64() + 0.5*math.Sqrt(visits)*w.random.NormFloat64())
	for i := range n {
		at := from.Add(time.Hour * time.Duration(i) / time.Duration(max(1, n)))
		if at.Before(w.traffic.From) || !at.Before(w.traffic.To) {
			continue
		}
		w.visit(at)
		if len(w.body) > bodyBytes {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) flush() error {
	if w.records == 0 {
		return nil
	}
	body := append(w.body, ']')
	w.body, w.records = w.body[:0], 0
	return w.write(body)
}

// A visitor is one who looks at pages.
type visitor struct {
	hash       string
	at         int64 // milliseconds
	department int
	taste      float64
	wide       float64
	merged     bool // the variant of aides_bafa
	asked      bool // the variant of plans_to_ask_question
}

func (w *writer) visit(at time.Time) {
	v := visitor{at: at.UnixMilli(), department: int(float64(len(departments)) * w.random.Float64() * w.random.Float64()),
		taste: math.Exp(0.55*w.random.NormFloat64() - 0.15), wide: math.Exp(0.5 * w.random.NormFloat64()),
		merged: w.random.Float64() < 0.5, asked: w.random.Float64() < 0.476}
	v.hash = strconv.FormatUint(w.random.Uint64(), 16)
	if w.random.Float64() < 0.04 {
		v.hash = "uid_" + v.hash
	}
	for {
		w.page(v)
		v.at += 60_000
		if w.random.Float64() > 0.25 || v.at >= w.traffic.To.UnixMilli() {
			return
		}
	}
}

// page writes the shows of a page and what comes of them.
func (w *writer) page(v visitor) {
	var list []int
	for _, numbers := range [][]int{w.everywhere, w.of[v.department]} {
		for _, i := range numbers {
			if w.random.Float64() < min(0.97, w.all[i].share*v.wide) {
				list = append(list, i)
			}
		}
	}
	if len(list) == 0 {
		list = []int{5}
	}
	slices.SortFunc(list, func(a, b int) int { return cmp.Compare(w.all[a].priority, w.all[b].priority) })
	for k, i := range list {
		w.record(v, i, k+1, len(list), "show")
	}
	for k, i := range list {
		w.choose(v, i, k+1, len(list))
	}
}

// choose decides whether a visitor opens a benefit, again, and goes further.
func (w *writer) choose(v visitor, i, place, total int) {
	b := w.all[i]
	chance := base * b.merit * visibilities[place-1] * length(total) * v.taste
	if v.merged {
		chance *= mergedBy
	}
	if b.ID == movedID && w.traffic.now().UnixMilli()-v.at < changeDays*24*3600*1000 {
		chance *= changeBy
	}
	if w.random.Float64() >= min(0.95, chance) {
		return
	}
	event := "showDetails"
	if v.merged && b.Type != "national" {
		event = "showDetailsFromGroupPage"
	}
	w.record(v, i, place, total, event)
	if w.random.Float64() < 0.12 {
		w.record(v, i, place, total, event)
	}
	if w.random.Float64() < b.acted {
		w.record(v, i, place, total, []string{"link", "link", "form", "instructions", "teleservice"}[w.random.IntN(5)])
	}
}

// record appends a record as the client writes it.
func (w *writer) record(v visitor, i, place, total int, event string) {
	sign := byte(',')
	if w.records == 0 {
		sign = '['
	}
	w.records++
	b := append(w.body, sign)
	b = append(b, `{"benefit_id":`...)
	b, _ = jsontext.AppendQuote(b, w.all[i].ID)
	b = append(b, `,"hash_id":"`...)
	b = append(b, v.hash...)
	b = append(b, `","abtesting":{"aides_bafa":"`...)
	b = append(b, pick(v.merged, "fusionnées", "distinctes")...)
	b = append(b, `","plans_to_ask_question":"`...)
	b = append(b, pick(v.asked, "avec", "sans")...)
	b = append(b, `"},"benefit_index":`...)
	b = strconv.AppendInt(b, int64(place), 10)
	b = append(b, `,"page_total":`...)
	b = strconv.AppendInt(b, int64(total), 10)
	b = append(b, `,"event_type":"`...)
	b = append(b, event...)
	b = append(b, `","version":2,"created_at":`...)
	b = strconv.AppendInt(b, v.at, 10)
	w.body = append(b, '}')
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
