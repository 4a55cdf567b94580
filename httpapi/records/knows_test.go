package records

import "testing"

// TestAnUnlistedBenefitIsRefusedOnEveryPathOfTheDecoder decodes records one after
// the other that each way of recognising a record takes.
func TestAnUnlistedBenefitIsRefusedOnEveryPathOfTheDecoder(t *testing.T) {
	t.Parallel()
	element := func(benefit, index string) string {
		return `{"benefit_id":"` + benefit + `","hash_id":"h","benefit_index":` + index + `,"page_total":9,"event_type":"show","version":2}`
	}
	of := func(visitor, benefit string) string {
		return `{"benefit_id":"` + benefit + `","hash_id":"` + visitor + `","abtesting":{"a":"b"},"benefit_index":1,"page_total":9,"event_type":"show","version":2}`
	}
	for _, test := range []struct {
		path   string
		before []string // bodies that the decoder knows
		body   string
	}{
		{"a record of a new shape", nil, element("APL", "1")},
		{"a record of a known shape", []string{element("RSA", "1")}, element("APL", "2")},
		{"a record of a known shape in an array", []string{element("RSA", "1")}, "[" + element("APL", "2") + "]"},
		{"a record that repeats the one before", nil, "[" + element("RSA", "1") + "," + element("APL", "2") + "]"},
		{"a record of another visitor than the one before", nil, "[" + of("1", "RSA") + "," + of("2", "APL") + "," + of("3", "RSA") + "]"},
		{"a record in a run of other visitors", nil, "[" + of("1", "RSA") + "," + of("2", "RSA") + "," + of("3", "RSA") + "," + of("4", "RSA") + "," + of("5", "APL") + "," + of("6", "RSA") + "]"},
		{"a record after one of another shape", []string{element("RSA", "1")}, "[{\"x\":1," + element("RSA", "1")[1:] + "," + element("APL", "2") + "]"},
	} {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			o := testOracle(twoDays)
			o.rules.SetBenefits(map[string]struct{}{"RSA": {}})
			d := NewDecoder(o.rules, nil)
			for _, body := range append(test.before, test.body) {
				if err := d.Decode([]byte(body), o.now); err != nil {
					t.Fatal(err)
				}
			}
			if d.Rejections != 1 || d.Rejected[0].Field != benefitID || d.Rejected[0].Reason != unknown {
				t.Errorf("%d records are rejected, %v; want the one of a benefit that is not listed", d.Rejections, d.Rejected)
			}
		})
	}
}
