package contract

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ignored is a record with a JSON value in a field that the server ignores.
func ignored(value string) string {
	return strings.Replace(recordOf("good"), "{", `{"ignored":`+value+`,`, 1)
}

func TestAnyValidJSONInOtherFieldsIsIgnored(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	values := []string{
		"null", "true", "false", "0", "-0", "0.5", "-0.0", "1e5", "1E+5", "-1.5e-3", "0e0", "0E-0", "1e999", "-1e-999",
		"123456789012345678901234567890", `""`, `"\u0000\u001f"`, `"\uD83D\uDE00"`, `"\ud800"`, `"\udc00\ud800"`, `"\/\b\f\n\r\t\"\\"`,
		"\"\x7f\"", "\"\xff\xc0\x80\"", "\"\u2028\u2029\ufeff\"", "[]", "[[],{}]", `{"":{}}`, `{"a":1,"a":2}`, " [ 1 , 2 ] ", "{ }",
		`{"benefit_id":"other","event_type":"opened"}`, `[{"benefit_id":"other","benefit_index":0}]`, "\t\r\n 1 \t\r\n",
		strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat(`{"a":`, 100) + "0" + strings.Repeat("}", 100),
		`"` + strings.Repeat("x", 100_000) + `"`,
	}
	for _, value := range values {
		s.created(t, ignored(value))
		s.created(t, array(recordOf("good"), ignored(value)))
	}
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.expectTotal(t, "good", 3*len(values))
		s.expectTotal(t, "other", 0)
	})
}

// notJSON are texts that RFC 8259 does not know as values.
func notJSON() []string {
	return []string{
		"0.", "01", "-01", "00", "-", "+1", ".5", "-.5", "1.", "1.e5", "1e", "1e+", "1E-", "0x10", "1_000", "1,5,", "--1", "1-",
		"NaN", "Infinity", "-Infinity", "undefined", "True", "nul", "tru", "truee", "nulll", "falsee", "'a'", "a", "\\", "",
		`"`, `"a`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\U0041"`, `"\'"`, `"\0"`, `"\`, "\"\x00\"", "\"\x01\"", "\"\x1f\"", "\"\n\"", "\"\t\"",
		"\"\r\"", "\"a\" \"b\"", "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", "[", "]", "[1", "[1}", `{"a":1,}`, `{,"a":1}`, "{,}", `{"a"}`,
		`{"a":}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":1,,"b":2}`, `{"a":1:2}`, "{", "}", `{"a":1]`,
		`{"a`, "{\"a\n\":1}", "1 // comment", "1 /* comment */", "# comment\n1", "\v1", "\f1", "\u00a01", "\ufeff1", "\x001", "1\x00",
		"\xff", "é",
	}
}

func TestTextsThatAreNotJSONAreRefusedInIgnoredFieldsToo(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, text := range notJSON() {
		if json.Valid([]byte(ignored(text))) {
			t.Fatalf("the text %q is valid JSON", text)
		}
		for _, value := range []string{text, "[0," + text + "]", `{"deep":` + text + "}"} {
			body := ignored(value)
			if json.Valid([]byte(body)) {
				continue // what is broken alone need not be broken inside another value
			}
			for _, body := range []string{body, array(recordOf("good"), body)} {
				if s.post(t, body).expectMessage(t, http.StatusUnprocessableEntity); t.Failed() {
					t.Fatalf("the body was %q", body)
				}
			}
		}
	}
	s.expectNothing(t)
}

func TestTrailingDataIsRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, trailing := range []string{"{}", "[]", "x", "0", ",", "]", "}", "null", `"`, "\x00", "\f", "\u00a0", "\ufeff", recordOf("good")} {
		s.post(t, recordOf("good")+trailing).expectMessage(t, http.StatusUnprocessableEntity)
		s.post(t, array(recordOf("good"))+" \n"+trailing).expectMessage(t, http.StatusUnprocessableEntity)
		s.post(t, "[]"+trailing).expectMessage(t, http.StatusUnprocessableEntity)
	}
	s.expectNothing(t)
}

