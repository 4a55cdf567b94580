package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-json/jsontext"
	json "github.com/goccy/go-json/v2"

	"stats-recorder/counters"
)

// The limits of a record's fields, by the contract.
const (
	maxTextBytes       = 256
	maxPosition        = 1000
	maxVersion         = 65535
	defaultVersion     = 2
	maxExperiments     = 16
	maxExperimentBytes = 64
	maxAhead           = 5 * time.Minute
)

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

// record is a record that was found good. The benefit's bytes belong to the
// request or to the decoder: they are valid until the next body.
type record struct {
	benefit   []byte
	event     counters.EventType
	version   uint16
	pageTotal uint16
	index     uint16
	hour      counters.Hour
}

// fieldError is what is wrong with one field of a record.
type fieldError struct {
	field   string
	reason  reason
	message string
}

func (e *fieldError) Error() string { return e.field + ": " + e.message }

func wrong(field string, why reason, format string, arguments ...any) *fieldError {
	return &fieldError{field: field, reason: why, message: fmt.Sprintf(format, arguments...)}
}

// rules are what records are checked against.
type rules struct {
	events      map[string]counters.EventType
	maxEventAge time.Duration
	// benefits are those that exist; nil when any may.
	benefits atomic.Pointer[map[string]struct{}]
}

// knows says whether a benefit exists.
func (r *rules) knows(benefit []byte) bool {
	benefits := r.benefits.Load()
	if benefits == nil {
		return true
	}
	_, known := (*benefits)[string(benefit)]
	return known
}

// check reads the fields of a record at the given time.
func (r *rules) check(raw *rawRecord, now time.Time) (good record, bad *fieldError) {
	if good.benefit, bad = text("benefit_id", raw.BenefitID); bad != nil {
		return good, bad
	}
	if !r.knows(good.benefit) {
		return good, wrong("benefit_id", reasonUnknown, "%s is not one of the benefits of this site", quoteShort(string(good.benefit)))
	}
	if _, bad = text("hash_id", raw.HashID); bad != nil {
		return good, bad
	}
	if good.pageTotal, bad = integer("page_total", raw.PageTotal, 1, maxPosition); bad != nil {
		return good, bad
	}
	if good.index, bad = integer("benefit_index", raw.BenefitIndex, 1, maxPosition); bad != nil {
		return good, bad
	}
	if good.index > good.pageTotal {
		return good, wrong("benefit_index", reasonRange, "must be at most page_total, which is %d, not %d", good.pageTotal, good.index)
	}
	if good.event, bad = r.eventType(raw.EventType); bad != nil {
		return good, bad
	}
	good.version = defaultVersion
	if len(raw.Version) > 0 {
		if good.version, bad = integer("version", raw.Version, 0, maxVersion); bad != nil {
			return good, bad
		}
	}
	if bad = abTesting(raw.ABTesting); bad != nil {
		return good, bad
	}
	good.hour, bad = r.hour(raw.CreatedAt, now)
	return good, bad
}

// text reads a string, or a number or boolean as its text. The result may
// alias the raw value.
func text(field string, raw jsontext.Value) ([]byte, *fieldError) {
	if len(raw) == 0 {
		return nil, wrong(field, reasonMissing, "is required")
	}
	value := []byte(raw)
	switch raw[0] {
	case '"':
		value = unquote(raw)
	case 'n', '{', '[':
		return nil, wrong(field, reasonType, "must be a string, not %s", kindName(raw))
	}
	if len(value) == 0 || len(value) > maxTextBytes {
		return nil, wrong(field, reasonLength, "must be 1 to %d bytes long, not %d", maxTextBytes, len(value))
	}
	return value, nil
}

// unquote returns the content of a JSON string. Invalid UTF-8 and lone
// surrogates become U+FFFD.
func unquote(raw jsontext.Value) []byte {
	content := raw[1 : len(raw)-1]
	if bytes.IndexByte(content, '\\') < 0 && utf8.Valid(content) {
		return content
	}
	var value string
	if err := json.Unmarshal(raw, &value, lenient); err != nil {
		return nil // not reached: raw comes from a decoded record
	}
	return []byte(value)
}

// kindName names the JSON type of a valid value, for messages.
func kindName(raw jsontext.Value) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// integer reads an integer in a number or in a string.
func integer(field string, raw jsontext.Value, lowest, highest int) (uint16, *fieldError) {
	if len(raw) == 0 {
		return 0, wrong(field, reasonMissing, "is required")
	}
	literal := []byte(raw)
	switch raw[0] {
	case '"':
		literal = bytes.TrimSpace(unquote(raw))
	case '{', '[', 't', 'f', 'n':
		return 0, wrong(field, reasonType, "must be an integer from %d to %d, not %s", lowest, highest, kindName(raw))
	}
	value, ok := parseInteger(literal)
	if !ok || value < lowest || value > highest {
		return 0, wrong(field, reasonRange, "must be an integer from %d to %d, not %s", lowest, highest, quoteShort(string(literal)))
	}
	return uint16(value), nil
}

// parseInteger reads a decimal integer, also one written as 4.0 or 40e-1.
func parseInteger(literal []byte) (value int, ok bool) {
	const short = 9 // digits that cannot overflow
	for _, c := range literal {
		if c < '0' || c > '9' || len(literal) > short {
			return parseIntegralFloat(literal)
		}
		value = value*10 + int(c-'0')
	}
	return value, len(literal) > 0
}

