package importer

import (
	"strconv"
	"time"
)

// objection is why a document cannot be represented: a reason, which documents
// share, and the value that gave it.
type objection struct {
	reason string
	have   string
}

// rules are what a document must keep to.
type rules struct {
	maxPosition int64
}

// document makes a Document of a document's fields. It is nil when there is no
// objection.
func (r rules) document(f *fields) (Document, *objection) {
	document := Document{Count: 1, id: f.id, isRow: f.isRow()}
	benefit, benefitField := f.benefitID, "benefit_id"
	if document.isRow {
		benefit, benefitField = f.benefit, "benefit"
	}
	var bad *objection
	if document.Benefit, bad = name(benefitField, benefit, maxBenefitBytes); bad != nil {
		return document, bad
	}
	if document.EventType, bad = name("event_type", f.eventType, maxEventTypeBytes); bad != nil {
		return document, bad
	}
	number, bad := integral("page_total", f.pageTotal, 0, r.maxPosition)
	if bad != nil {
		return document, bad
	}
	document.PageTotal = uint16(number)
	if number, bad = integral("benefit_index", f.index, 0, r.maxPosition); bad != nil {
		return document, bad
	}
	document.Index = uint16(number)
	if f.version.kind != absent && f.version.kind != null {
		if number, bad = integral("version", f.version, 0, 65535); bad != nil {
			return document, bad
		}
		document.Version = uint16(number)
	}
	if document.isRow {
		return document, document.setDayAndCount(f)
	}
	return document, document.setCreatedAt(f.createdAt)
}

// Times that can be represented: years in which a wrong clock or a wrong unit
// shows are left out.
var (
	firstMilli = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	afterMilli = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

func (d *Document) setCreatedAt(created value) *objection {
	switch created.kind {
	case absent, null:
		d.Precision = AllTime
		return nil
	case date:
		if created.number < firstMilli || created.number >= afterMilli {
			return &objection{"created_at is not in 1970 to 2200", created.describe()}
		}
		d.CreatedAt = time.UnixMilli(created.number).UTC()
		return nil
	}
	return &objection{"created_at is not a date", created.describe()}
}

func (d *Document) setDayAndCount(f *fields) *objection {
	count, bad := integral("count", f.count, 1, MaxCount)
	if bad != nil {
		return bad
	}
	d.Count = uint64(count)
	if f.day.kind == absent || f.day.kind == null {
		d.Precision = AllTime
		return nil
	}
	day, err := time.Parse(time.DateOnly, string(f.day.bytes))
	if f.day.kind != text || err != nil {
		return &objection{"day is not a date", f.day.describe()}
	}
	if milli := day.UnixMilli(); milli < firstMilli || milli >= afterMilli {
		return &objection{"day is not in 1970 to 2200", f.day.describe()}
	}
	d.Precision, d.CreatedAt = WholeDay, day
	return nil
}

// name reads a string of 1 to longest bytes.
func name(field string, v value, longest int) ([]byte, *objection) {
	switch {
	case v.kind == absent || v.kind == null:
		return nil, &objection{field + " is missing", v.describe()}
	case v.kind != text:
		return nil, &objection{field + " is not a string", v.describe()}
	case len(v.bytes) == 0 || len(v.bytes) > longest:
		return nil, &objection{field + " is not 1 to " + strconv.Itoa(longest) + " bytes long", v.describe()}
	}
	return v.bytes, nil
}

// integral reads an integer from lowest to highest.
func integral(field string, v value, lowest, highest int64) (int64, *objection) {
	switch {
	case v.kind == absent || v.kind == null:
		return 0, &objection{field + " is missing", v.describe()}
	case v.kind == fraction:
		return 0, &objection{field + " is not an integer", v.describe()}
	case v.kind != integer:
		return 0, &objection{field + " is not a number", v.describe()}
	case v.number < lowest || v.number > highest:
		reason := field + " is not in " + strconv.FormatInt(lowest, 10) + " to " + strconv.FormatInt(highest, 10)
		return 0, &objection{reason, v.describe()}
	}
	return v.number, nil
}