func TestTheMessageOfBrokenJSONHasTheByteOffset(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, test := range []string{ // § stands before the first byte that cannot be
		`[{"benefit_id":"RSA",§}]`, `[{"benefit_id":"RSA"},§]`, `{"benefit_id"§1}`, `{"a":1 §"b":2}`, `{"a":[1 §2]}`,
		`{"a":"x` + "§\n" + `"}`, `{"a":"` + strings.Repeat("é", 100) + `",§}`, `[] §x`, `{"a":§}`, `{"a":1§`, `[{"a":"x"}§`,
		"\n\n\n[1,§]", `§5`, `§"x"`, `§null`, `  §true`, `§`, `§hello`,
	} {
		before, after, _ := strings.Cut(test, "§")
		message := s.post(t, before+after).expectMessage(t, http.StatusUnprocessableEntity)
		if !namesOffset(message, len(before)) {
			t.Errorf("%.60q: the message is %q, want the offset %d in it", test, message, len(before))
		}
	}
}

// namesOffset tells whether a message has the offset of a byte, counted from
// zero or from one.
func namesOffset(message string, offset int) bool {
	for _, digits := range regexp.MustCompile(`\d+`).FindAllString(message, -1) {
		if number, err := strconv.Atoi(digits); err == nil && (number == offset || number == offset+1) {
			return true
		}
	}
	return false
}

func TestDeepNestingNeverHurtsTheServer(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	const deep = 60_000
	for _, value := range []string{
		strings.Repeat("[", deep), strings.Repeat("[", deep) + strings.Repeat("]", deep-1), strings.Repeat(`{"a":`, deep/3),
	} {
		s.post(t, value).expectMessage(t, http.StatusUnprocessableEntity)
		s.post(t, ignored(value)).expectMessage(t, http.StatusUnprocessableEntity)
	}
	// RFC 8259 lets a parser limit the depth of what is valid: either answer is one.
	got := s.post(t, ignored(strings.Repeat("[", deep)+strings.Repeat("]", deep)))
	if got.status != http.StatusOK {
		got.expectMessage(t, http.StatusUnprocessableEntity)
		s.expectNothing(t)
	}
	s.created(t, recordOf("after"))
}

func TestFieldNamesAreCaseSensitive(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.created(t, strings.Replace(recordOf("good"), "{", `{"Benefit_Id":"","BENEFIT_INDEX":0,"benefit_ID":12,"Event_type":"x",`, 1))
	s.created(t, strings.Replace(recordOf("good"), "{", `{"benefit_id ":"","`+"benefit_id\xff"+`":"","benefit_id\u0000":"","":"",`, 1))
	s.post(t, strings.Replace(recordOf("bad"), `"benefit_id"`, `"Benefit_id"`, 1)).expectSingleRejected(t, "benefit_id")
	s.post(t, strings.Replace(recordOf("bad"), `"page_total"`, `"Page_Total"`, 1)).expectSingleRejected(t, "page_total")
	// Of these the absent ones have a default.
	s.created(t, strings.Replace(recordOf("default"), `"event_type"`, `"EVENT_TYPE"`, 1))
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.expectTotal(t, "good", 2)
		s.expectTotal(t, "bad", 0)
		s.expectTotal(t, "default", 1)
	})
}

func TestFieldNamesMayBeEscaped(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	s.created(t, `{"benefit\u005fid":"escaped","hash\u005Fid":"x","\u0062enefit_index":2,"pag\u0065_total":3,"event\u005ftype":"link"}`)
	s.created(t, array(`{"\u0062\u0065\u006e\u0065\u0066\u0069\u0074\u005f\u0069\u0064":"escaped","hash_id":"x","benefit_index":2,`+
		`"page_total":3,"event_type":"\u006cink"}`))
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.get(t, "/statistics").expect(t, http.StatusOK,
			`[{"benefit":"escaped","events_count":2,"events":{"link":{"3":{"2":2}}}}]`)
	})
}

