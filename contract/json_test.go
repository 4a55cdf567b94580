package contract

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"stats-recorder/contract/blackbox"
)

// ignored is a record with a JSON value in a field that the server ignores.
func ignored(value string) string {
	return strings.Replace(blackbox.RecordOf("good"), "{", `{"ignored":`+value+`,`, 1)
}

func TestAnyValidJSONInOtherFieldsIsIgnored(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	values := []string{
		"null", "true", "false", "0", "-0", "0.5", "-0.0", "1e5", "1E+5", "-1.5e-3", "0e0", "0E-0", "1e999", "-1e-999",
		"123456789012345678901234567890", `""`, `"\u0000\u001f"`, `"\uD83D\uDE00"`, `"\ud800"`, `"\udc00\ud800"`, `"\/\b\f\n\r\t\"\\"`,
		"\"\x7f\"", "\"\xff\xc0\x80\"", "\"\u2028\u2029\ufeff\"", "[]", "[[],{}]", `{"":{}}`, `{"a":1,"a":2}`, " [ 1 , 2 ] ", "{ }",
		`{"benefit_id":"other","event_type":"opened"}`, `[{"benefit_id":"other","benefit_index":0}]`, "\t\r\n 1 \t\r\n",
		strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat(`{"a":`, 100) + "0" + strings.Repeat("}", 100),
		`"` + strings.Repeat("x", 100_000) + `"`,
	}
	for _, value := range values {
		s.Created(t, ignored(value))
		s.Created(t, blackbox.Array(blackbox.RecordOf("good"), ignored(value)))
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectTotal(t, "good", 3*len(values))
		s.ExpectTotal(t, "other", 0)
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
	s := blackbox.StartServer(t, nil)
	for _, text := range notJSON() {
		if json.Valid([]byte(ignored(text))) {
			t.Fatalf("the text %q is valid JSON", text)
		}
		for _, value := range []string{text, "[0," + text + "]", `{"deep":` + text + "}"} {
			body := ignored(value)
			if json.Valid([]byte(body)) {
				continue // what is broken alone need not be broken inside another value
			}
			for _, body := range []string{body, blackbox.Array(blackbox.RecordOf("good"), body)} {
				if s.Post(t, body).ExpectMessage(t, http.StatusUnprocessableEntity); t.Failed() {
					t.Fatalf("the body was %q", body)
				}
			}
		}
	}
	s.ExpectNothing(t)
}

func TestTrailingDataIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, trailing := range []string{"{}", "[]", "x", "0", ",", "]", "}", "null", `"`, "\x00", "\f", "\u00a0", "\ufeff", blackbox.RecordOf("good")} {
		s.Post(t, blackbox.RecordOf("good")+trailing).ExpectMessage(t, http.StatusUnprocessableEntity)
		s.Post(t, blackbox.Array(blackbox.RecordOf("good"))+" \n"+trailing).ExpectMessage(t, http.StatusUnprocessableEntity)
		s.Post(t, "[]"+trailing).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	s.ExpectNothing(t)
}

func TestTheMessageOfBrokenJSONHasTheByteOffset(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, test := range []string{ // § stands before the first byte that cannot be
		`[{"benefit_id":"RSA",§}]`, `[{"benefit_id":"RSA"},§]`, `{"benefit_id"§1}`, `{"a":1 §"b":2}`, `{"a":[1 §2]}`,
		`{"a":"x` + "§\n" + `"}`, `{"a":"` + strings.Repeat("é", 100) + `",§}`, `[] §x`, `{"a":§}`, `{"a":1§`, `[{"a":"x"}§`,
		"\n\n\n[1,§]", `§5`, `§"x"`, `§null`, `  §true`, `§`, `§hello`,
	} {
		before, after, _ := strings.Cut(test, "§")
		message := s.Post(t, before+after).ExpectMessage(t, http.StatusUnprocessableEntity)
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
	s := blackbox.StartServer(t, nil)
	const deep = 60_000
	for _, value := range []string{
		strings.Repeat("[", deep), strings.Repeat("[", deep) + strings.Repeat("]", deep-1), strings.Repeat(`{"a":`, deep/3),
	} {
		s.Post(t, value).ExpectMessage(t, http.StatusUnprocessableEntity)
		s.Post(t, ignored(value)).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	// RFC 8259 lets a parser limit the depth of what is valid: either answer is one.
	got := s.Post(t, ignored(strings.Repeat("[", deep)+strings.Repeat("]", deep)))
	if got.Status != http.StatusOK {
		got.ExpectMessage(t, http.StatusUnprocessableEntity)
		s.ExpectNothing(t)
	}
	s.Created(t, blackbox.RecordOf("after"))
}

func TestFieldNamesAreCaseSensitive(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, strings.Replace(blackbox.RecordOf("good"), "{", `{"Benefit_Id":"","BENEFIT_INDEX":0,"benefit_ID":12,"Event_type":"x",`, 1))
	s.Created(t, strings.Replace(blackbox.RecordOf("good"), "{", `{"benefit_id ":"","`+"benefit_id\xff"+`":"","benefit_id\u0000":"","":"",`, 1))
	s.Post(t, strings.Replace(blackbox.RecordOf("bad"), `"benefit_id"`, `"Benefit_id"`, 1)).ExpectSingleRejected(t, "benefit_id")
	s.Post(t, strings.Replace(blackbox.RecordOf("bad"), `"page_total"`, `"Page_Total"`, 1)).ExpectSingleRejected(t, "page_total")
	// Of these the absent ones have a default.
	s.Created(t, strings.Replace(blackbox.RecordOf("default"), `"event_type"`, `"EVENT_TYPE"`, 1))
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectTotal(t, "good", 2)
		s.ExpectTotal(t, "bad", 0)
		s.ExpectTotal(t, "default", 1)
	})
}

