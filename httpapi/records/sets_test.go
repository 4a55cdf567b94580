package records

import (
	"fmt"
	"strings"
	"testing"
)

// TestASetEndsWhereItEndsWhateverWasKnownBefore has sets of all kinds come by turns, more of them
// than are known, that differ in one place and in many.
func TestASetEndsWhereItEndsWhateverWasKnownBefore(t *testing.T) {
	t.Parallel()
	var objects []string
	for _, variation := range variations()["<experiments>"] {
		objects = append(objects, variation, variation+"}", variation[:len(variation)-1])
	}
	for i := range 3 * fewSets {
		objects = append(objects,
			fmt.Sprintf(`{"a":"%d"}`, i), fmt.Sprintf(`{"a":"%d","b":"%c","c":"d"}`, i%3, 'A'+i%2), fmt.Sprintf(`{"%s":"x"}`, strings.Repeat("y", i)),
			`{"a":"`+strings.Repeat("x", i)+`y","b":"c"}`)
	}
	const before = `"abtesting":`
	known := new(sets)
	known.surround([]byte(before), []byte(`,"x":`))
	for round, step := range []int{1, 1, 7, 11, 1} {
		for i := range objects {
			object := objects[i*step%len(objects)]
			for _, after := range []string{"", "}", `,"y":` + fmt.Sprint(i) + "}", `,"x`, `,"x":` + fmt.Sprint(i) + "}"} {
				body := []byte("[" + before + object + after)
				got, end, ok := known.find(body, 1)
				wantEnd, want := plainObject(body, 1+len(before))
				want = want && begins(body, wantEnd, known.after)
				if ok != want || ok && (got != span{1 + len(before), wantEnd} || end != wantEnd+len(known.after)) {
					t.Fatalf("round %d: %q has a set at %v, %v; want one that ends at %d, %v", round, body, got, ok, wantEnd, want)
				}
			}
		}
	}
}

func TestSetsThatAreAsManyAsASiteHasAreKnownOnceTheyCame(t *testing.T) {
	t.Parallel()
	for _, site := range []struct {
		name    string
		objects []string
	}{
		{"one experiment", product(`{"home":"%s"}`, "A", "B")},
		{"two experiments", product(`{"results_presentation":"%s","call_to_action_text":"see"}`, "flat_list", "grouped_by_theme", "by_amount")},
		{"two of two variants", append(product(`{"a":"1","b":"%s"}`, "1", "2"), product(`{"a":"2","b":"%s"}`, "1", "2")...)},
		{"three of three variants", threeExperiments()},
		{"two whose places say the same of both", []string{`{"p":"a","q":"x"}`, `{"p":"b","q":"x"}`, `{"p":"a","q":"a"}`, `{"p":"b","q":"a"}`}},
		{"some visitors in one more", []string{`{"a":"1"}`, `{"a":"2"}`, `{"a":"1","b":"1"}`, `{"a":"2","b":"1"}`, `{"a":"1","b":"2"}`}},
	} {
		t.Run(site.name, func(t *testing.T) {
			t.Parallel()
			known := new(sets)
			known.surround([]byte(`:`), []byte(`,"x":`))
			read := func() {
				for i := range 10 * len(site.objects) {
					if _, _, ok := known.find([]byte(":"+site.objects[i%len(site.objects)]+`,"x":1}`), 0); !ok {
						t.Fatalf("%q is no set", site.objects[i%len(site.objects)])
					}
				}
			}
			read()
			before := known.turn
			if read(); known.turn != before {
				t.Errorf("%d sets are learnt again", known.turn-before)
			}
		})
	}
}

func threeExperiments() (all []string) {
	for i := range 27 {
		all = append(all, fmt.Sprintf(`{"a":"%d","b":"%d","c":"%d"}`, i%3, i/3%3, i/9))
	}
	return all
}

func product(format string, values ...string) (all []string) {
	for _, value := range values {
		all = append(all, fmt.Sprintf(format, value))
	}
	return all
}
