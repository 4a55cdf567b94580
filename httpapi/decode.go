package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/goccy/go-json/jsontext"
	json "github.com/goccy/go-json/v2"
	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
)

// lenient are the two ways in which the contract is more lenient than go-json's
// strict mode: the last of duplicate names wins, and invalid UTF-8 becomes U+FFFD.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

const (
	// maxReported is how many rejected records are listed in an answer.
	maxReported = 100
	// maxDepth is the nesting that go-json and encoding/json take.
	maxDepth = 10000
)

// rejection is a record that was not recorded, and why.
type rejection struct {
	index int
	fieldError
}

// decoder reads bodies into records. It is reused, and not safe for concurrent
// use. What it holds is valid until the next decode.
type decoder struct {
	rules   *rules
	metrics *Metrics // may be nil

	records  []record
	rejected []rejection // the first maxReported of them
	// rejections is how many records were rejected.
	rejections int
	// single is whether the body was one record, not an array.
	single bool

	raw    rawRecord
	now    time.Time
	repeat repeat
	shape  shape // kept from body to body
}

// badBody is the error for a body of which nothing can be recorded.
func badBody(offset int64, format string, arguments ...any) error {
	return &statusError{fasthttp.StatusUnprocessableEntity,
		fmt.Sprintf(format, arguments...) + " at byte offset " + strconv.FormatInt(offset, 10)}
}

// decode reads one body. It returns an error for the client when the body as a
// whole is wrong; records that are wrong by themselves are in rejected.
func (d *decoder) decode(body []byte, now time.Time) error {
	d.records, d.rejected, d.rejections, d.now = d.records[:0], d.rejected[:0], 0, now
	d.repeat.forget()
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	start := skipSpace(body, 0)
	if start == len(body) {
		return badBody(int64(start), "a record or an array of records is missing")
	}
	switch body[start] {
	case '{':
		d.single = true
		return d.alone(body, start)
	case '[':
		d.single = false
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
func (d *decoder) many(body []byte, pos int) error {
	pos = skipSpace(body, pos)
	if pos < len(body) && body[pos] == ']' {
		return d.after(body, pos+1)
	}
	for index := 0; ; index++ {
		pos = skipSpace(body, pos)
		end, known := d.repeat.match(body, pos)
		if known && d.rules.knows(d.repeat.record.benefit) {
			d.records = append(d.records, d.repeat.record)
		} else {
			var err error
			if end, err = d.element(body, pos, index); err != nil {
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
func (d *decoder) after(body []byte, pos int) error {
	if skipSpace(body, pos) != len(body) {
		return d.broken(body)
	}
	return nil
}

// element reads the array element at pos and returns where it ends.
func (d *decoder) element(body []byte, pos, index int) (end int, err error) {
	if end, ok := d.shape.match(body, pos, d.rules, counters.HourOf(d.now)); ok {
		d.repeat.learn(body[pos:end], d.shape.found, d.shape.record)
		d.records = append(d.records, d.shape.record)
		return end, nil
	}
	end, layout := elementEnd(body, pos)
	if end <= pos {
		return 0, d.broken(body)
	}
	good, ok, err := d.one(body, body[pos:end], index)
	if ok {
		// What d.one returned lies in raw fields, which the next record overwrites.
		good.benefit = d.repeat.learn(body[pos:end], layout, good)
		d.records = append(d.records, good)
		if index == 0 {
			d.shape.learn(body[pos:end], layout, good)
		}
	}
	return end, err
}

// alone reads a body that is one record.
func (d *decoder) alone(body []byte, start int) error {
	if end, ok := d.shape.match(body, start, d.rules, counters.HourOf(d.now)); ok && skipSpace(body, end) == len(body) {
		d.records = append(d.records, d.shape.record)
		return nil
	}
	good, ok, err := d.one(body, body[start:], 0)
	if !ok {
		return err
	}
	d.records = append(d.records, good)
	if end, layout := elementEnd(body, start); end > start {
		d.shape.learn(body[start:end], layout, good)
	}
	return nil
}

// one has go-json parse a record of the body, and checks it.
func (d *decoder) one(body, element []byte, index int) (good record, ok bool, err error) {
	if element[0] != '{' {
		if !jsontext.Value(element).IsValid(lenient) {
			return good, false, d.broken(body)
		}
		d.reject(index, &fieldError{reason: reasonType, message: "must be an object, not " + kindName(element)})
		return good, false, nil
	}
	d.raw.reset()
	if err := json.Unmarshal(element, &d.raw, lenient); err != nil {
		return good, false, d.broken(body)
	}
	good, bad := d.rules.check(&d.raw, d.now)
	if bad != nil {
		d.reject(index, bad)
		return good, false, nil
	}
	return good, true, nil
}

func (d *decoder) reject(index int, bad *fieldError) {
	d.rejections++
	if d.metrics != nil {
		d.metrics.reject(bad)
	}
	if len(d.rejected) < maxReported {
		d.rejected = append(d.rejected, rejection{index: index, fieldError: *bad})
	}
}

// broken is the error of a body that is not JSON.
func (d *decoder) broken(body []byte) error {
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
