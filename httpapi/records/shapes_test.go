package records

import (
	"strings"
	"testing"
	"time"
)

// shapes are records with a place for each value that a client varies, made so
// that whoever compares only what is between them goes wrong where careless.
func shapes() []string {
	return []string{
		`{"benefit_id":<id>,"hash_id":<hash>,"abtesting":<experiments>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"version":<version>}`,
		`{"version":<version>,"event_type":<event>,"page_total":<total>,"benefit_index":<index>,"abtesting":<experiments>,"hash_id":<hash>,"benefit_id":<id>}`,
		"{ \"benefit_id\" : <id> , \"hash_id\":<hash>,\n\"page_total\" : <total>\t,\"benefit_index\": <index> ,\"event_type\":<event> , \"version\" : <version>, \"abtesting\":<experiments> }",
		`{"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"x":{"version":1,"abtesting":<experiments>},"event_type":<event>}`,
		`{"x":["event_type",<version>,"version",1],"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"":<experiments>}`,
		`{"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"version":<version>,"version":2}`,
		`{"event_type":"link","hash_id":<id>,"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"version":<version>}`,
		`{"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"event\u005ftype":"show","version":<version>}`,
		`{"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"version":<version>,"created_at":"2026-07-15"}`,
		`{"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"event_type":<event>,"version":<version>0}`,
		`{"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":1e<total>,"event_type":<event>,"version":1.<version>}`,
		`{"benefit_id":[<id>],"benefit_id":<id>,"hash_id":{"hash_id":<hash>},"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"abtesting":[],"abtesting":<experiments>}`,
		`{"Version":<version>,"EVENT_TYPE":<event>,"benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>}`,
		`{"x":"abtesting","y":<experiments>,"x":"version","benefit_id":<id>,"hash_id":<hash>,"benefit_index":<index>,"page_total":<total>,"version":<version>}`,
	}
}

// variations are values of each place; the first is that of the record before.
func variations() map[string][]string {
	return map[string][]string{
		"<id>":          append([]string{`"rsa"`}, texts()...),
		"<hash>":        append([]string{`"5f2b"`}, texts()...),
		"<index>":       append([]string{`3`}, integers()...),
		"<total>":       append([]string{`9`}, integers()...),
		"<version>":     append([]string{`2`}, integers()...),
		"<event>":       {`"show"`, `"link"`, `"email"`, `"sh\u006fw"`, `"SHOW"`, `"shows"`, `"sho"`, `""`, `null`, `5`, `"show "`, `"show","x":"y"`, `[]`},
		"<experiments>": append([]string{`{"a":"b"}`, `{"a":"c"}`, `{"a":"b","a":"c"}`, `{"a":"b"},"x":{"c":"d"}`, `{"a":"b"}}`, `{"a":"b"`, `{"a"}`, `{"a":"b":"c"}`, `{,"a":"b"}`}, experimentSets()...),
	}
}

// made is a record of a shape, with one value of its own.
func made(shape, place, value string) string {
	shape = strings.ReplaceAll(shape, place, value)
	for place, values := range variations() {
		shape = strings.ReplaceAll(shape, place, values[0])
	}
	return shape
}

func TestRecordsOfAKnownShapeAreReadAsTheContractSays(t *testing.T) {
	t.Parallel()
	o := testOracle(twoDays)
	for _, shape := range shapes() {
		usual := made(shape, "<id>", `"rsa"`)
		for place, values := range variations() {
			used := new(usedDecoder)
			for _, value := range values {
				other := made(shape, place, value)
				for _, body := range []string{
					usual, other, usual,
					`[` + usual + `]`, `[` + other + `,` + usual + `]`, `[` + usual + `,` + other + `,` + usual + `]`,
					` ` + other + "\n", other + `x`, other + `,`, `[` + other + `,` + other + `]`, other[:len(other)-1],
				} {
					expectAsOracle(t, o, used, []byte(body))
				}
			}
			if t.Failed() {
				return
			}
		}
	}
}

func TestARunOfVisitorsWhoHaveARecordEachIsReadAsTheContractSays(t *testing.T) {
	t.Parallel()
	o := testOracle(twoDays)
	for _, shape := range shapes() {
		of := func(visitor string) string { return made(shape, "<hash>", visitor) }
		for place, values := range variations() {
			used := new(usedDecoder)
			for _, value := range values {
				other := made(shape, place, value)
				run := []string{of(`"a"`), of(`"b"`), of(`"c"`), other, of(`"d"`), of(`"e"`), other, other, of(`"a"`), of(`"b"`), other}
				expectAsOracle(t, o, used, []byte(`[`+strings.Join(run, ",")+`]`))
				expectAsOracle(t, o, used, []byte(`[`+strings.Join(run[:3], ",")+" ,\n"+strings.Join(run[3:], " ,\n")+`]`))
				expectAsOracle(t, o, used, []byte(`[`+strings.Join(run[:3], ",")+","+other[:len(other)-1]))
			}
			if t.Failed() {
				return
			}
		}
	}
}

func TestAKnownShapeCountsInTheHourOfItsOwnRequest(t *testing.T) {
	t.Parallel()
	o, used := testOracle(twoDays), new(usedDecoder)
	for range 3 {
		for _, shape := range shapes() {
			expectAsOracle(t, o, used, []byte(made(shape, "<id>", `"rsa"`)))
		}
		o.now = o.now.Add(time.Hour)
	}
}
