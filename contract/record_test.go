package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"stats-recorder/contract/blackbox"
)

// refusesField posts records whose one field has each of the given JSON values
// and requires that exactly these are rejected, for that field.
func refusesField(t *testing.T, s *blackbox.Server, field string, values ...string) {
	t.Helper()
	before := s.Total(t, "good", "")
	for _, value := range values {
		t.Run(fmt.Sprintf("%s %.60s is refused", field, value), func(t *testing.T) {
			bad := blackbox.Record(blackbox.Fields{"benefit_id": `"bad"`, field: value})
			s.Post(t, bad).ExpectSingleRejected(t, field)
			s.Post(t, blackbox.Array(blackbox.RecordOf("good"), bad, blackbox.RecordOf("good"))).ExpectRejected(t, 1, 3, field)
		})
	}
	s.ExpectTotal(t, "bad", 0)
	s.ExpectTotal(t, "good", before+2*len(values))
}

func TestBenefitIDIsATextOrItsText(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	cases := []struct{ value, want string }{
		{`"RSA"`, "RSA"}, {`"a"`, "a"}, {`" "`, " "}, {`" padded "`, " padded "}, {`"Livret d’épargne populaire"`, "Livret d’épargne populaire"},
		{`"0"`, "0"}, {`"null"`, "null"}, {`"😀"`, "😀"}, {`"<&>"`, "<&>"}, {`"\u0000"`, "\x00"}, {`"\u2028"`, "\u2028"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"}, {`"\u00e9\uD83D\uDE00"`, "é😀"}, {"\"\x7f\"", "\x7f"}, {`"__proto__"`, "__proto__"},
		{"12", "12"}, {"0", "0"}, {"-5", "-5"}, {"1.5", "1.5"}, {"true", "true"}, {"false", "false"},
		{"4.0", "4"}, {"-0", "0"}, {"-0.0", "0"}, {"2E0", "2"}, {"40e-1", "4"}, {"1e21", "1e+21"}, {"1e20", "100000000000000000000"},
		{"123456789012345680000", "123456789012345680000"}, {"0.000001", "0.000001"}, {"1e-7", "1e-7"}, {"-1.5E-10", "-1.5e-10"},
		{"1.7976931348623157e308", "1.7976931348623157e+308"}, {"1e400", "Infinity"}, {"-1e400", "-Infinity"}, {"5e-324", "5e-324"},
		{"9007199254740993", "9007199254740992"}, {"0." + strings.Repeat("0", 300) + "1", "1e-301"},
		{blackbox.Quote(strings.Repeat("x", 256)), strings.Repeat("x", 256)}, {blackbox.Quote(strings.Repeat("é", 128)), strings.Repeat("é", 128)},
		{`"` + strings.Repeat(`\u00e9`, 128) + `"`, strings.Repeat("é", 128)},
	}
	wants := make(map[string]int)
	for _, test := range cases {
		s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": test.value}))
		s.Created(t, blackbox.Array(blackbox.RecordOf("usual"), blackbox.Record(blackbox.Fields{"benefit_id": test.value}), blackbox.RecordOf("usual")))
		wants[test.want] += 2
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.ExpectTotal(t, "usual", 2*len(cases))
		for benefit, want := range wants {
			s.ExpectTotal(t, benefit, want)
		}
	})
}

func TestBenefitIDIsRequiredAndHas1To256Bytes(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	refusesField(t, s, "benefit_id", "", "null", `""`, "[]", "{}", `["RSA"]`, `{"id":"RSA"}`,
		blackbox.Quote(strings.Repeat("x", 257)), blackbox.Quote(strings.Repeat("é", 128)+"x"), blackbox.Quote(strings.Repeat("€", 86)))
}