func TestFieldNamesMayBeEscaped(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	s.Created(t, `{"benefit\u005fid":"escaped","hash\u005Fid":"x","\u0062enefit_index":2,"pag\u0065_total":3,"event\u005ftype":"link"}`)
	s.Created(t, blackbox.Array(`{"\u0062\u0065\u006e\u0065\u0066\u0069\u0074\u005f\u0069\u0064":"escaped","hash_id":"x","benefit_index":2,`+
		`"page_total":3,"event_type":"\u006cink"}`))
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.Get(t, "/statistics").Expect(t, http.StatusOK,
			`[{"benefit":"escaped","events_count":2,"events":{"link":{"3":{"2":2}}}}]`)
	})
}

func TestOfDuplicateNamesTheLastWins(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	with := func(member string) string {
		return strings.TrimSuffix(blackbox.RecordOf("first"), "}") + "," + member + "}"
	}
	s.Created(t, with(`"benefit_id":"last"`))
	s.Created(t, with(`"benefit_id":"second","benefit\u005fid":"last"`))
	s.Created(t, with(`"benefit_id":null,"benefit_id":[],"benefit_id":"last"`))
	s.Created(t, with(`"benefit_index":"x","benefit_index":0,"benefit_index":2,"page_total":5000,"page_total":"4","benefit_id":"last"`))
	s.Created(t, with(`"event_type":"opened","event_type":null,"event_type":"show","benefit_id":"last"`))
	s.Created(t, with(`"version":null,"version":3,"version":2,"abtesting":5,"abtesting":{},"hash_id":null,"hash_id":1,"benefit_id":"last"`))
	for field, value := range map[string]string{
		"benefit_id": `""`, "hash_id": "null", "benefit_index": "3", "page_total": "0", "event_type": `"opened"`, "version": "null",
		"created_at": `"x"`,
	} {
		s.Post(t, with(blackbox.Quote(field)+":"+value)).ExpectSingleRejected(t, field)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.Get(t, "/statistics").Expect(t, http.StatusOK,
			`[{"benefit":"last","events_count":6,"events":{"show":{"2":{"1":5},"4":{"2":1}}}}]`)
	})
}

