package importer

import (
	"encoding/hex"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// The lengths of the names that a Document can have.
const (
	maxBenefitBytes   = 256
	maxEventTypeBytes = 64
)

// MaxCount is the largest Count of a Document: the largest integer that every
// reader of JSON gets right, because it is exact as a floating-point number.
const MaxCount = 1<<53 - 1

// Precision says what is known about when a document's event happened.
type Precision uint8

const (
	// Instant: Document.CreatedAt is when it happened.
	Instant Precision = iota
	// WholeDay: it happened on the UTC day that starts at Document.CreatedAt.
	// Only our own export has such documents.
	WholeDay
	// AllTime: nothing is known, since created_at is null or absent. The old
	// service counted it in its sums over all time, and in no period.
	AllTime
)

// Document is one event of the old service, or one row of our own export.
type Document struct {
	// Benefit is 1 to 256 bytes of UTF-8.
	Benefit []byte
	// EventType is 1 to 64 bytes of UTF-8. It may be one that the contract does
	// not know.
	EventType []byte
	// Version is 0 when the document has none. The old statistics asked for
	// version 2, and so left these out; they still counted in the sums.
	Version uint16
	// PageTotal and Index are at most Options.MaxPosition. The index can be above
	// the total, and both can be 0: the old service checked neither.
	PageTotal, Index uint16
	// Precision says how CreatedAt is to be understood.
	Precision Precision
	// CreatedAt is in UTC, from 1970 to 2200. It is the zero time when the
	// precision is AllTime.
	CreatedAt time.Time
	// Count is how many events this is: 1, unless it is a row of our own export.
	Count uint64

	id       value
	isRow    bool
	rejected string
}

// ID is the document's _id as a person would write it: an ObjectId as 24
// hexadecimal digits, anything that is not text or a number as Extended JSON.
// It is empty when there is none, as in our own export.
func (d *Document) ID() string { return d.id.idText() }

// Reject says that the document is not counted, and why. Reasons are counted
// by their text, so they should not contain what differs from document to
// document. A sink calls it during its call only.
func (d *Document) Reject(reason string) {
	if reason == "" {
		reason = "rejected"
	}
	d.rejected = reason
}

// kind is what a value is, as far as a Document is concerned. The numbers are
// part of what a Fingerprint hashes: add new ones at the end.
type kind uint8

const (
	absent kind = iota
	null
	text     // bytes
	integer  // number, whatever type of number it was stored as
	fraction // a number that is no integer of 64 bits
	date     // number: milliseconds since 1970
	objectID // bytes: 12 of them
	other    // anything else; in an _id, bytes are its BSON and number is its BSON type
)

// value is a field of a document, the same whatever format it was read from:
// neither the meaning nor the fingerprint of a document may depend on that.
type value struct {
	kind   kind
	number int64
	bytes  []byte
}

// fields are the fields of a document that matter.
type fields struct {
	id, benefitID, eventType, version, pageTotal, index, createdAt value
	// Those that a row of our own export has instead of benefit_id and created_at.
	benefit, day, count value
	// What such a row says of where it comes from. Holds are the bytes of JSON.
	origin value
	holds  []byte
}

// isRow tells a row of our own export from a document of the old service.
func (f *fields) isRow() bool {
	return f.benefitID.kind == absent && f.benefit.kind != absent && f.count.kind != absent
}

// idText is the value as a person would write it.
func (v value) idText() string {
	switch v.kind {
	case text:
		return shorten(string(v.bytes))
	case integer:
		return strconv.FormatInt(v.number, 10)
	case objectID:
		return hex.EncodeToString(v.bytes)
	case other:
		stored := bsoncore.Value{Type: bsoncore.Type(v.number), Data: v.bytes}
		if stored.Validate() != nil {
			return ""
		}
		return shorten(stored.String())
	}
	return ""
}

// describe is the value as it is named in an example of what was skipped.
func (v value) describe() string {
	switch v.kind {
	case absent:
		return "nothing"
	case null:
		return "null"
	case text:
		return strconv.Quote(shorten(string(v.bytes)))
	case integer:
		return strconv.FormatInt(v.number, 10)
	case fraction:
		return "a number that is not an integer"
	case date:
		return time.UnixMilli(v.number).UTC().Format(time.RFC3339Nano)
	case objectID:
		return "an ObjectId"
	default:
		return "a value of type " + bsoncore.Type(v.number).String()
	}
}

// shorten keeps what is listed short, whatever a document holds.
func shorten(s string) string {
	const longest = 100
	if len(s) <= longest {
		return s
	}
	return string([]rune(s[:longest])) + "…" // a rune cut in half becomes U+FFFD
}