func parseIntegralFloat(literal []byte) (value int, ok bool) {
	if strings.Trim(string(literal), "0123456789+-.eE") != "" {
		return 0, false // ParseFloat also reads hexadecimal, "inf" and "_"
	}
	float, err := strconv.ParseFloat(string(literal), 64)
	if err != nil || float != math.Trunc(float) || math.Abs(float) > 1<<53 {
		return 0, false
	}
	return int(float), true
}

func (r *rules) eventType(raw jsontext.Value) (counters.EventType, *fieldError) {
	name := []byte("show")
	if len(raw) > 0 {
		if raw[0] != '"' {
			return 0, wrong("event_type", reasonType, "must be a string, not %s", kindName(raw))
		}
		name = unquote(raw)
	}
	event, known := r.events[string(name)]
	if !known {
		return 0, wrong("event_type", reasonUnknown, "%s is not a known event type; known are %s", quoteShort(string(name)), r.knownEvents())
	}
	return event, nil
}

func (r *rules) knownEvents() string {
	names := make([]string, 0, len(r.events))
	for name := range r.events {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// abTesting checks the experiments; they are not recorded.
func abTesting(raw jsontext.Value) *fieldError {
	const field = "abtesting"
	if len(raw) == 0 || raw[0] == 'n' || string(raw) == `""` {
		return nil
	}
	if raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0 {
		return nil
	}
	if raw[0] != '{' {
		return wrong(field, reasonType, "must be an object of strings, not %s", kindName(raw))
	}
	if plainExperiments(raw) {
		return nil
	}
	// Values are read one by one, so that of duplicate names only the last counts.
	var experiments map[string]jsontext.Value
	if err := json.Unmarshal(raw, &experiments, lenient); err != nil {
		return wrong(field, reasonType, "must be an object of strings")
	}
	if len(experiments) > maxExperiments {
		return wrong(field, reasonTooMany, "must have at most %d experiments, not %d", maxExperiments, len(experiments))
	}
	for name, quoted := range experiments {
		if quoted[0] != '"' {
			return wrong(field, reasonType, "must be an object of strings; %s is %s", quoteShort(name), kindName(quoted))
		}
		value := unquote(quoted)
		if len(name) == 0 || len(name) > maxExperimentBytes || len(value) == 0 || len(value) > maxExperimentBytes {
			return wrong(field, reasonLength, "names and values must be 1 to %d bytes long; see %s: %s",
				maxExperimentBytes, quoteShort(name), quoteShort(string(value)))
		}
	}
	return nil
}

// plainExperiments says whether a valid JSON object is, at a glance, a good set
// of experiments. It spares nearly every record the map; when it says no, the
// map decides.
func plainExperiments(raw jsontext.Value) bool {
	rest, texts := raw[1:len(raw)-1], 0
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n,:")
		if len(rest) == 0 {
			return texts <= 2*maxExperiments
		}
		if rest[0] != '"' {
			return false
		}
		end := bytes.IndexByte(rest[1:], '"')
		if end < 1 || end > maxExperimentBytes {
			return false
		}
		for _, c := range rest[1 : 1+end] {
			if c == '\\' || c >= utf8.RuneSelf {
				return false
			}
		}
		texts++
		rest = rest[end+2:]
	}
}

var (
	errTooOld   = errors.New("is too old")
	errTooEarly = errors.New("is before 1970")
)

// hour reads created_at and returns the hour that the record counts in.
func (r *rules) hour(raw jsontext.Value, now time.Time) (counters.Hour, *fieldError) {
	const field = "created_at"
	if len(raw) == 0 {
		return counters.HourOf(now), nil
	}
	created, err := parseCreatedAt(raw)
	switch {
	case err != nil:
		return 0, wrong(field, reasonFormat, "must be an ISO 8601 string or milliseconds since 1970: %v", err)
	case created.Unix() < 0:
		return 0, wrong(field, reasonTooOld, "%v: %s", errTooEarly, created.UTC().Format(time.RFC3339))
	case created.After(now.Add(maxAhead)):
		return 0, wrong(field, reasonAhead, "is %s, more than %s ahead of the server's clock", created.UTC().Format(time.RFC3339), maxAhead)
	case r.maxEventAge > 0 && created.Before(now.Add(-r.maxEventAge)):
		return 0, wrong(field, reasonTooOld, "%v: %s is more than %s ago", errTooOld, created.UTC().Format(time.RFC3339), r.maxEventAge)
	}
	return counters.HourOf(created), nil
}

func parseCreatedAt(raw jsontext.Value) (time.Time, error) {
	switch raw[0] {
	case '"':
		return parseISODate(string(unquote(raw)))
	case '{', '[', 't', 'f', 'n':
		return time.Time{}, fmt.Errorf("not %s", kindName(raw))
	}
	milliseconds, err := strconv.ParseFloat(string(raw), 64)
	const latest = 8.64e15 // the range of ECMAScript's time values
	if err != nil || math.Abs(milliseconds) > latest {
		return time.Time{}, fmt.Errorf("not %s", quoteShort(string(raw)))
	}
	return time.UnixMilli(int64(milliseconds)), nil
}
