package format_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot/format"
	"stats-recorder/snapshot/formattest"
)

// counted are counts by benefit and key.
type counted map[counters.Benefit]map[counters.Key]uint64

func (c counted) cells(benefit counters.Benefit, dst []counters.Cell) []counters.Cell {
	for _, key := range slices.Sorted(maps.Keys(c[benefit])) {
		dst = append(dst, counters.Cell{Key: key, Count: c[benefit][key]})
	}
	return dst
}

func (c counted) add(benefit counters.Benefit, at counters.Detail, count uint64) {
	if c[benefit] == nil {
		c[benefit] = map[counters.Key]uint64{}
	}
	if c[benefit][at.Key()] += count; c[benefit][at.Key()] == 0 {
		delete(c[benefit], at.Key())
	}
}

// randomVisitors are those of benefits by stages, of whom each is in one of two variants of
// some experiments, or rarely in none.
func randomVisitors(random *rand.Rand, benefits, visitors, experiments int) counted {
	all := counted{}
	for range visitors {
		benefit := counters.Benefit(random.IntN(benefits))
		stages := []uint8{1, 1, 1, 3, 7}[random.IntN(5)]
		all.add(benefit, counters.Detail{Field: stages}, 1)
		for experiment := range experiments {
			if random.IntN(100) == 0 {
				continue
			}
			word := uint16(1 + 2*experiment + random.IntN(2))
			for stage := uint8(1); stage <= stages; stage *= 2 {
				all.add(benefit, counters.Detail{Word: word, Field: stage}, 1)
			}
		}
	}
	return all
}

func TestDetailsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	odd := counted{}
	for benefit := range counters.Benefit(20) {
		for range 15 {
			odd.add(benefit*7, counters.Detail{Level: uint8(random.IntN(2)), Word: uint16(random.IntN(3)), Field: uint8(random.IntN(4))},
				[]uint64{1, 2, math.MaxUint64, 1 << 63, 1 << 50, random.Uint64()}[random.IntN(6)])
		}
	}
	sparse := counted{}
	for benefit := range counters.Benefit(50) {
		sparse.add(benefit, counters.Detail{Word: uint16(benefit), Field: 1}, 1)
	}
	for name, test := range map[string]struct {
		counts counted
		small  bool
	}{
		"visitors of two experiments": {randomVisitors(random, 20, 5_000, 2), true},
		"visitors of none":            {randomVisitors(random, 50, 5_000, 0), true},
		"a few visitors":              {randomVisitors(random, 20, 100, 2), true},
		"counts of any size":          {odd, true},
		"few benefits":                {randomVisitors(random, 5, 1000, 2), false},
		"many keys of a few counters": {sparse, false},
		"nothing":                     {counted{}, false},
	} {
		content, ok := format.Details(7, 1000, test.counts.cells)
		if ok != test.small {
			t.Errorf("%s: details are small is %v", name, ok)
		}
		if !ok {
			continue
		}
		got, before := counted{}, counters.Benefit(0)
		_, err := format.ReadDetails(content, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
			if day != 7 || (len(got) > 0 && benefit <= before) {
				t.Errorf("%s: day %d, benefit %d after %d", name, day, benefit, before)
			}
			before, got[benefit] = benefit, map[counters.Key]uint64{}
			for _, cell := range cells {
				got[benefit][cell.Key] = cell.Count
			}
			return nil
		})
		if err != nil || !maps.EqualFunc(got, test.counts, maps.Equal) {
			t.Errorf("%s: read is %v, want %v; %v", name, got, test.counts, err)
		}
		for length := range content {
			if _, err := format.ReadDetails(content[:length], func(counters.Day, counters.Benefit, []counters.Cell) error { return nil }); !errors.Is(err, format.ErrMalformed) {
				t.Fatalf("%s: the first %d of %d bytes: %v, want ErrMalformed", name, length, len(content), err)
			}
		}
	}
}

// TestDetailsOfAnEarlierProgramAreRead reads a day that was written before their numbers were
// packed.
func TestDetailsOfAnEarlierProgramAreRead(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/day-with-plain-details")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := visitorsOfDay(t, file), randomVisitors(rand.New(rand.NewPCG(1, 2)), 20, 300, 2); !maps.EqualFunc(got, want, maps.Equal) {
		t.Errorf("read is %v, want %v", got, want)
	}
}

