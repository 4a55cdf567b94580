package httpapi

import (
	"cmp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

// readStatistics ranks the benefits by their events, of all time or of the days
// of a window, and breaks them down by event type, page total and index.
func readStatistics(store *counters.Store, history History) func(Request) (Answer, error) {
	return func(r Request) (answer Answer, err error) {
		version, err := AskedVersion(r.Query)
		if err != nil {
			return answer, err
		}
		window, err := AskedWindow(r.Query, history, &answer, 24*time.Hour, time.UTC)
		if err != nil {
			return answer, err
		}
		if overflowed := store.Overflowed(); overflowed > 0 {
			answer.Set(headerOverflowed, strconv.FormatUint(overflowed, 10))
		}
		ranking := ranking{events: store.Events.Names()}
		if err := history.Read(counters.PositionsOf(version, window.Bounds()), ranking.add); err != nil {
			return answer, err
		}
		answer.Body = ranking.json(store.Benefits.Names())
		return answer, nil
	}
}

// AskedVersion reads the version of records that is asked for. The error is for the
// client.
func AskedVersion(q Query) (uint16, error) {
	text := q.First("version")
	if text == "" {
		return records.DefaultVersion, nil
	}
	version, ok := records.ParseInteger([]byte(text))
	if !ok || version < 0 || version > records.MaxVersion {
		return 0, Unprocessable("version: must be an integer from 0 to %d, not %s", records.MaxVersion, records.QuoteShort(text))
	}
	return uint16(version), nil
}

// ranking gathers benefits, each rendered as it comes, because all must be
// known before the first can be written.
type ranking struct {
	events   []string // names by event type - 1
	rendered []byte   // "events" objects, one after the other
	benefits []ranked
	groups   []eventGroup
	places   []place
	// unyielded is how many cells were rendered since others had their turn.
	unyielded int
}

// yieldEvery is after how many cells a ranking lets others go first: rendering a
// million takes a tenth of a second, in which posts would have one processor less.
const yieldEvery = 2 << 10

type ranked struct {
	benefit    counters.Benefit
	count      uint64
	start, end int // of its "events" object in rendered
}

// eventGroup are the cells of one event type.
type eventGroup struct {
	name  string
	cells []counters.Cell
}

// place is a cell taken apart.
type place struct {
	pageTotal, index uint16
	count            uint64
}

// add renders one benefit. The cells are sorted by key: event type first.
func (r *ranking) add(benefit counters.Benefit, cells []counters.Cell) {
	if r.unyielded += len(cells); r.unyielded >= yieldEvery {
		r.unyielded = 0
		runtime.Gosched()
	}
	r.groups = r.groups[:0]
	count := uint64(0)
	for start, i := 0, 0; i < len(cells); i++ {
		count += cells[i].Count
		event := cells[i].Key.Event()
		if i+1 == len(cells) || cells[i+1].Key.Event() != event {
			r.groups = append(r.groups, eventGroup{r.events[event-1], cells[start : i+1]})
			start = i + 1
		}
	}
	slices.SortFunc(r.groups, func(a, b eventGroup) int { return strings.Compare(a.name, b.name) })

	start := len(r.rendered)
	for i, group := range r.groups {
		r.rendered = append(r.rendered, separator(i))
		r.rendered = append(appendQuoted(r.rendered, group.name), ':')
		r.appendPlaces(group.cells)
	}
	r.rendered = append(r.rendered, '}')
	r.benefits = append(r.benefits, ranked{benefit, count, start, len(r.rendered)})
}

// separator comes before the item of an object with that number.
func separator(item int) byte {
	if item == 0 {
		return '{'
	}
	return ','
}

// appendPlaces renders {"<page total>":{"<index>":count}}.
func (r *ranking) appendPlaces(cells []counters.Cell) {
	r.places = r.places[:0]
	for _, cell := range cells {
		pageTotal, index := cell.Key.Position()
		r.places = append(r.places, place{pageTotal, index, cell.Count})
	}
	// Keys sort like this already, but for an index above its total.
	byPosition := func(a, b place) int {
		return cmp.Or(cmp.Compare(a.pageTotal, b.pageTotal), cmp.Compare(a.index, b.index))
	}
	if !slices.IsSortedFunc(r.places, byPosition) {
		slices.SortFunc(r.places, byPosition)
	}
	totals := 0
	for i, place := range r.places {
		if i == 0 || place.pageTotal != r.places[i-1].pageTotal {
			if i > 0 {
				r.rendered = append(r.rendered, '}')
			}
			r.rendered = append(r.rendered, separator(totals))
			r.rendered = append(appendName(r.rendered, place.pageTotal), '{')
			totals++
		} else {
			r.rendered = append(r.rendered, ',')
		}
		r.rendered = appendName(r.rendered, place.index)
		r.rendered = strconv.AppendUint(r.rendered, place.count, 10)
	}
	r.rendered = append(r.rendered, "}}"...)
}

// appendName appends "<number>":
func appendName(dst []byte, number uint16) []byte {
	dst = strconv.AppendUint(append(dst, '"'), uint64(number), 10)
	return append(dst, `":`...)
}

// json orders the benefits and puts the answer together.
func (r *ranking) json(names []string) []byte {
	slices.SortFunc(r.benefits, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(names[a.benefit], names[b.benefit]))
	})
	body := make([]byte, 0, len(r.rendered)+80*len(r.benefits)+2)
	body = append(body, '[')
	for i, ranked := range r.benefits {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"benefit":`...)
		body = appendQuoted(body, names[ranked.benefit])
		body = append(body, `,"events_count":`...)
		body = strconv.AppendUint(body, ranked.count, 10)
		body = append(body, `,"events":`...)
		body = append(body, r.rendered[ranked.start:ranked.end]...)
		body = append(body, '}')
	}
	return append(body, ']')
}
