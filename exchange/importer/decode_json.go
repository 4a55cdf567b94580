package importer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-json/jsontext"
	json "github.com/goccy/go-json/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// lenient are the ways in which documents may be odd without being corrupt: as
// in BSON, the last of duplicate names wins, and invalid UTF-8 becomes U+FFFD.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// rawFields is a document as go-json leaves it: each field's JSON, unread. The
// field is empty when it is absent. Names are matched exactly.
type rawFields struct {
	ID        jsontext.Value `json:"_id"`
	BenefitID jsontext.Value `json:"benefit_id"`
	EventType jsontext.Value `json:"event_type"`
	Version   jsontext.Value `json:"version"`
	PageTotal jsontext.Value `json:"page_total"`
	Index     jsontext.Value `json:"benefit_index"`
	CreatedAt jsontext.Value `json:"created_at"`
	Benefit   jsontext.Value `json:"benefit"`
	Day       jsontext.Value `json:"day"`
	Count     jsontext.Value `json:"count"`
	Origin    jsontext.Value `json:"origin"`
	Holds     jsontext.Value `json:"holds"`
}

// reset empties the fields and keeps their memory for the next document.
func (r *rawFields) reset() {
	for _, field := range []*jsontext.Value{
		&r.ID, &r.BenefitID, &r.EventType, &r.Version, &r.PageTotal, &r.Index, &r.CreatedAt, &r.Benefit, &r.Day, &r.Count,
		&r.Origin, &r.Holds,
	} {
		*field = emptied(*field)
	}
}

// emptied keeps the memory of a slice, unless it is far more than a usual
// document needs.
func emptied[Bytes ~[]byte](kept Bytes) Bytes {
	const usual = 1 << 20
	if cap(kept) > usual {
		return nil
	}
	return kept[:0]
}

// jsonDecoder reads documents in relaxed or canonical Extended JSON, and rows
// of our own export. It is not safe for concurrent use.
type jsonDecoder struct {
	raw rawFields
	// kept holds the bytes of the values of the current batch, because raw is
	// overwritten by the next document.
	kept []byte
}

// startBatch forgets the values of the batch before.
func (d *jsonDecoder) startBatch() { d.kept = emptied(d.kept) }

// decode reads the fields of a JSON value. It reports false when the value is
// no object.
func (d *jsonDecoder) decode(data []byte, into *fields) (isObject bool, err error) {
	if data[0] != '{' {
		if !jsontext.Value(data).IsValid(lenient) {
			return false, corrupt(0, "not valid JSON")
		}
		return false, nil
	}
	d.raw.reset()
	if err := json.Unmarshal(data, &d.raw, lenient); err != nil {
		return false, jsonFlaw(err)
	}
	into.id = d.identity(d.raw.ID)
	into.benefitID = d.value(d.raw.BenefitID)
	into.eventType = d.value(d.raw.EventType)
	into.version = d.value(d.raw.Version)
	into.pageTotal = d.value(d.raw.PageTotal)
	into.index = d.value(d.raw.Index)
	into.createdAt = d.value(d.raw.CreatedAt)
	into.benefit = d.value(d.raw.Benefit)
	into.day = d.value(d.raw.Day)
	into.count = d.value(d.raw.Count)
	into.origin = d.value(d.raw.Origin)
	into.holds = d.raw.Holds
	return true, nil
}

// jsonFlaw says where and why go-json refused a document.
func jsonFlaw(err error) error {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return corrupt(int(syntax.ByteOffset), "not valid JSON: %v", syntax.Err)
	}
	return corrupt(0, "not valid JSON: %v", err)
}

// value reads a field. Raw is valid JSON, or empty.
func (d *jsonDecoder) value(raw []byte) value {
	if len(raw) == 0 {
		return value{}
	}
	switch raw[0] {
	case '"':
		return value{kind: text, bytes: d.keep(unquote(raw))}
	case 'n':
		return value{kind: null}
	case 't', 'f':
		return value{kind: other, number: int64(bson.TypeBoolean)}
	case '[':
		return value{kind: other, number: int64(bson.TypeArray)}
	case '{':
		return d.extended(raw)
	}
	return fromLiteral(raw)
}