func TestHashIDIsRequiredAndHas1To256Bytes(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	accepted := []string{
		`"x"`, `" "`, "12", "0", "1.5", "true", "false", blackbox.Quote(strings.Repeat("x", 256)), blackbox.Quote(strings.Repeat("é", 128)),
	}
	for _, value := range accepted {
		s.Created(t, blackbox.Record(blackbox.Fields{"hash_id": value}))
	}
	refusesField(t, s, "hash_id", "", "null", `""`, "[]", "{}", `["x"]`, blackbox.Quote(strings.Repeat("x", 257)),
		blackbox.Quote(strings.Repeat("é", 128)+"x"))
	s.ExpectTotal(t, "RSA", len(accepted))
}

// notIntegers are JSON values that no integer field takes, whatever its range.
func notIntegers() []string {
	return []string{
		"null", "true", "false", `""`, `" "`, `"x"`, `"4x"`, `"4 5"`, `"4.5"`, `"NaN"`, "4.5", "0.5", "1e400", "[]", "[4]", "{}",
		"-1", `"-1"`, "4294967297", "18446744073709551617", "-4294967292", `"18446744073709551617"`, "99999999999999999999999999",
	}
}

func TestPositionsAreIntegersInAnyOfTheirForms(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	forms := []string{"4", `"4"`, `" 4 "`, "4.0", "4e0", "4.00", "4E+0", "0.4e1"}
	for _, form := range forms {
		s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"index"`, "benefit_index": form, "page_total": "9"}))
		s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"total"`, "benefit_index": "3", "page_total": form}))
		s.Created(t, blackbox.Array(blackbox.RecordOf("mixed"), blackbox.Record(blackbox.Fields{"benefit_id": `"mixed"`, "benefit_index": form, "page_total": form})))
	}
	n := len(forms)
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.Get(t, "/statistics").Expect(t, http.StatusOK, fmt.Sprintf(
			`[{"benefit":"mixed","events_count":%d,"events":{"show":{"2":{"1":%d},"4":{"4":%d}}}},`+
				`{"benefit":"index","events_count":%d,"events":{"show":{"9":{"4":%d}}}},`+
				`{"benefit":"total","events_count":%d,"events":{"show":{"4":{"3":%d}}}}]`, 2*n, n, n, n, n, n, n))
	})
}

func TestPositionsAreRequiredIntegers(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	refusesField(t, s, "benefit_index", append(notIntegers(), "", "0", `"0"`, "-0")...)
	refusesField(t, s, "page_total", append(notIntegers(), "", "0", `"0"`, "-0", "1001", `"1001"`, "1e3001")...)
}

func TestThePositionIsWithinThePage(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, test := range []struct{ index, total, refused string }{
		{"1", "1", ""}, {"2", "1", "benefit_index"}, {"1", "1000", ""}, {"1000", "1000", ""}, {"1e3", `"1000"`, ""},
		{"999", "1000", ""}, {"1000", "999", "benefit_index"}, {"1001", "1000", "benefit_index"}, {`"11"`, `"9"`, "benefit_index"},
		{"1", "1001", "page_total"}, {"0", "1000", "benefit_index"},
	} {
		got := s.Post(t, blackbox.Record(blackbox.Fields{"benefit_index": test.index, "page_total": test.total}))
		if test.refused == "" {
			got.ExpectCreated(t)
		} else {
			got.ExpectSingleRejected(t, test.refused)
		}
	}
	s.AlsoAfterRestart(t, func(t *testing.T) {
		s.Get(t, "/statistics").Expect(t, http.StatusOK, `[{"benefit":"RSA","events_count":5,"events":{"show":`+
			`{"1":{"1":1},"1000":{"1":1,"999":1,"1000":2}}}}]`)
	})
}