func TestOfDuplicateNamesTheLastWins(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	with := func(member string) string { return strings.TrimSuffix(recordOf("first"), "}") + "," + member + "}" }
	s.created(t, with(`"benefit_id":"last"`))
	s.created(t, with(`"benefit_id":"second","benefit\u005fid":"last"`))
	s.created(t, with(`"benefit_id":null,"benefit_id":[],"benefit_id":"last"`))
	s.created(t, with(`"benefit_index":"x","benefit_index":0,"benefit_index":2,"page_total":5000,"page_total":"4","benefit_id":"last"`))
	s.created(t, with(`"event_type":"opened","event_type":null,"event_type":"show","benefit_id":"last"`))
	s.created(t, with(`"version":null,"version":3,"version":2,"abtesting":5,"abtesting":{},"hash_id":null,"hash_id":1,"benefit_id":"last"`))
	for field, value := range map[string]string{
		"benefit_id": `""`, "hash_id": "null", "benefit_index": "3", "page_total": "0", "event_type": `"opened"`, "version": "null", "abtesting": "1",
		"created_at": `"x"`,
	} {
		s.post(t, with(quote(field)+":"+value)).expectSingleRejected(t, field)
	}
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.get(t, "/statistics").expect(t, http.StatusOK,
			`[{"benefit":"last","events_count":6,"events":{"show":{"2":{"1":5},"4":{"2":1}}}}]`)
	})
}

func TestInvalidUTF8BecomesTheReplacementCharacter(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	wants := make(map[string]int)
	for _, quoted := range []string{
		"\"\xff\"", "\"a\xffb\"", "\"\xff\xfe\"", "\"\xc3\"", "\"\xc3(\"", "\"\xe2\x82\"", "\"\xf0\x9f\x98\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"", "\"\x80\"", "\"\xe9t\xe9\"", `"\ud800"`, `"\udc00"`, `"a\ud800b"`, `"\ud800\u0041"`, `"\ud800\ud83d\ude00"`,
		`"\udc00\ud800"`, `"\ud800\n"`, "\"\\ud800\xff\"", "\"é\xff\\u00e9\"", "\"\ufffd\"", `"\ufffd"`,
		`"` + strings.Repeat("\xff", 85) + `"`,
	} {
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatal(err)
		}
		s.created(t, record(fields{"benefit_id": quoted, "hash_id": quoted}))
		s.created(t, array(recordOf("usual"), record(fields{"benefit_id": quoted})))
		wants[want] += 2
	}
	// The limit is on the text as it is stored: three bytes for each replacement.
	s.post(t, record(fields{"benefit_id": `"` + strings.Repeat("\xff", 86) + `"`})).expectSingleRejected(t, "benefit_id")
	s.alsoAfterRestart(t, func(t *testing.T) {
		for benefit, want := range wants {
			s.expectTotal(t, benefit, want)
		}
	})
}

func TestAByteOrderMarkBeforeTheBodyIsSkipped(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	const mark = "\xef\xbb\xbf"
	s.created(t, mark+recordOf("good"))
	s.created(t, mark+" "+array(recordOf("good"), recordOf("good")))
	s.created(t, mark+"[]")
	s.created(t, mark+recordOf("good"), "Content-Type", "text/plain")
	s.postAs(t, "gzip", encode(t, "gzip", mark+recordOf("good"))).expectCreated(t)
	for _, body := range []string{
		mark, mark + mark + recordOf("bad"), " " + mark + recordOf("bad"), "[" + mark + recordOf("bad") + "]", recordOf("bad") + mark,
		mark[:2] + recordOf("bad"), mark + "null",
	} {
		s.post(t, body).expectMessage(t, http.StatusUnprocessableEntity)
	}
	s.alsoAfterRestart(t, func(t *testing.T) {
		s.expectTotal(t, "good", 5)
		s.expectTotal(t, "bad", 0)
	})
}