// extended reads an object that stands for a value of BSON, such as
// {"$numberInt":"4"}.
func (d *jsonDecoder) extended(raw []byte) value {
	name, inner := unwrap(raw)
	content, _ := plainString(inner) // what is not a string has no number in it
	switch string(name) {
	case "$oid":
		start := len(d.kept)
		var err error
		if d.kept, err = hex.AppendDecode(d.kept, content); err == nil && len(content) == 24 {
			return value{kind: objectID, bytes: d.kept[start:]}
		}
	case "$numberInt", "$numberLong":
		if number, ok := parseInteger(content); ok {
			return value{kind: integer, number: number}
		}
	case "$numberDouble":
		if number, err := strconv.ParseFloat(string(content), 64); err == nil {
			return fromFloat(number)
		}
	case "$numberDecimal":
		if number, err := bson.ParseDecimal128(string(content)); err == nil {
			return fromDecimal(number)
		}
	case "$date":
		return dateFrom(inner)
	case "$undefined":
		return value{kind: null}
	}
	return value{kind: other, number: int64(bson.TypeEmbeddedDocument)}
}

// dateFrom reads what stands in $date: a string as ISO 8601, {"$numberLong":
// "1700000000000"}, or a number as mongoexport wrote it long ago.
func dateFrom(raw []byte) value {
	content, quoted := plainString(raw)
	if !quoted {
		content = raw
		if name, inner := unwrap(raw); string(name) == "$numberLong" {
			content, _ = plainString(inner)
		}
		if milli, ok := parseInteger(content); ok {
			return value{kind: date, number: milli}
		}
		return value{kind: other, number: int64(bson.TypeEmbeddedDocument)}
	}
	const zoneWithoutColon = "2006-01-02T15:04:05Z0700" // of mongoexport before 3.0
	for _, layout := range []string{time.RFC3339, zoneWithoutColon} {
		if moment, err := time.Parse(layout, string(content)); err == nil {
			return value{kind: date, number: moment.UnixMilli()}
		}
	}
	return value{kind: other, number: int64(bson.TypeEmbeddedDocument)}
}

// identity reads an _id. All of it counts, so that different ones stay
// different, and it must be what idFromBSON makes of the same _id.
func (d *jsonDecoder) identity(raw []byte) value {
	id := d.value(raw)
	if id.kind != other && id.kind != fraction && id.kind != date {
		return id
	}
	document := append(append([]byte(`{"":`), raw...), '}')
	var stored bson.Raw
	if err := bson.UnmarshalExtJSON(document, false, &stored); err == nil {
		if elements, err := stored.Elements(); err == nil && len(elements) == 1 {
			v := elements[0].Value()
			return value{kind: other, number: int64(v.Type), bytes: d.keep(v.Value)}
		}
	}
	return value{kind: other, bytes: d.keep(raw)}
}

// keep copies bytes to where they stay until the next batch.
func (d *jsonDecoder) keep(bytes []byte) []byte {
	start := len(d.kept)
	d.kept = append(d.kept, bytes...)
	return d.kept[start:]
}

// unwrap takes an object with one member apart, {"name":inner}; the name is
// empty when it is not one. Raw is valid JSON.
//
// It does not ask go-json, because the shape is that simple and a canonical
// document has seven of them.
func unwrap(raw []byte) (name, inner []byte) {
	if raw[0] != '{' {
		return nil, nil
	}
	start := skipSpace(raw, 1)
	if raw[start] != '"' {
		return nil, nil // {}
	}
	nameEnd := stringEnd(raw, start)
	innerStart := skipSpace(raw, skipSpace(raw, nameEnd)+1) // after the colon
	innerEnd := jsonEnd(raw, innerStart, true)
	if innerEnd < 0 || skipSpace(raw, innerEnd) != len(raw)-1 {
		return nil, nil // has more members
	}
	return raw[start+1 : nameEnd-1], raw[innerStart:innerEnd]
}

// plainString is the content of a JSON string without escapes.
func plainString(raw []byte) (content []byte, ok bool) {
	if len(raw) < 2 || raw[0] != '"' || bytes.IndexByte(raw, '\\') >= 0 {
		return nil, false
	}
	return raw[1 : len(raw)-1], true
}

// unquote returns the content of a JSON string. Invalid UTF-8 and lone
// surrogates become U+FFFD.
func unquote(raw []byte) []byte {
	if content, ok := plainString(raw); ok && utf8.Valid(content) {
		return content
	}
	var content string
	if err := json.Unmarshal(raw, &content, lenient); err != nil {
		return nil // not reached: raw comes from a decoded document
	}
	return []byte(content)
}
