package records

import (
	"strings"
)

// good is a record whose fields can be overridden by later duplicates.
const good = `"hash_id":"v","page_total":9,"benefit_id":"rsa","benefit_index":1`

// bodies are what the decoder must read right, and where fuzzing begins.
func bodies() []string {
	all := []string{
		``, ` `, `null`, `5`, `"x"`, `{}`, `[]`, ` [ ] `, "\xef\xbb\xbf[]", "\xef\xbb\xbf\xef\xbb\xbf[]", `[[]]`, `[null,1,"x",true,{}]`,
		`[,]`, `[{}`, `{`, `[{},]`, `[{}{}]`, `[{}]]`, `[]x`, `{}x`, "[]\x00", `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{"a":'x'}`,
		`[` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `]`,
	}
	for _, field := range fieldValues() {
		all = append(all, `{`+good+`,`+field+`}`, `[{`+good+`},{`+good+`,`+field+`},{`+good+`}]`)
	}
	return append(all, repeats()...)
}

// fieldValues are members of every kind, to be the last of their name.
func fieldValues() []string {
	var members []string
	for _, field := range []struct {
		name   string
		values []string
	}{
		{"benefit_id", texts()}, {"hash_id", texts()},
		{"benefit_index", integers()}, {"page_total", integers()}, {"version", integers()},
		{"event_type", []string{`"show"`, `"email"`, `"sh\u006fw"`, `"SHOW"`, `""`, `null`, `5`, `"unknown"`, `"show "`, `[]`}},
		{"abtesting", experimentSets()},
		{"created_at", instants()},
		{"other", oddValues()},
	} {
		for _, value := range field.values {
			members = append(members, `"`+field.name+`":`+value)
		}
	}
	return append(members, `"Benefit_id":"other"`, `"BENEFIT_INDEX":5`, `"benefit\u005fid":"escaped"`, `"benefit_inde\u0078":4`,
		`"":1`, `"benefit_id\u0000":"x"`, "\"benefit_id\xff\":\"x\"")
}

func texts() []string {
	return []string{
		`"é"`, `"\u00e9"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud800\udc00\ud800"`, "\"\xff\"", "\"\xe9\"", `"\""`, `"/"`, `"\/"`, `"\t"`,
		`"` + strings.Repeat("y", 256) + `"`, `"` + strings.Repeat("y", 257) + `"`, `"` + strings.Repeat("\xff", 86) + `"`,
		`12`, `-0`, `1e3`, `true`, `false`, `null`, `{}`, `[]`, `["x"]`, `""`,
		"\"\x7f\"", "\"\t\"", "\"\x00\"", `"\x"`, `"\u12"`, `"a`, `'a'`, `a`, ``, `1` + strings.Repeat("0", 256),
	}
}

func integers() []string {
	return []string{
		`1`, `2`, `9`, `10`, `1000`, `1001`, `65535`, `65536`, `0`, `-0`, `-1`, `0.0`, `2.0`, `2.5`, `20e-1`, `0.2e1`, `2E0`, `1e400`, `1e-400`,
		`"2"`, `" 2 "`, `"\u0032"`, "\"\u00a02\u00a0\"", `"2."`, `".2e1"`, `"+2"`, `"-2"`, `"0x2"`, `"1_0"`, `"inf"`, `"nan"`, `"2 2"`, `""`, `" "`,
		`"0000000002"`, `"00000000000000000002"`, `4294967298`, `99999999999999999999`, `18446744073709551618`, `"18446744073709551618"`,
		`01`, `2.`, `.2`, `+2`, `- 2`, `0000000002`, `2x`, `null`, `true`, `[2]`, `{}`,
	}
}

func experimentSets() []string {
	long := strings.Repeat("é", 32)
	return []string{
		`{}`, `null`, `""`, `[]`, `[ ]`, `" "`, `[1]`, `5`, `true`, `{"a":"b"}`, `{"a" : "b" , "c":"d"}`, `{"a":1}`, `{"a":null}`, `{"a":""}`, `{"":"a"}`,
		`{"a":{"b":"c"}}`, `{"a":"é"}`, `{"a":1,"a":"b"}`, `{"a":"b","a":1}`, `{"a":"","a":"b"}`, `{"\u0061":"","a":"b"}`, "{\"\xff\":\"b\",\"\xfe\":\"\"}",
		`{"a":"` + strings.Repeat("x", 64) + `"}`, `{"a":"` + strings.Repeat("x", 65) + `"}`, `{"` + long + `":"x"}`, `{"` + long + `y":"x"}`,
		experiments(16), experiments(17), `{"a":"b",}`, `{"a":"b" "c"}`, `{"a","b"}`,
	}
}

func instants() []string {
	return []string{
		`"2026-07-15"`, `"2026-07"`, `"2026-07-15T12:35:00Z"`, `"2026-07-15T12:35:00.001Z"`, `"2026-07-13T12:30:00Z"`, `"2026-07-13T12:29:59.999Z"`,
		`"2026-07-15T14:00+02:00"`, `"\u0032026-07-15"`, `"1969-12-31T23:59:59Z"`, `"1970-01-01"`, `"+275760-09-13"`, `""`, `"x"`,
		`1784118600000`, `1784118600000.5`, `1784118900000`, `1784118900001`, `1.7841186e12`, `0`, `-1`, `-1000`, `1e400`, `8.64e15`, `9e15`,
		`null`, `true`, `[]`, `{}`,
	}
}

// oddValues are valid and invalid values of a field that nobody reads.
func oddValues() []string {
	return []string{
		`{"benefit_id":"n","benefit_index":3}`, `[1,{"benefit_id":"n"}]`, `"benefit_id"`, `1E+2`, `-0.0e-0`, `"\u0000"`, "\"\xff\"",
		`0.`, `1e`, `-`, `"\u00zz"`, `nul`, `[1,]`, `{"a":1,}`, `{"a":}`, "\"\n\"", "\x0b1", `1;`,
	}
}

func experiments(count int) string {
	var names []string
	for i := range count {
		names = append(names, `"experiment`+string(rune('a'+i))+`":"on"`)
	}
	return `{` + strings.Join(names, ",") + `}`
}