func TestEventTypesAreTheKnownOnesExactly(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	known := knownEventTypes()
	for i, event := range known {
		for range i + 1 {
			s.Created(t, blackbox.Record(blackbox.Fields{"event_type": blackbox.Quote(event)}))
		}
	}
	s.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"absent"`, "event_type": ""}))
	refusesField(t, s, "event_type", "null", `""`, `"opened"`, `"Show"`, `"SHOW"`, `" show"`, `"show "`, `"show\u0000"`, `"showdetails"`,
		"1", "0", "true", "false", "[]", `["show"]`, "{}", blackbox.Quote(strings.Repeat("show", 5000)))

	s.AlsoAfterRestart(t, func(t *testing.T) {
		totals := s.Totals(t, "")
		for i, event := range known {
			if got := totals["RSA"][event]; got != i+1 {
				t.Errorf("%d events %q, want %d", got, event, i+1)
			}
		}
		if got := totals["absent"]["show"]; got != 1 {
			t.Errorf("%d events of an absent type are %q, want 1", got, "show")
		}
	})
}

func knownEventTypes() []string {
	return []string{
		"show", "showDetails", "showDetailsFromGroupPage", "form", "instructions", "link", "msa", "show-locations", "link-ineligible",
		"show-unexpected", "show-unexpected-amount-link", "close", "teleservice", "teleservicePrefill", "retour-logement",
		"simulation-caf", "email",
	}
}

func TestVersionIsAnIntegerThatDefaultsTo2(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	counts := make(map[int]int)
	for _, test := range []struct {
		value   string
		version int
	}{
		{"", 2}, {"2", 2}, {`"2"`, 2}, {" 2.0", 2}, {"0", 0}, {"1", 1}, {"3", 3}, {`" 3 "`, 3}, {"3e0", 3}, {"65535", 65535}, {`"65535"`, 65535},
	} {
		s.Created(t, blackbox.Record(blackbox.Fields{"version": test.value}))
		s.Created(t, blackbox.Array(blackbox.RecordOf("usual"), blackbox.Record(blackbox.Fields{"version": test.value})))
		counts[test.version] += 2
	}
	refusesField(t, s, "version", append(notIntegers(), "65536", `"65536"`)...)

	s.AlsoAfterRestart(t, func(t *testing.T) {
		for version, want := range counts {
			got := s.Get(t, fmt.Sprintf("/statistics?version=%d", version)).Body
			entry := fmt.Sprintf(`{"benefit":"RSA","events_count":%d,"events":{"show":{"2":{"1":%d}}}}`, want, want)
			if !strings.Contains(got, entry) {
				t.Errorf("version %d: got %s, want %s in it", version, got, entry)
			}
		}
	})
}

func TestExperimentsAreAnObjectOfTexts(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	experiments := func(n int) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"experiment %d":"A"`, i))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	pair := func(name, value string) string { return "{" + blackbox.Quote(name) + ":" + blackbox.Quote(value) + "}" }
	long, wide := strings.Repeat("x", 64), strings.Repeat("é", 32)
	accepted := []string{
		"", "null", `""`, "[]", "{}", "[ ]", `{"CTA":"A"}`, `{"a":"1","b":"2"}`, experiments(1), experiments(16),
		pair(long, long), pair(wide, wide), pair("a", "😀"), `{"a":"\u00e9"}`,
	}
	for _, value := range accepted {
		s.Created(t, blackbox.Record(blackbox.Fields{"abtesting": value}))
		s.Created(t, blackbox.Array(blackbox.RecordOf("RSA"), blackbox.Record(blackbox.Fields{"abtesting": value})))
	}
	odd := []string{
		"true", "false", "0", "1", `"A"`, `" "`, `["A"]`, "[[]]", "[null]", `{"a":1}`, `{"a":null}`, `{"a":true}`,
		`{"a":{}}`, `{"a":[]}`, `{"a":"A","b":1}`, experiments(17), pair("", "A"), pair("a", ""), pair(long+"x", "A"),
		pair("a", long+"x"), pair(wide+"x", "A"), pair("a", wide+"x"), "{\"a\":\"\xe2\x82\"}", `{"a":1,"a":"A"}`,
	}
	for _, value := range odd { // nobody counts them, so the record does
		s.Created(t, blackbox.Record(blackbox.Fields{"abtesting": value}))
		s.Created(t, blackbox.Times(2, blackbox.Record(blackbox.Fields{"abtesting": value})))
	}
	s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectTotal(t, "RSA", 3*len(accepted)+3*len(odd)) })
}
