package records

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters/storetest"
)

// testOracle knows the built-in event types and takes records of the given age.
func testOracle(maxEventAge time.Duration) oracle {
	rules := &Rules{events: map[string]Event{}, maxEventAge: maxEventAge}
	for i, name := range BuiltInEvents {
		rules.events[name] = Event(i + 1)
	}
	return oracle{rules, time.Date(2026, 7, 15, 12, 30, 0, 0, time.UTC)}
}

const twoDays = 48 * time.Hour

// decoded is what a decoder makes of a body. It takes nothing of the decoder's
// memory along.
func decoded(d *Decoder, body []byte, now time.Time) (r reading) {
	if d.Decode(body, now) != nil {
		return reading{refused: true}
	}
	for _, good := range d.Records {
		r.records = append(r.records, readRecord{
			string(good.Benefit), good.Event, good.Version, good.PageTotal, good.Index, good.Hour,
			string(d.Visitors[good.Visitor].HashID), experimentsText(d.Visitors[good.Visitor].Experiments),
		})
	}
	for _, bad := range d.Rejected {
		r.rejected = append(r.rejected, rejectedRecord{bad.Index, []string{bad.Field.String()}})
	}
	return r
}

// usedDecoder is a decoder that has decoded other bodies before, all of them
// from the same memory, as the bodies of one connection are.
type usedDecoder struct {
	Decoder
	memory []byte
}

func (d *usedDecoder) decoded(body []byte, o oracle) reading {
	d.memory = append(d.memory[:0], body...)
	d.rules = o.rules
	return decoded(&d.Decoder, d.memory, o.now)
}

// expectAsOracle holds a fresh decoder, a used one, and one that is given the
// records one by one to the oracle.
func expectAsOracle(t *testing.T, o oracle, used *usedDecoder, body []byte) {
	t.Helper()
	want := o.read(body)
	if difference := want.difference(decoded(NewDecoder(o.rules, nil), body, o.now)); difference != "" {
		t.Errorf("of %q\n%s", body, difference)
	}
	if difference := want.difference(used.decoded(body, o)); difference != "" {
		t.Errorf("of %q, decoded after other bodies\n%s", body, difference)
	}
	var elements []json.RawMessage
	if want.refused || json.Unmarshal(body, &elements) != nil {
		return
	}
	var alone []readRecord
	for _, element := range elements {
		if kindOf(element) == '{' { // nothing else can stand alone
			alone = append(alone, decoded(NewDecoder(o.rules, nil), element, o.now).records...)
		}
	}
	if !slices.Equal(alone, want.records) {
		t.Errorf("of %q one by one\n got %+v\nwant %+v", body, alone, want.records)
	}
}

func TestBodiesAreReadAsTheContractSays(t *testing.T) {
	t.Parallel()
	for _, maxEventAge := range []time.Duration{twoDays, 0} {
		o, used := testOracle(maxEventAge), new(usedDecoder)
		for _, body := range bodies() {
			expectAsOracle(t, o, used, []byte(body))
		}
	}
}

func TestRandomPagesAreReadAsTheContractSays(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	o, used := testOracle(twoDays), new(usedDecoder)
	for range 2000 {
		choices := make(choices, 20+random.IntN(100))
		for i := range choices {
			choices[i] = byte(random.Uint32())
		}
		expectAsOracle(t, o, used, choices.page())
		if t.Failed() {
			return
		}
	}
}

func TestARepeatedRecordCountsInTheHourOfItsOwnRequest(t *testing.T) {
	t.Parallel()
	o, used := testOracle(twoDays), new(usedDecoder)
	for range 3 {
		expectAsOracle(t, o, used, []byte(`[{`+good+`},{`+good+`}]`))
		o.now = o.now.Add(time.Hour)
	}
}

func TestOnlyTheFirstHundredRejectionsAreKept(t *testing.T) {
	t.Parallel()
	o := testOracle(twoDays)
	d := NewDecoder(o.rules, nil)
	body := []byte("[null")
	for range 149 {
		body = append(body, ",null"...)
	}
	if err := d.Decode(append(body, ']'), o.now); err != nil {
		t.Fatal(err)
	}
	if d.Rejections != 150 || len(d.Rejected) != MaxListed {
		t.Errorf("%d rejections, %d kept, want 150 and %d", d.Rejections, len(d.Rejected), MaxListed)
	}
}

func TestAnErrorSaysWhereTheBodyIsWrong(t *testing.T) {
	t.Parallel()
	o := testOracle(twoDays)
	for body, offset := range map[string]int{
		``:                   0,
		`  `:                 2,
		`[`:                  1,
		`7`:                  0,
		`[{"a":1},]`:         9,
		`[{"a":1}}`:          8,
		`{"a":01}`:           6,
		`[{"a":"` + "\x01":   7,
		`[{}] []`:            5,
		`[1 2]`:              3,
		`{"a":tru}`:          8,
		"\xef\xbb\xbf" + `7`: 0,
	} {
		err := NewDecoder(o.rules, nil).Decode([]byte(body), o.now)
		if err == nil {
			t.Errorf("%q is taken", body)
			continue
		}
		message := err.Error()
		if want := fmt.Sprintf(" at byte offset %d", offset); !strings.HasSuffix(message, want) {
			t.Errorf("%q: %q, want it to end with %q", body, message, want)
		}
	}
}

func TestDeepNestingIsRefusedAndDoesNotOverflow(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{9_997, 9_998, 9_999, 10_000, 10_001, 60_000} {
		for _, pair := range []string{"[]", "{}"} {
			expectNesting(t, depth, pair)
		}
	}
}

// expectNesting nests values in an ignored field.
func expectNesting(t *testing.T, depth int, brackets string) {
	t.Helper()
	var body []byte
	body = append(body, `[{"x":`...)
	for range depth - 2 {
		body = append(body, brackets[0])
		if brackets == "{}" {
			body = append(body, `"a":`...)
		}
	}
	body = append(body, '1')
	for range depth - 2 {
		body = append(body, brackets[1])
	}
	body = append(body, `}]`...)
	o := testOracle(twoDays)
	got, want := decoded(NewDecoder(o.rules, nil), body, o.now), o.read(body)
	if got.refused != want.refused {
		t.Errorf("nested %d deep in %s: refused %v, want %v", depth, brackets, got.refused, want.refused)
	}
}

func experimentsText(experiments Experiments) string {
	var texts []string
	experiments.Each(func(name, variant []byte) { texts = append(texts, fmt.Sprintf("%q is %q, ", name, variant)) })
	slices.Sort(texts)
	return strings.Join(texts, "")
}
