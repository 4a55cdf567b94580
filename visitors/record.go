package visitors

import (
	"bytes"
	"slices"

	"stats-recorder/counters"
)

// Stages are how far a visitor went, as a set of bits.
type Stages uint8

// The stages of the funnel. A record that reaches none, of an event type outside
// it, is zero.
const (
	Shown Stages = 1 << iota
	Opened
	Acted

	stageBits = 3
	allStages = 1<<stageBits - 1
)

// StageSets is how many sets of stages there are, with the empty one.
const StageSets = 1 << stageBits

// StageTable says which stages a record of an event type reaches: one for most,
// none for event types outside the funnel. The index is a counters.EventType.
type StageTable [256]Stages

// An Assignment is a variant of an experiment that a record names. Both are texts
// of strangers, valid only during the call that they are given to.
type Assignment struct{ Experiment, Variant []byte }

// A Record is what the ledger reads of a posted record. Its bytes are valid only
// during Add, which keeps none of them.
type Record struct {
	// HashID names the visitor.
	HashID []byte
	// Assignments are the experiments of the record, in the order that they came
	// in; MaxAssignments of them are looked at. Records of a batch that have the
	// same should share the slice, which spares comparing them.
	Assignments []Assignment
	Hour        counters.Hour
	Benefit     counters.Benefit
	// Index is the benefit's place on its page, from 1. A page counts where its
	// first place is shown.
	Index uint16
	Event counters.EventType
}

// runLength is how many of the first records have the day, the visitor and the
// assignments of the first.
func runLength(records []Record) int {
	first := &records[0]
	for i := 1; i < len(records); i++ {
		r := &records[i]
		if r.Hour != first.Hour && r.Hour.Day() != first.Hour.Day() ||
			!bytes.Equal(r.HashID, first.HashID) || !sameAssignments(r.Assignments, first.Assignments) {
			return i
		}
	}
	return len(records)
}

func sameAssignments(a, b []Assignment) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	return slices.EqualFunc(a, b, func(a, b Assignment) bool {
		return bytes.Equal(a.Experiment, b.Experiment) && bytes.Equal(a.Variant, b.Variant)
	})
}