// visitorsOfDay are the visitors by benefit in the file of day 7.
func visitorsOfDay(t *testing.T, file []byte) counted {
	t.Helper()
	got := counted{}
	sink := format.DaySink{Counts: map[counters.Kind]format.CellVisitor{
		counters.VisitorsByBenefit: func(benefit counters.Benefit, cells []counters.Cell) error {
			for _, cell := range cells {
				got.add(benefit, cell.Key.Detail(), cell.Count)
			}
			return nil
		},
	}}
	err := format.ReadDay(bytes.NewReader(file), int64(len(file)), counters.BuiltInKinds(), format.ClosedDay{Day: 7, Generation: 1}, sink)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestADayOfManyVisitorsIsWrittenInSeveralSections has more counts than one section may.
func TestADayOfManyVisitorsIsWrittenInSeveralSections(t *testing.T) {
	t.Parallel()
	want := randomVisitors(storetest.Random(t), 5_000, 100_000, 2)
	day, tables := format.Day{Day: 7, Generation: 1}, map[counters.Kind]*counters.Table{}
	for _, rule := range counters.BuiltInKinds() {
		tables[rule.Kind] = counters.NewTable(1)
	}
	for benefit := range counters.Benefit(5_000) {
		day.Benefits = append(day.Benefits, fmt.Sprint(benefit))
		for _, cell := range want.cells(benefit, nil) {
			tables[counters.VisitorsByBenefit].Add(benefit, cell.Key, cell.Count)
		}
	}
	var file bytes.Buffer
	if err := day.Write(&file, counters.BuiltInKinds(), tables); err != nil {
		t.Fatal(err)
	}
	if got := visitorsOfDay(t, file.Bytes()); !maps.EqualFunc(got, want, maps.Equal) {
		t.Error("what is read is not what was written")
	}
}

// TestDetailsTakeLittleMoreThanThereIsToSay has visitors of 600 benefits, 64 to 127 each, which
// is 6 bits to say, divided evenly into two variants, which is about ½·log2(2πe·n/4).
func TestDetailsTakeLittleMoreThanThereIsToSay(t *testing.T) {
	t.Parallel()
	random, counts, least := rand.New(rand.NewPCG(1, 2)), counted{}, 0.0
	for benefit := range counters.Benefit(600) {
		visitors, inA := 64+random.IntN(64), 0
		for range visitors {
			inA += random.IntN(2)
		}
		counts.add(benefit, counters.Detail{Field: 1}, uint64(visitors))
		counts.add(benefit, counters.Detail{Word: 1, Field: 1}, uint64(inA))
		counts.add(benefit, counters.Detail{Word: 2, Field: 1}, uint64(visitors-inA))
		least += (6 + math.Log2(2*math.Pi*math.E*float64(visitors)/4)/2) / 8
	}
	content, ok := format.Details(7, 1000, counts.cells)
	if most := 1.1 * least; !ok || float64(len(content)) > most {
		t.Errorf("details take %d bytes, want at most %.0f", len(content), most)
	}
}

// detailsContent is a section of day 7 from its numbers, which are uvarints.
func detailsContent(numbers ...uint64) (content []byte) {
	content = binary.AppendUvarint(content, 7)
	for _, number := range numbers {
		content = binary.AppendUvarint(content, number)
	}
	return content
}

func TestDetailsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	const one = 2 // as a varint
	for name, test := range map[string]struct {
		content []byte
		good    bool
	}{
		"two benefits, a key":               {detailsContent(2, 1, 3, 1, 9, 0, one, one), true},
		"a share of a sum of keys":          {detailsContent(1, 2, 3, 9, 0, 1, 1, 1, 0, 1<<16, one, one), true},
		"a share of what is left":           {detailsContent(1, 3, 3, 9, 0, 1, 1, 1, 0, 1<<16, 1, 2, 1<<16, one, one, one), true},
		"a sum of a key that is to come":    {detailsContent(1, 2, 3, 9, 0, 1, 1, 1, 1, 1<<16, one, one), false},
		"a sum of a key far beyond":         {detailsContent(1, 2, 3, 9, 0, 1, 1, 1, 7, 1<<16, one, one), false},
		"a sum of no keys":                  {detailsContent(1, 2, 3, 9, 0, 1, 1, 0, 1<<16, one, one), false},
		"a sum of more keys than there are": {detailsContent(1, 2, 3, 9, 0, 1, 1, 2, 0, 0, 1<<16, one, one), false},
		"a place that is to come":           {detailsContent(1, 2, 3, 9, 0, 1, 2, 1<<16, one, one), false},
		"no benefit":                        {detailsContent(0, 1, 9, 0), false},
		"no key":                            {detailsContent(1, 0, 3), false},
		"a benefit twice":                   {detailsContent(2, 1, 3, 0, 9, 0, one, one), false},
		"a key twice":                       {detailsContent(1, 2, 3, 9, 0, 0, 0, one, one), false},
		"the last benefit there is":         {detailsContent(1, 1, counters.MaxBenefits-1, 9, 0, one), true},
		"a benefit that there is not":       {detailsContent(1, 1, counters.MaxBenefits, 9, 0, one), false},
		"more counts than allowed":          {detailsContent(1<<9, 1<<8), false},
		"more keys than allowed":            {detailsContent(1, 1<<11), false},
		"more than can be multiplied":       {detailsContent(1<<16, 1<<48+1), false},
		"something behind":                  {detailsContent(1, 1, 3, 9, 0, one, 0), false},
	} {
		visited := 0
		sum, err := format.ReadPlainDetails(test.content, func(_ counters.Day, _ counters.Benefit, cells []counters.Cell) error {
			visited += len(cells)
			return nil
		})
		if test.good && (err != nil || sum == 0 || visited == 0) {
			t.Errorf("%s: got %d in %d counters, and %v", name, sum, visited, err)
		}
		if !test.good && !errors.Is(err, format.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// daysOf are all counts of a content, by day.
func daysOf(content []byte, read func([]byte, func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error)) (days map[counters.Day]counted, sum uint64, err error) {
	days = map[counters.Day]counted{}
	sum, err = read(content, func(day counters.Day, benefit counters.Benefit, cells []counters.Cell) error {
		if days[day] == nil {
			days[day] = counted{}
		}
		days[day][benefit] = map[counters.Key]uint64{}
		for _, cell := range cells {
			days[day][benefit][cell.Key] = cell.Count
		}
		return nil
	})
	return days, sum, err
}

// FuzzDetails reads any bytes, as a program writes them now and as an earlier one did. What is
// read is written and read again.
func FuzzDetails(f *testing.F) {
	content, _ := format.Details(7, 50, randomVisitors(rand.New(rand.NewPCG(1, 2)), 10, 200, 2).cells)
	f.Add(content)
	f.Add(detailsContent(2, 1, 3, 1, 9, 0, 2, 2))
	f.Add(detailsContent(1, 3, 3, 9, 0, 1, 1, 1, 0, 1<<16, 1, 2, 1<<16, 2, 2, 2))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > longest {
			return
		}
		ignore := func(counters.Day, counters.Benefit, []counters.Cell) error { return nil }
		formattest.ExpectModest(t, 2*len(content), 2, func() {
			_, _ = format.ReadDetails(content, ignore)
			_, _ = format.ReadPlainDetails(content, ignore)
		})
		for plain, read := range map[bool]func([]byte, func(counters.Day, counters.Benefit, []counters.Cell) error) (uint64, error){
			false: format.ReadDetails, true: format.ReadPlainDetails,
		} {
			want, sum, err := daysOf(content, read)
			if err != nil {
				if !errors.Is(err, format.ErrMalformed) {
					t.Errorf("%v is not ErrMalformed", err)
				}
				continue
			}
			got, sumAgain, err := daysOf(format.DetailsAgain(t, content, plain), format.ReadDetails)
			equal := func(a, b counted) bool { return maps.EqualFunc(a, b, maps.Equal) }
			if err != nil || sumAgain != sum || !maps.EqualFunc(got, want, equal) {
				t.Errorf("%v, encoded and read again %v, %v", want, got, err)
			}
		}
	})
}
