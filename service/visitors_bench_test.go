package service

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
	"stats-recorder/visitors"
)

// The event types of the site, by number.
const (
	siteShow counters.EventType = iota + 1
	siteDetails
	siteLink
)

// A siteDay is a day of a site of 600 benefits with two experiments of two variants: pages
// of 1 to 60, log-normal around 15, in a fixed order of display, and 1.5 of them a visitor;
// a benefit is opened where it is looked at, and acted on half as often.
type siteDay struct {
	store  *counters.Store
	tables map[counters.Kind]*counters.Table
}

// newSiteDay is the day of so many visitors.
func newSiteDay(b *testing.B, count int) siteDay {
	b.Helper()
	const benefits = 600
	random := rand.New(rand.NewPCG(1, 2))
	day := siteDay{counters.NewStore(counters.WhenDurable), map[counters.Kind]*counters.Table{}}
	for _, rule := range counters.BuiltInKinds() {
		day.tables[rule.Kind] = counters.NewTable(1)
	}
	for _, name := range []string{"show", "showDetails", "link"} {
		_, _ = day.store.Events.Number([]byte(name))
	}
	eligible, merit := make([]float64, benefits), make([]float64, benefits)
	for i := range benefits {
		_, _ = day.store.Benefits.Number(fmt.Appendf(nil, "benefit-number-%d", i))
		eligible[i], merit[i] = math.Exp(random.NormFloat64()), 0.03*math.Exp(2.8*random.Float64())
	}
	config := visitors.Config{
		Limits: visitors.DefaultLimits(),
		Variants: func(source []byte, visit func(experiment, variant []byte)) {
			visit([]byte("aides_bafa"), []byte{'A' + source[0]&1})
			visit([]byte("plans_to_ask_question"), []byte{'A' + source[0]>>1})
		},
	}
	config.Stages[siteShow], config.Stages[siteDetails], config.Stages[siteLink] = visitors.Shown, visitors.Opened, visitors.Acted
	register, err := visitors.NewRegister(day.store.Words, config)
	if err != nil {
		b.Fatal(err)
	}
	hour, chances := counters.HourOf(yearEnd), make([]float64, benefits)
	var batch visitors.Batch
	for visitor := range count {
		variant := random.IntN(4)
		for first := true; first || random.Float64() < 1./3; first = false {
			length := max(1, min(60, int(math.Exp(2.7+0.6*random.NormFloat64()))))
			for i := range chances {
				chances[i] = random.ExpFloat64() / eligible[i]
			}
			limit := slices.Sorted(slices.Values(chances))[length-1]
			batch.Reset()
			batch.Visit(hour.Day(), fmt.Appendf(nil, "%016x", visitor), []byte{byte(variant)})
			hour, index := hour+counters.Hour(random.IntN(24)), 0
			for benefit, chance := range chances {
				if chance > limit {
					continue
				}
				index++
				events := []counters.EventType{siteShow}
				if random.Float64() < merit[benefit]/math.Sqrt(float64(index)) {
					if events = append(events, siteDetails); random.IntN(2) == 0 {
						events = append(events, siteLink)
					}
				}
				for _, event := range events {
					batch.Add(visitors.NewRecord(counters.Benefit(benefit), uint16(index), event))
					day.count(b, hour, counters.Benefit(benefit), event, length, index)
				}
			}
			register.Add(&batch)
		}
	}
	register.Counts(hour.Day(), func(kind counters.Kind) *counters.Table { return day.tables[kind] })
	return day
}

func (d siteDay) count(b *testing.B, hour counters.Hour, benefit counters.Benefit, event counters.EventType, length, index int) {
	key, err := counters.NewKey(event, 2, uint16(length), uint16(index))
	if err != nil {
		b.Fatal(err)
	}
	for _, rule := range counters.BuiltInKinds() {
		if rule.OfRecord != nil {
			d.tables[rule.Kind].Add(benefit, rule.OfRecord(hour, key), 1)
		}
	}
}

// bytes is how large the file of the day is with some kinds.
func (d siteDay) bytes(b *testing.B, has func(counters.KindRule) bool) int {
	b.Helper()
	tables := map[counters.Kind]*counters.Table{}
	for _, rule := range counters.BuiltInKinds() {
		if tables[rule.Kind] = counters.NewTable(1); has(rule) {
			tables[rule.Kind] = d.tables[rule.Kind]
		}
	}
	var file bytes.Buffer
	err := format.Day{
		Day: counters.HourOf(yearEnd).Day(), Generation: 1,
		Benefits: d.store.Benefits.Names(), Events: d.store.Events.Names(), Words: d.store.Words.Names(),
	}.Write(&file, counters.BuiltInKinds(), tables)
	if err != nil {
		b.Fatal(err)
	}
	return cmp.Or(file.Len(), 1)
}

// BenchmarkVisitorsInADayFile is how much larger visitors and two experiments make the
// file of a day. The bound is 5 %.
func BenchmarkVisitorsInADayFile(b *testing.B) {
	for _, count := range []int{1_000, 5_000, 30_000} {
		b.Run(fmt.Sprint(count, " visitors"), func(b *testing.B) {
			day := newSiteDay(b, count)
			for b.Loop() {
				without := day.bytes(b, func(rule counters.KindRule) bool { return !rule.Passing })
				with := day.bytes(b, func(counters.KindRule) bool { return true })
				b.ReportMetric(float64(without), "bytes-without")
				b.ReportMetric(100*(float64(with)/float64(without)-1), "%-larger")
				b.ReportMetric(float64(day.tables[counters.VisitorsByBenefit].Len()), "counters-by-benefit")
			}
		})
	}
}
