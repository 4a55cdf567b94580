package counters_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"stats-recorder/counters"
)

func mustKey(t testing.TB, event counters.EventType, version, pageTotal, index uint16) counters.Key {
	t.Helper()
	key, err := counters.NewKey(event, version, pageTotal, index)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestEveryPositionHasItsOwnPlaceAndComesBack(t *testing.T) {
	t.Parallel()
	taken := make([]bool, 1<<counters.PlaceBits)
	for total := range uint16(counters.MaxPosition + 1) {
		for index := range uint16(counters.MaxPosition + 1) {
			key := mustKey(t, 1, 2, total, index)
			if gotTotal, gotIndex := key.Position(); gotTotal != total || gotIndex != index {
				t.Fatalf("position %d/%d came back as %d/%d", index, total, gotIndex, gotTotal)
			}
			place := key.Place()
			if place>>counters.PlaceBits != 0 || taken[place] {
				t.Fatalf("position %d/%d has place %d, which is too large or taken", index, total, place)
			}
			taken[place] = true
		}
	}
}

func TestPagesUpToALengthHaveTheSmallestPlaces(t *testing.T) {
	t.Parallel()
	for total := range uint16(counters.MaxPosition + 1) {
		last := mustKey(t, 1, 2, total, total).Place()
		if want := uint32(total+1)*uint32(total+1) - 1; last != want {
			t.Errorf("the last place of a page of %d is %d, want %d", total, last, want)
		}
	}
}

func TestAKeyGivesBackWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	for _, event := range []counters.EventType{1, 2, 17, counters.MaxEventTypes} {
		for _, version := range []uint16{0, 1, 2, 255, 256, math.MaxUint16} {
			for _, position := range [][2]uint16{{0, 0}, {1, 1}, {60, 7}, {7, 60}, {1000, 1000}, {1023, 0}, {0, 1023}} {
				key := mustKey(t, event, version, position[0], position[1])
				total, index := key.Position()
				if key.Event() != event || key.Version() != version || total != position[0] || index != position[1] {
					t.Errorf("key of %d, %d, %v is of %d, %d, %d, %d", event, version, position, key.Event(), key.Version(), total, index)
				}
				if again, err := counters.KeyAt(event, version, key.Place()); err != nil || again != key {
					t.Errorf("KeyAt(%d, %d, %d) is %#x, %v, want %#x", event, version, key.Place(), uint64(again), err, uint64(key))
				}
			}
		}
	}
}

func TestKeysRefuseWhatTheyCannotHold(t *testing.T) {
	t.Parallel()
	const most = counters.MaxPosition
	for _, bad := range []struct {
		event        counters.EventType
		total, index uint16
	}{
		{0, 1, 1}, {counters.MaxEventTypes + 1, 1, 1}, {255, 1, 1},
		{1, most + 1, 1}, {1, 1, most + 1}, {1, math.MaxUint16, math.MaxUint16},
	} {
		if key, err := counters.NewKey(bad.event, 2, bad.total, bad.index); !errors.Is(err, counters.ErrKeyOutOfRange) || key != 0 {
			t.Errorf("NewKey(%+v) is %#x, %v, want ErrKeyOutOfRange", bad, uint64(key), err)
		}
	}
	for _, bad := range []struct {
		event counters.EventType
		place uint32
	}{{0, 0}, {counters.MaxEventTypes + 1, 0}, {1, 1 << counters.PlaceBits}, {1, math.MaxUint32}} {
		if key, err := counters.KeyAt(bad.event, 2, bad.place); !errors.Is(err, counters.ErrKeyOutOfRange) || key != 0 {
			t.Errorf("KeyAt(%+v) is %#x, %v, want ErrKeyOutOfRange", bad, uint64(key), err)
		}
	}
}

func TestKeysSortByEventTypeThenVersionThenPlace(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var keys []counters.Key
	for range 1000 {
		keys = append(keys, mustKey(t, counters.EventType(1+random.IntN(3)), uint16(random.IntN(3)),
			uint16(random.IntN(1024)), uint16(random.IntN(1024))))
	}
	slices.Sort(keys)
	for i, key := range keys[1:] {
		before := keys[i]
		have := []int{int(key.Event()), int(key.Version()), int(key.Place())}
		if want := []int{int(before.Event()), int(before.Version()), int(before.Place())}; slices.Compare(have, want) < 0 {
			t.Fatalf("%v sorts behind %v", have, want)
		}
	}
}

func TestHoursAreUTCAndNeverBeforeTheFirst(t *testing.T) {
	t.Parallel()
	paris := time.FixedZone("", 2*3600)
	kathmandu := time.FixedZone("", 5*3600+45*60)
	for _, test := range []struct {
		instant time.Time
		hour    counters.Hour
	}{
		{time.Unix(0, 0), 0},
		{time.Unix(3599, 999_999_999), 0},
		{time.Unix(3600, 0), 1},
		{time.Unix(-1, 0), 0},
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC), 24},
		{time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC), 474791},
		{time.Date(2024, 3, 1, 1, 59, 59, 0, paris), 474791},
		{time.Date(2024, 3, 1, 5, 44, 59, 0, kathmandu), 474791},
		{time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), 474792},
		{time.Date(800_000, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxUint32},
	} {
		if got := counters.HourOf(test.instant); got != test.hour {
			t.Errorf("hour of %v is %d, want %d", test.instant, got, test.hour)
		}
	}
}

func TestDaysHaveTwentyFourHours(t *testing.T) {
	t.Parallel()
	for _, day := range []counters.Day{0, 1, 19782, counters.MaxDay} {
		for i := range counters.Hour(24) {
			if hour := day.FirstHour() + i; hour.Day() != day || hour.Time().Hour() != int(i) {
				t.Errorf("hour %d of day %d is hour %d of day %d", i, day, hour.Time().Hour(), hour.Day())
			}
		}
	}
	leap := counters.HourOf(time.Date(2024, 2, 29, 23, 0, 0, 0, time.UTC)).Day()
	if got := leap.String() + " " + (leap + 1).String(); got != "2024-02-29 2024-03-01" {
		t.Errorf("the days about the leap day are %s", got)
	}
	if !leap.Time().Equal(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the leap day begins at %v", leap.Time())
	}
}
