package records

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stats-recorder/counters"
)

// reading is what a body comes to.
type reading struct {
	refused  bool // as a whole
	records  []readRecord
	rejected []rejectedRecord
}

type readRecord struct {
	benefit                   string
	event                     Event
	version, pageTotal, index uint16
	hour                      counters.Hour
	visitor, experiments      string
}

// rejectedRecord names all fields that are wrong; a decoder names one of them.
type rejectedRecord struct {
	index  int
	fields []string
}

// difference says what a decoder got wrong, or nothing.
func (want reading) difference(got reading) string {
	if got.refused != want.refused {
		return fmt.Sprintf("refused as a whole: %v, want %v", got.refused, want.refused)
	}
	if !slices.Equal(got.records, want.records) {
		return fmt.Sprintf("records\n got %+v\nwant %+v", got.records, want.records)
	}
	same := func(got, want rejectedRecord) bool {
		return got.index == want.index && slices.Contains(want.fields, got.fields[0])
	}
	if !slices.EqualFunc(got.rejected, want.rejected, same) {
		return fmt.Sprintf("rejected\n got %v\nwant %v", got.rejected, want.rejected)
	}
	return ""
}

// oracle reads bodies as the contract says, plainly and slowly, with the
// standard library's decoder, whose maps keep the case of names and the last
// of duplicates.
type oracle struct {
	rules *Rules
	now   time.Time
}

func (o oracle) read(body []byte) reading {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var whole json.RawMessage
	if json.Unmarshal(body, &whole) != nil {
		return reading{refused: true}
	}
	elements := []json.RawMessage{whole}
	switch kindOf(whole) {
	case '{':
	case '[':
		elements = elementsOf(whole)
	default:
		return reading{refused: true}
	}
	var r reading
	for index, element := range elements {
		record, wrong := o.record(element)
		if len(wrong) > 0 {
			r.rejected = append(r.rejected, rejectedRecord{index, wrong})
			continue
		}
		r.records = append(r.records, record)
	}
	r.rejected = r.rejected[:min(len(r.rejected), MaxListed)]
	return r
}

// kindOf is the first byte of a value.
func kindOf(value json.RawMessage) byte { return bytes.TrimLeft(value, " \t\r\n")[0] }

func elementsOf(array json.RawMessage) (elements []json.RawMessage) {
	if err := json.Unmarshal(array, &elements); err != nil {
		panic(err) // it is a part of what was valid
	}
	return elements
}

func membersOf(object json.RawMessage) (members map[string]json.RawMessage) {
	if err := json.Unmarshal(object, &members); err != nil {
		panic(err)
	}
	return members
}

func stringOf(value json.RawMessage) (text string) {
	if err := json.Unmarshal(wellFormedText(value), &text); err != nil {
		panic(err)
	}
	return text
}

// record reads an element and names the fields that are wrong.
func (o oracle) record(element json.RawMessage) (r readRecord, wrong []string) {
	if kindOf(element) != '{' {
		return r, []string{""}
	}
	members := membersOf(element)
	check := func(field string, ok bool) {
		if !ok {
			wrong = append(wrong, field)
		}
	}
	var ok, totalOK bool
	r.benefit, ok = textOf(members["benefit_id"])
	check("benefit_id", ok)
	r.visitor, ok = textOf(members["hash_id"])
	check("hash_id", ok)
	r.pageTotal, totalOK = integerOf(members["page_total"], 1, 1000)
	check("page_total", totalOK)
	r.index, ok = integerOf(members["benefit_index"], 1, 1000)
	check("benefit_index", ok && (!totalOK || r.index <= r.pageTotal))
	r.event, ok = o.eventOf(members["event_type"])
	check("event_type", ok)
	r.version, ok = 2, true
	if version, given := members["version"]; given {
		r.version, ok = integerOf(version, 0, 65535)
	}
	check("version", ok)
	r.hour, ok = o.hourOf(members["created_at"])
	check("created_at", ok)
	r.experiments = experimentsOf(members["abtesting"])
	return r, wrong
}

