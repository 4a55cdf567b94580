package records

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/goccy/go-json/jsontext"

	"stats-recorder/counters"
)

// The limits of a record's fields, by the contract.
const (
	// DefaultVersion is the version of a record without one, MaxVersion the largest.
	DefaultVersion     = 2
	MaxVersion         = 65535
	maxTextBytes       = 256
	maxPosition        = 1000
	maxExperiments     = 16
	maxExperimentBytes = 64
	maxAhead           = 5 * time.Minute
)

// BuiltInEvents are the event types that every server knows, in the order of
// their numbers.
var BuiltInEvents = []string{
	"show", "showDetails", "showDetailsFromGroupPage", "form", "instructions", "link", "msa",
	"show-locations", "link-ineligible", "show-unexpected", "show-unexpected-amount-link", "close", "teleservice",
	"teleservicePrefill", "retour-logement", "simulation-caf", "email",
}

// rawRecord is a record as go-json leaves it: each field's JSON, unread. The
// field is empty when it is absent. Names are matched exactly, the last of
// duplicates wins.
type rawRecord struct {
	BenefitID    jsontext.Value `json:"benefit_id"`
	HashID       jsontext.Value `json:"hash_id"`
	ABTesting    jsontext.Value `json:"abtesting"`
	BenefitIndex jsontext.Value `json:"benefit_index"`
	PageTotal    jsontext.Value `json:"page_total"`
	EventType    jsontext.Value `json:"event_type"`
	Version      jsontext.Value `json:"version"`
	CreatedAt    jsontext.Value `json:"created_at"`
}

// reset empties the fields and keeps their memory for the next record.
func (r *rawRecord) reset() {
	for _, field := range []*jsontext.Value{
		&r.BenefitID, &r.HashID, &r.ABTesting, &r.BenefitIndex, &r.PageTotal, &r.EventType, &r.Version, &r.CreatedAt,
	} {
		*field = (*field)[:0]
	}
}

// Record is a record that was found good.
type Record struct {
	// Benefit's bytes belong to the body or to the decoder: they are valid until the
	// next body.
	Benefit []byte
	Event   Event
	Version uint16
	// Index is the position from 1 to PageTotal.
	PageTotal, Index uint16
	Hour             counters.Hour
	// Visitor is where in Decoder.Visitors the one is whose record it is.
	Visitor uint32
}

// Event is an event type: its place in the list that NewRules was given.
type Event uint16

// Small is another number for it in this process, from 1, for who has tables by event type
// that are small; 0 is any of those that come late in a long list.
func (e Event) Small() counters.EventType {
	if e >= 255 {
		return 0
	}
	return counters.EventType(e + 1)
}

