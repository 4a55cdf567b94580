package records

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/goccy/go-json/jsontext"
	json "github.com/goccy/go-json/v2"

	"stats-recorder/counters"
)

// lenient are the two ways in which the contract is more lenient than go-json's
// strict mode: the last of duplicate names wins, and invalid UTF-8 becomes U+FFFD.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

const (
	// MaxListed is how many rejected records are listed with a message.
	MaxListed = 100
	// maxDepth is the nesting that go-json and encoding/json take.
	maxDepth = 10000
)

// Rejection is a record that was not recorded, and why.
type Rejection struct {
	// Index is its place in the body, from 0.
	Index int
	Problem
}

// BodyError is the error for a body of which nothing can be recorded. Its text
// is for the client.
type BodyError struct {
	// Offset is where in the body it is wrong, in bytes.
	Offset  int64
	problem string
}

// Error says what is wrong, and where.
func (e *BodyError) Error() string {
	return e.problem + " at byte offset " + strconv.FormatInt(e.Offset, 10)
}

func badBody(offset int64, format string, arguments ...any) error {
	return &BodyError{offset, fmt.Sprintf(format, arguments...)}
}

// Decoder reads bodies into records. It is reused, and not safe for concurrent
// use. What it holds is valid until the next Decode.
type Decoder struct {
	// Records are the good ones, Rejected the first MaxListed of the others.
	Records []Record
	// Visitors are whose the good records are. Neighbours are of one where they say the same.
	Visitors []Visitor
	Rejected []Rejection
	// Rejections is how many records were rejected, Odd why.
	Rejections int
	Odd        []Odd
	// Single is whether the body was one record, not an array.
	Single bool

	checker
	observer Observer
	valid    bool // the body as a whole is known to be JSON
	raw      rawRecord
	repeat   repeat
	shape    shape // kept from body to body
}

// An Observer is told of each rejected record, and of each part of a good one that
// was left out.
type Observer interface {
	// Rejected is called for each rejected record.
	Rejected(Field, Reason)
	// LeftOut is called for each part of a field that was left out.
	LeftOut(Field, Reason)
}

// NewDecoder returns a decoder for records that these rules are for. The observer
// may be nil.
func NewDecoder(rules *Rules, observer Observer) *Decoder {
	return &Decoder{checker: checker{rules: rules}, observer: observer}
}

// Decode reads one body, which must not change as long as its records are used. It
// returns a *BodyError when the body as a whole is wrong; records that are wrong by
// themselves are in Rejected.
func (d *Decoder) Decode(body []byte, now time.Time) error {
	d.Records, d.Visitors, d.Rejected = d.Records[:0], d.Visitors[:0], d.Rejected[:0]
	d.Rejections, d.Odd, d.now, d.valid = 0, d.Odd[:0], now, false
	d.repeat.forget()
	d.shape.base.Hour = counters.HourOf(now)
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	start := skipSpace(body, 0)
	if start == len(body) {
		return badBody(int64(start), "a record or an array of records is missing")
	}
	switch body[start] {
	case '{':
		d.Single = true
		return d.alone(body, start)
	case '[':
		d.Single = false
		return d.many(body, start+1)
	}
	if err := syntaxError(body); err != nil {
		return err
	}
	return badBody(int64(start), "the body must be a record or an array of records, not %s", kindName(body[start:]))
}

// many reads the elements of an array from a position after its bracket. It
// finds where each ends by its brackets and quotes and leaves it to go-json to
// say whether it is valid: an array whose elements are valid and separated by
// commas is valid, and no other is.
func (d *Decoder) many(body []byte, pos int) error {
	pos = skipSpace(body, pos)
	if pos < len(body) && body[pos] == ']' {
		return d.after(body, pos+1)
	}
	for {
		pos = skipSpace(body, pos)
		end := d.repeated(body, pos)
		if end == pos {
			var err error
			if end, err = d.element(body, pos, len(d.Records)+d.Rejections); err != nil {
				return err
			}
		}
		pos = skipSpace(body, end)
		if pos == len(body) {
			return d.broken(body)
		}
		switch body[pos] {
		case ',':
			pos++
		case ']':
			return d.after(body, pos+1)
		default:
			return d.broken(body)
		}
	}
}

// after makes sure that nothing but white space follows the value.
func (d *Decoder) after(body []byte, pos int) error {
	if skipSpace(body, pos) != len(body) {
		return d.broken(body)
	}
	return nil
}