// experimentsOf are the good experiments, in the order of their names.
func experimentsOf(value json.RawMessage) (text string) {
	if value == nil || kindOf(value) != '{' {
		return ""
	}
	members, taken := membersOf(value), 0
	for _, name := range slices.Sorted(maps.Keys(members)) {
		variant, ok := members[name], false
		if kindOf(variant) == '"' {
			variant = json.RawMessage(stringOf(variant))
			ok = 1 <= len(name) && len(name) <= 64 && 1 <= len(variant) && len(variant) <= 64
		}
		if ok && taken < 16 {
			taken++
			text += fmt.Sprintf("%q is %q, ", name, variant)
		}
	}
	return text
}

func textOf(value json.RawMessage) (text string, ok bool) {
	if value == nil {
		return "", false
	}
	switch kindOf(value) {
	case 'n', '{', '[':
		return "", false
	case '"':
		text = stringOf(value)
	case 't', 'f':
		text = string(value)
	default:
		text = javaScriptText(value)
	}
	return text, 1 <= len(text) && len(text) <= 256
}

// javaScriptText is the text of a number: encoding/json writes numbers as JavaScript
// does, but for those that it has none for.
func javaScriptText(value json.RawMessage) string {
	number, err := strconv.ParseFloat(string(value), 64)
	switch {
	case err != nil && number > 0:
		return "Infinity"
	case err != nil:
		return "-Infinity"
	case number == 0:
		return "0"
	}
	text, err := json.Marshal(number)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// beginning is what can begin a character and be cut (Unicode, table 3-7), with
// bytes as Latin-1.
var beginning = regexp.MustCompile("^(?:[\\xC2-\\xDF]|\\xE0[\\xA0-\\xBF]?|[\\xE1-\\xEC\\xEE\\xEF][\\x80-\\xBF]?|\\xED[\\x80-\\x9F]?|" +
	"\\xF0(?:[\\x90-\\xBF][\\x80-\\xBF]?)?|[\\xF1-\\xF3](?:[\\x80-\\xBF][\\x80-\\xBF]?)?|\\xF4(?:[\\x80-\\x8F][\\x80-\\xBF]?)?)")

// wellFormedText puts a replacement character in place of each maximal subpart of an
// ill-formed sequence.
func wellFormedText(text []byte) []byte {
	var well []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			latin := make([]rune, 0, 4)
			for _, b := range text[:min(4, len(text))] {
				latin = append(latin, rune(b))
			}
			size = max(1, len([]rune(beginning.FindString(string(latin)))))
		}
		well = utf8.AppendRune(well, r)
		text = text[size:]
	}
	return well
}

var decimal = regexp.MustCompile(`^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$`)

// integerOf reads what JavaScript's Number() makes an integer.
func integerOf(value json.RawMessage, lowest, highest float64) (uint16, bool) {
	if value == nil {
		return 0, false
	}
	literal := string(value)
	if kindOf(value) == '"' {
		literal = strings.TrimSpace(stringOf(value))
	}
	if !decimal.MatchString(literal) {
		return 0, false
	}
	number, err := strconv.ParseFloat(literal, 64)
	if err != nil || number != math.Floor(number) || number < lowest || number > highest {
		return 0, false
	}
	return uint16(number), true
}

func (o oracle) eventOf(value json.RawMessage) (Event, bool) {
	name := "show"
	if value != nil {
		if kindOf(value) != '"' {
			return 0, false
		}
		name = stringOf(value)
	}
	event, known := o.rules.events[name]
	return event, known
}

// hourOf leaves the format of dates to the tests of parseISODate.
func (o oracle) hourOf(value json.RawMessage) (counters.Hour, bool) {
	if value == nil {
		return counters.HourOf(o.now), true
	}
	var created time.Time
	switch kindOf(value) {
	case '"':
		var err error
		if created, err = parseISODate(stringOf(value)); err != nil {
			return 0, false
		}
	case 'n', 't', 'f', '{', '[':
		return 0, false
	default:
		milliseconds, err := strconv.ParseFloat(string(value), 64)
		if err != nil || math.Abs(milliseconds) > 8.64e15 {
			return 0, false
		}
		created = time.UnixMilli(int64(milliseconds))
	}
	age := o.now.Sub(created)
	if created.Unix() < 0 || age < -5*time.Minute || o.rules.maxEventAge > 0 && age > o.rules.maxEventAge {
		return 0, false
	}
	return counters.HourOf(created), true
}