// replaced puts a replacement character in place of each maximal subpart of an
// ill-formed sequence: what begins a character (Unicode, table 3-7) and is cut is
// one, any other byte is one of its own.
func replaced(text string) string {
	begins := regexp.MustCompile("^(?:[\\xC2-\\xDF]|\\xE0[\\xA0-\\xBF]?|[\\xE1-\\xEC\\xEE\\xEF][\\x80-\\xBF]?|\\xED[\\x80-\\x9F]?|" +
		"\\xF0(?:[\\x90-\\xBF][\\x80-\\xBF]?)?|[\\xF1-\\xF3](?:[\\x80-\\xBF][\\x80-\\xBF]?)?|\\xF4(?:[\\x80-\\x8F][\\x80-\\xBF]?)?)")
	var well strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 {
			// As Latin-1, so that the pattern sees bytes.
			latin := make([]rune, 0, len(text))
			for _, b := range []byte(text) {
				latin = append(latin, rune(b))
			}
			size = max(1, len([]rune(begins.FindString(string(latin)))))
		}
		well.WriteRune(r)
		text = text[size:]
	}
	return well.String()
}

func TestInvalidUTF8BecomesTheReplacementCharacter(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	wants := make(map[string]int)
	for _, quoted := range []string{
		"\"\xff\"", "\"a\xffb\"", "\"\xff\xfe\"", "\"\xc3\"", "\"\xc3(\"", "\"\xe2\x82\"", "\"\xf0\x9f\x98\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"", "\"\x80\"", "\"\xe9t\xe9\"", `"\ud800"`, `"\udc00"`, `"a\ud800b"`, `"\ud800\u0041"`, `"\ud800\ud83d\ude00"`,
		`"\udc00\ud800"`, `"\ud800\n"`, "\"\\ud800\xff\"", "\"é\xff\\u00e9\"", "\"\ufffd\"", `"\ufffd"`,
		`"` + strings.Repeat("\xff", 85) + `"`,
	} {
		var want string
		if err := json.Unmarshal([]byte(replaced(quoted)), &want); err != nil {
			t.Fatal(err)
		}
		s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": quoted, "hash_id": quoted}))
		s.Created(t, blackbox.Array(blackbox.RecordOf("usual"), blackbox.Record(blackbox.Fields{"benefit_id": quoted})))
		wants[want] += 2
	}
	// The limit is on the text as it is stored: three bytes for each replacement.
	s.Post(t, blackbox.Record(blackbox.Fields{"benefit_id": `"` + strings.Repeat("\xff", 86) + `"`})).ExpectSingleRejected(t, "benefit_id")
	s.AlsoAfterRestart(t, func(t *testing.T) {
		for benefit, want := range wants {
			s.ExpectTotal(t, benefit, want)
		}
	})
}

func TestAByteOrderMarkBeforeTheBodyIsSkipped(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	const mark = "\xef\xbb\xbf"
	s.Created(t, mark+blackbox.RecordOf("good"))
	s.Created(t, mark+" "+blackbox.Array(blackbox.RecordOf("good"), blackbox.RecordOf("good")))
	s.Created(t, mark+"[]")
	s.Created(t, mark+blackbox.RecordOf("good"), "Content-Type", "text/plain")
	s.PostAs(t, "gzip", blackbox.Encode(t, "gzip", mark+blackbox.RecordOf("good"))).ExpectCreated(t)
	for _, body := range []string{
		mark, mark + mark + blackbox.RecordOf("bad"), " " + mark + blackbox.RecordOf("bad"), "[" + mark + blackbox.RecordOf("bad") + "]", blackbox.RecordOf("bad") + mark,
		mark[:2] + blackbox.RecordOf("bad"), mark + "null",
	} {
		s.Post(t, body).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectTotal(t, "good", 5)
		s.ExpectTotal(t, "bad", 0)
	})
}