// element reads the array element at pos and returns where it ends.
func (d *Decoder) element(body []byte, pos, index int) (end int, err error) {
	switch rest := body[pos:]; {
	case len(rest) > 0 && rest[0] != '{':
		return d.stray(body, pos, index)
	case bytes.HasPrefix(rest, emptyRecord):
		d.listed = len(d.Rejected) < MaxListed
		d.reject(index, d.required(benefitID))
		return pos + len(emptyRecord), nil
	}
	if end, ok := d.shapedRun(body, pos); ok {
		return end, nil
	}
	end, layout := elementEnd(body, pos)
	if end <= pos {
		return 0, d.broken(body)
	}
	if !layout.identified && !layout.irregular { // no benefit_id, which is looked for first
		return d.stray(body, pos, index)
	}
	good, ok, err := d.one(body, body[pos:end], index)
	if ok {
		// Odd experiments are noted for each record that has them.
		layout.irregular = layout.irregular || len(d.oddities) > 0
		// What d.one returned lies in raw fields, which the next record overwrites.
		d.visitor.keep(body[pos:end], &layout)
		good.Visitor = d.visit(d.visitor)
		good.Benefit = d.repeat.learn(body[pos:end], &layout, &good)
		d.Records = append(d.Records, good)
		if index == 0 {
			d.shape.learn(body[pos:end], layout, good, d.visitor.HashID)
		}
	}
	return end, err
}

// alone reads a body that is one record.
func (d *Decoder) alone(body []byte, start int) error {
	if end, ok := d.shaped(body, start); ok {
		if skipSpace(body, end) == len(body) {
			return nil
		}
		d.Records, d.Visitors = d.Records[:0], d.Visitors[:0]
	}
	good, ok, err := d.one(body, body[start:], 0)
	if !ok {
		return err
	}
	good.Visitor = d.visit(d.visitor)
	d.Records = append(d.Records, good)
	if end, layout := elementEnd(body, start); end > start && len(d.oddities) == 0 {
		d.shape.learn(body[start:end], layout, good, d.visitor.HashID)
	}
	return nil
}

// emptyRecord is the shortest thing that is rejected.
var emptyRecord = []byte("{}")

// stray rejects the element at pos, which is not a record or has no benefit, and
// returns where it ends. A body that has one may have nothing else, so that each
// costs little: the body is validated once, and not each of them.
func (d *Decoder) stray(body []byte, pos, index int) (end int, err error) {
	if !d.valid && !jsontext.Value(body).IsValid(lenient) {
		return 0, d.broken(body)
	}
	d.valid = true
	d.listed = len(d.Rejected) < MaxListed
	if element := body[pos:]; element[0] == '{' {
		d.reject(index, d.required(benefitID))
	} else {
		d.reject(index, d.wrong(WholeRecord, wrongType, func() string { return "must be an object, not " + kindName(element) }))
	}
	return valueEnd(body, pos), nil
}

// one has go-json parse a record of the body, and checks it.
func (d *Decoder) one(body, element []byte, index int) (good Record, ok bool, err error) {
	d.listed = len(d.Rejected) < MaxListed
	d.raw.reset()
	if err := json.Unmarshal(element, &d.raw, lenient); err != nil {
		return good, false, d.broken(body)
	}
	good, bad := d.check(&d.raw)
	if bad != nil {
		d.reject(index, bad)
		return good, false, nil
	}
	if d.observer != nil {
		for _, why := range d.oddities {
			d.observer.LeftOut(abTesting, why)
		}
	}
	return good, true, nil
}

func (d *Decoder) reject(index int, bad *Problem) {
	d.Rejections++
	d.noteOdd(bad)
	if d.observer != nil {
		d.observer.Rejected(bad.Field, bad.Reason)
	}
	if d.listed {
		d.Rejected = append(d.Rejected, Rejection{index, *bad})
	}
}

// broken is the error of a body that is not JSON.
func (d *Decoder) broken(body []byte) error {
	if err := syntaxError(body); err != nil {
		return err
	}
	return badBody(0, "not valid JSON: nested deeper than %d", maxDepth)
}

// syntaxError says where and why a body is not JSON, or returns nil.
func syntaxError(body []byte) error {
	var value jsontext.Value
	err := json.Unmarshal(body, &value, lenient)
	if err == nil {
		return nil
	}
	offset, reason := int64(len(body)), "unexpected end"
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		offset, reason = syntax.ByteOffset, syntax.Err.Error()
	}
	return badBody(offset, "not valid JSON: %s", reason)
}

func skipSpace(body []byte, pos int) int {
	for pos < len(body) && (body[pos] == ' ' || body[pos] == '\n' || body[pos] == '\t' || body[pos] == '\r') {
		pos++
	}
	return pos
}
