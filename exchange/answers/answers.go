package answers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The paths of the answers.
const (
	Benefits   = "/benefits"
	Statistics = "/statistics"
)

// What makes answers impossible to read.
var (
	// ErrURL is returned for what is not the address of a server.
	ErrURL = errors.New("not the address of a server, such as http://localhost:4000")
	// ErrAnswer is returned for what is not the answer that was asked for.
	ErrAnswer = errors.New("not the answer that was asked for")
	// ErrTwice is returned for a file with an answer of which there is one already.
	ErrTwice = errors.New("a second answer to the same request")
)

// Sum is what GET /benefits has a number for. A record without a benefit has the empty
// name.
type Sum struct{ Benefit, EventType string }

// Position is what GET /statistics has a number for. Page total and index are as they
// stand there: the replaced server checked neither.
type Position struct{ Benefit, EventType, PageTotal, Index string }

// Answers are those of a server for all of time. A map is nil if the answer is missing.
type Answers struct {
	Sums      map[Sum]uint64
	Positions map[Position]uint64
}

// readSums reads the answer of GET /benefits.
func (a *Answers) readSums(from io.Reader) error {
	var benefits []struct {
		ID     any
		Events map[string]uint64
	}
	if err := decode(from, &benefits); err != nil {
		return err
	}
	a.Sums = map[Sum]uint64{}
	for _, benefit := range benefits {
		for eventType, count := range benefit.Events {
			a.Sums[Sum{name(benefit.ID), eventType}] += count
		}
	}
	return nil
}

// readPositions reads the answer of GET /statistics.
func (a *Answers) readPositions(from io.Reader) error {
	var benefits []struct {
		Benefit any
		Events  map[string]map[string]map[string]uint64
	}
	if err := decode(from, &benefits); err != nil {
		return err
	}
	a.Positions = map[Position]uint64{}
	for _, benefit := range benefits {
		for eventType, totals := range benefit.Events {
			for total, indexes := range totals {
				for index, count := range indexes {
					a.Positions[Position{name(benefit.Benefit), eventType, total, index}] += count
				}
			}
		}
	}
	return nil
}

func decode(from io.Reader, into any) error {
	if err := json.NewDecoder(from).Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return nil
}

// name is a benefit as text. The replaced server answers with whatever the database has.
func name(benefit any) string {
	switch benefit := benefit.(type) {
	case nil:
		return ""
	case string:
		return benefit
	}
	return fmt.Sprint(benefit)
}
