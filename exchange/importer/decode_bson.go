package importer

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// decodeBSON reads the fields of a BSON document: an int32 with its length, then
// for each field a byte with its type, its name and a zero, and its value; then
// a zero. The splitter has checked the length and the last zero. The values lie
// in data.
//
// It is a loop over the elements, not a lookup for each field, because each
// lookup would walk the document anew.
func decodeBSON(data []byte, into *fields) error {
	position := 4
	for position < len(data)-1 {
		elementType := bsoncore.Type(data[position])
		nameEnd := bytes.IndexByte(data[position+1:], 0)
		if nameEnd < 0 {
			return corrupt(position, "field without the end of its name")
		}
		name := data[position+1 : position+1+nameEnd]
		start := position + 1 + nameEnd + 1
		// The last zero is the document's, not the value's.
		stored, rest, ok := bsoncore.ReadValue(data[start:max(start, len(data)-1)], elementType)
		if !ok || !isFramed(stored) {
			return corrupt(start, "value of field %q is of type 0x%02x, but not one", shorten(string(name)), byte(elementType))
		}
		if field := into.byName(name); field != nil {
			*field = fromBSON(stored)
		} else if string(name) == "_id" {
			into.id = idFromBSON(stored)
		}
		position = len(data) - 1 - len(rest)
	}
	return nil
}

// byName is the field of a name, nil if it does not matter or is the _id.
func (f *fields) byName(name []byte) *value {
	switch string(name) {
	case "benefit_id":
		return &f.benefitID
	case "event_type":
		return &f.eventType
	case "version":
		return &f.version
	case "page_total":
		return &f.pageTotal
	case "benefit_index":
		return &f.index
	case "created_at":
		return &f.createdAt
	}
	return nil
}

// isFramed checks what the length of a value does not show.
func isFramed(stored bsoncore.Value) bool {
	size := len(stored.Data)
	switch stored.Type {
	case bsoncore.TypeString, bsoncore.TypeSymbol, bsoncore.TypeJavaScript:
		return size >= 5 && stored.Data[size-1] == 0
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return size >= minBSONBytes && stored.Data[size-1] == 0
	}
	return true
}

// fromBSON reads a value that isFramed has passed.
func fromBSON(stored bsoncore.Value) value {
	switch stored.Type {
	case bsoncore.TypeNull, bsoncore.TypeUndefined:
		return value{kind: null}
	case bsoncore.TypeString:
		return value{kind: text, bytes: validUTF8(stored.Data[4 : len(stored.Data)-1])}
	case bsoncore.TypeInt32:
		return value{kind: integer, number: int64(int32(binary.LittleEndian.Uint32(stored.Data)))}
	case bsoncore.TypeInt64:
		return value{kind: integer, number: int64(binary.LittleEndian.Uint64(stored.Data))}
	case bsoncore.TypeDouble:
		return fromFloat(math.Float64frombits(binary.LittleEndian.Uint64(stored.Data)))
	case bsoncore.TypeDecimal128:
		low, high := binary.LittleEndian.Uint64(stored.Data), binary.LittleEndian.Uint64(stored.Data[8:])
		return fromDecimal(bson.NewDecimal128(high, low))
	case bsoncore.TypeDateTime:
		return value{kind: date, number: int64(binary.LittleEndian.Uint64(stored.Data))}
	case bsoncore.TypeObjectID:
		return value{kind: objectID, bytes: stored.Data}
	}
	return value{kind: other, number: int64(stored.Type), bytes: stored.Data}
}

// idFromBSON reads an _id. All of it counts, so that different ones stay
// different.
func idFromBSON(stored bsoncore.Value) value {
	if id := fromBSON(stored); id.kind != fraction && id.kind != date {
		return id
	}
	return value{kind: other, number: int64(stored.Type), bytes: stored.Data}
}

// validUTF8 replaces every byte that is not UTF-8 by U+FFFD, as mongoexport does.
func validUTF8(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return []byte(string([]rune(string(text))))
}
