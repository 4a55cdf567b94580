package answers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Origin is the name under which an import remembers answers of a source, where there
// are several sources, as it remembers the data directory that an export is of.
func Origin(source string) string {
	if source == "" {
		return "answers"
	}
	return "answers:" + source
}

// row is a row of an export, without a day. What the answer of the replaced server may
// hold is passed on as it stands, so that the import says what it cannot count.
type row struct {
	Benefit   string `json:"benefit"`
	EventType string `json:"event_type"`
	Version   int    `json:"version,omitempty"`
	PageTotal any    `json:"page_total"`
	Index     any    `json:"benefit_index"`
	Count     uint64 `json:"count"`
	Origin    string `json:"origin"`
}

// Tally is how the events of both answers add up.
type Tally struct {
	// Placed are events of GET /statistics. Unplaced are those that GET /benefits has
	// beside them: of other versions, or, without the other answer, all.
	Placed, Unplaced uint64
	// Missing are events of GET /statistics that GET /benefits lacks: the replaced
	// server leaves out those without a time.
	Missing uint64
}

// statisticsVersion is the version that GET /statistics counts.
const statisticsVersion = 2

// Rows writes answers as JSON lines that an import reads: a row for each position of
// GET /statistics, and one without version and position, both of which nobody knows, for
// what GET /benefits has beside these.
func (a Answers) Rows(source string, output io.Writer) error {
	encoder := json.NewEncoder(output)
	encoder.SetEscapeHTML(false)
	for _, at := range slices.SortedFunc(maps.Keys(a.Positions), comparePositions) {
		made := row{at.Benefit, at.EventType, statisticsVersion, literal(at.PageTotal), literal(at.Index), a.Positions[at], Origin(source)}
		if err := encoder.Encode(made); err != nil {
			return fmt.Errorf("write a row: %w", err)
		}
	}
	beside, _ := a.besides()
	for _, sum := range slices.SortedFunc(maps.Keys(beside), compareSums) {
		if err := encoder.Encode(row{sum.Benefit, sum.EventType, 0, 0, 0, beside[sum], Origin(source)}); err != nil {
			return fmt.Errorf("write a row: %w", err)
		}
	}
	return nil
}

// Tally adds the events up.
func (a Answers) Tally() (tally Tally) {
	for _, count := range a.Positions {
		tally.Placed += count
	}
	beside, missing := a.besides()
	for _, count := range beside {
		tally.Unplaced += count
	}
	tally.Missing = missing
	return tally
}

// besides are the events of GET /benefits that GET /statistics lacks, and how many it is
// the other way round.
func (a Answers) besides() (beside map[Sum]uint64, missing uint64) {
	placed := map[Sum]uint64{}
	for at, count := range a.Positions {
		placed[Sum{at.Benefit, at.EventType}] += count
	}
	beside = map[Sum]uint64{}
	if a.Sums == nil {
		return beside, 0
	}
	for sum, count := range a.Sums {
		if count > placed[sum] {
			beside[sum] = count - placed[sum]
		}
	}
	for sum, count := range placed {
		missing += count - min(count, a.Sums[sum])
	}
	return beside, missing
}

// literal is a number of an answer as a number, if it is one.
func literal(text string) any {
	if number := json.Number(text); json.Valid([]byte(text)) && text[0] != '"' {
		if _, err := number.Float64(); err == nil {
			return number
		}
	}
	return text
}

func comparePositions(a, b Position) int {
	return cmp.Or(cmp.Compare(a.Benefit, b.Benefit), cmp.Compare(a.EventType, b.EventType),
		cmp.Compare(a.PageTotal, b.PageTotal), cmp.Compare(a.Index, b.Index))
}

func compareSums(a, b Sum) int {
	return cmp.Or(cmp.Compare(a.Benefit, b.Benefit), cmp.Compare(a.EventType, b.EventType))
}