// EventTypes are the event types that records may have: the built-in ones, and some more.
func EventTypes(more []string) []string {
	names := slices.Clone(BuiltInEvents)
	for _, name := range more {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Problem is what is wrong with one field of a record.
type Problem struct {
	Field  Field
	Reason Reason
	// Message tells it to a person. It is empty for a record that is not listed.
	Message string
}

// Rules are what records are checked against. Make them with NewRules.
type Rules struct {
	events      map[string]Event
	maxEventAge time.Duration
	expected    func() (at time.Time, differs bool)
	// benefits are those that exist; nil when any may.
	benefits atomic.Pointer[map[string]struct{}]
}

// NewRules returns rules for records of these event types. Their
// created_at may be as old as maxEventAge; 0 means any age. A created_at that is too old or
// too far ahead by the clock is fine if it is not so by the time that is expected, where
// that differs; the function, which may be nil, is asked then. Any benefit may be.
func NewRules(events []string, maxEventAge time.Duration, expected func() (at time.Time, differs bool)) *Rules {
	rules := &Rules{events: make(map[string]Event, len(events)), maxEventAge: maxEventAge, expected: expected}
	for place, name := range events {
		rules.events[name] = Event(place)
	}
	return rules
}

// isOld and isAhead say what a created_at is at a time.
func (r *Rules) isOld(created, now time.Time) bool {
	return r.maxEventAge > 0 && created.Before(now.Add(-r.maxEventAge))
}

func (r *Rules) isAhead(created, now time.Time) bool { return created.After(now.Add(maxAhead)) }

// isExpected says whether a created_at is neither by the time that is expected.
func (r *Rules) isExpected(created time.Time) bool {
	if r.expected == nil {
		return false
	}
	at, differs := r.expected()
	return differs && !r.isOld(created, at) && !r.isAhead(created, at)
}

// SetBenefits makes these the only benefits that records may be about; nil lets
// any benefit be. It may be called at any time, by any goroutine.
func (r *Rules) SetBenefits(names map[string]struct{}) {
	if names == nil {
		r.benefits.Store(nil)
		return
	}
	r.benefits.Store(&names)
}

// knows says whether a benefit exists.
func (r *Rules) knows(benefit []byte) bool {
	benefits := r.benefits.Load()
	if benefits == nil {
		return true
	}
	_, known := (*benefits)[string(benefit)]
	return known
}

// checker holds records to the rules.
type checker struct {
	rules *Rules
	now   time.Time
	// listed is whether the next problem needs a message: making one takes longer
	// than finding that a record is bad.
	listed  bool
	problem Problem // the last one
	// strange is the last event type that nobody knows.
	strange []byte
	// visitor is that of the last good record. Its bytes may be those of the raw record.
	visitor Visitor
	// oddities are why parts of the last good record's experiments are left out.
	oddities []Reason
}

// wrong is the problem with a field. The message is made only if it is needed.
func (c *checker) wrong(field Field, why Reason, message func() string) *Problem {
	c.problem = Problem{Field: field, Reason: why}
	if c.listed {
		c.problem.Message = message()
	}
	return &c.problem
}

// check reads the fields of a record.
func (c *checker) check(raw *rawRecord) (good Record, bad *Problem) {
	if good.Benefit, bad = c.text(benefitID, raw.BenefitID); bad != nil {
		return good, bad
	}
	if !c.rules.knows(good.Benefit) {
		return good, c.wrong(benefitID, unknown, func() string {
			return QuoteShort(string(good.Benefit)) + " is not one of the benefits of this site"
		})
	}
	if c.visitor.HashID, bad = c.text(hashID, raw.HashID); bad != nil {
		return good, bad
	}
	if good.PageTotal, bad = c.integer(pageTotal, raw.PageTotal, 1, maxPosition); bad != nil {
		return good, bad
	}
	if good.Index, bad = c.integer(benefitIndex, raw.BenefitIndex, 1, maxPosition); bad != nil {
		return good, bad
	}
	if good.Index > good.PageTotal {
		return good, c.wrong(benefitIndex, notInRange, func() string {
			return fmt.Sprintf("must be at most page_total, which is %d, not %d", good.PageTotal, good.Index)
		})
	}
	if good.Event, bad = c.eventType(raw.EventType); bad != nil {
		return good, bad
	}
	good.Version = DefaultVersion
	if len(raw.Version) > 0 {
		if good.Version, bad = c.integer(versionField, raw.Version, 0, MaxVersion); bad != nil {
			return good, bad
		}
	}
	c.visitor.Experiments = c.experiments(raw.ABTesting)
	good.Hour, bad = c.hour(raw.CreatedAt)
	return good, bad
}

// required is the problem with a field that is not there.
func (c *checker) required(field Field) *Problem {
	return c.wrong(field, missing, func() string { return "is required" })
}

// text reads a string, or a number or boolean as its text. The result may
// alias the raw value.
func (c *checker) text(field Field, raw jsontext.Value) ([]byte, *Problem) {
	if len(raw) == 0 {
		return nil, c.required(field)
	}
	var value []byte
	switch raw[0] {
	case '"':
		value = unquote(raw)
	case 't', 'f':
		value = raw
	case 'n', '{', '[':
		return nil, c.wrong(field, wrongType, func() string { return "must be a string, not " + kindName(raw) })
	default:
		value = numberText(raw)
	}
	if len(value) == 0 || len(value) > maxTextBytes {
		return nil, c.wrong(field, wrongLength, func() string {
			return fmt.Sprintf("must be 1 to %d bytes long, not %d", maxTextBytes, len(value))
		})
	}
	return value, nil
}

// integer reads an integer in a number or in a string.
func (c *checker) integer(field Field, raw jsontext.Value, lowest, highest int) (uint16, *Problem) {
	if len(raw) == 0 {
		return 0, c.required(field)
	}
	literal := []byte(raw)
	switch raw[0] {
	case '"':
		literal = bytes.TrimSpace(unquote(raw))
	case '{', '[', 't', 'f', 'n':
		return 0, c.wrong(field, wrongType, func() string {
			return fmt.Sprintf("must be an integer from %d to %d, not %s", lowest, highest, kindName(raw))
		})
	}
	value, ok := ParseInteger(literal)
	if !ok || value < lowest || value > highest {
		return 0, c.wrong(field, notInRange, func() string {
			return fmt.Sprintf("must be an integer from %d to %d, not %s", lowest, highest, QuoteShort(string(literal)))
		})
	}
	return uint16(value), nil
}

func (c *checker) eventType(raw jsontext.Value) (Event, *Problem) {
	name := []byte("show")
	if len(raw) > 0 {
		if raw[0] != '"' {
			return 0, c.wrong(eventType, wrongType, func() string { return "must be a string, not " + kindName(raw) })
		}
		name = unquote(raw)
	}
	event, known := c.rules.events[string(name)]
	if !known {
		c.strange = name
		return 0, c.wrong(eventType, unknown, func() string {
			return QuoteShort(string(name)) + " is not a known event type; known are " + c.rules.knownEvents()
		})
	}
	return event, nil
}

func (r *Rules) knownEvents() string {
	names := make([]string, 0, len(r.events))
	for name := range r.events {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

var (
	errTooOld   = errors.New("is too old")
	errTooEarly = errors.New("is before 1970")
)

// hour reads created_at and returns the hour that the record counts in.
func (c *checker) hour(raw jsontext.Value) (counters.Hour, *Problem) {
	if len(raw) == 0 {
		return counters.HourOf(c.now), nil
	}
	created, err := parseCreatedAt(raw)
	written := func() string { return created.UTC().Format(time.RFC3339) }
	switch {
	case err != nil:
		return 0, c.wrong(createdAt, wrongFormat, func() string {
			return fmt.Sprintf("must be an ISO 8601 string or milliseconds since 1970: %v", err)
		})
	case created.Unix() < 0:
		return 0, c.wrong(createdAt, tooOld, func() string { return fmt.Sprintf("%v: %s", errTooEarly, written()) })
	case c.rules.isAhead(created, c.now) && !c.rules.isExpected(created):
		return 0, c.wrong(createdAt, ahead, func() string {
			return fmt.Sprintf("is %s, more than %s ahead of the server's clock", written(), maxAhead)
		})
	case c.rules.isOld(created, c.now) && !c.rules.isExpected(created):
		return 0, c.wrong(createdAt, tooOld, func() string {
			return fmt.Sprintf("%v: %s is more than %s ago", errTooOld, written(), c.rules.maxEventAge)
		})
	}
	return counters.HourOf(created), nil
}
