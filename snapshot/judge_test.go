package snapshot_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/counters/storetest"
	"stats-recorder/snapshot"
)

const day = 24 * time.Hour

// kept is the first day that a clock which is right would keep.
func kept(truth time.Time, retention time.Duration) counters.Day {
	return counters.HourOf(truth.Add(-retention)).Day()
}

func TestEachEffectTakesTheEvidenceThatItNeeds(t *testing.T) {
	t.Parallel()
	const retention = 30 * day
	type step struct {
		lived time.Duration // since the step before
		ahead time.Duration // of the clock
		stop  time.Duration // before it, if the process begins anew
	}
	calm := []step{{lived: 4 * day}, {lived: 4 * day}}
	for name, test := range map[string]struct {
		steps   []step
		doubted bool
		// hidden and expired are how much later than a right clock would.
		hidden, expired int
	}{
		"a new directory deletes nothing":        {[]step{{lived: day}}, false, 0, -1 << 20},
		"a week of readings is certain":          {calm, false, 0, 0},
		"an hour ahead is believed":              {append(calm, step{ahead: time.Hour}), false, 0, 0},
		"a day ahead is doubted":                 {append(calm, step{ahead: day}), true, 0, 0},
		"ten years ahead are doubted":            {append(calm, step{ahead: 3650 * day}), true, 0, 0},
		"ten years ahead at boot are doubted":    {append(calm, step{ahead: 3650 * day, stop: time.Hour}), true, 0, 0},
		"a doubt lasts over a restart":           {append(calm, step{ahead: 3650 * day}, step{lived: day, ahead: 3650 * day, stop: 1}), true, 0, 0},
		"a doubt ends with the jump":             {append(calm, step{ahead: 3650 * day}, step{lived: day}), false, 0, 0},
		"a doubt ends after a week":              {append(calm, step{ahead: 90 * day}, step{lived: 7 * day, ahead: 90 * day}), false, 90, 90},
		"a doubt does not end for a week of two": {append(calm, step{ahead: 90 * day}, step{lived: 6 * day, ahead: 90 * day}, step{}, step{ahead: 90 * day}, step{lived: 6 * day, ahead: 90 * day}), true, 0, 0},
		"in a week it is the least that counts":  {append(calm, step{ahead: 900 * day}, step{lived: 3 * day, ahead: 50 * day}, step{lived: 4 * day, ahead: 900 * day}), true, 50, 50},
		"a stop of a day is believed":            {append(calm, step{stop: day}), false, 0, -1},
		"a stop of a month is doubted":           {append(calm, step{stop: 30 * day}), true, -30, -30},
		"and then known after a week":            {append(calm, step{stop: 30 * day}, step{lived: 7 * day}), false, 0, 0},
		"behind, less is hidden":                 {append(calm, step{ahead: -100 * day}), false, -100, -100},
		"and back, all is as before":             {append(calm, step{ahead: -100 * day}, step{lived: day}), false, 0, 0},
		"a week behind, and back is a jump":      {append(calm, step{ahead: -100 * day}, step{lived: 7 * day, ahead: -100 * day}, step{}), true, -100, -100},
	} {
		truth, lived := noon(), time.Duration(0)
		judge := snapshot.NewJudge(truth, nil, retention)
		reading := truth
		for _, step := range test.steps {
			truth = truth.Add(step.lived + step.stop)
			reading = truth.Add(step.ahead)
			if step.stop > 0 {
				judge.Restart(lived, truth.Add(-step.lived+step.ahead), retention)
				lived = 0
			}
			lived += step.lived
			judge.Hear(reading, lived)
		}
		hidden, expired := judge.Rule(reading, lived)
		right := kept(truth, retention)
		wantHidden, wantExpired := right+counters.Day(test.hidden), right+counters.Day(test.expired)
		if test.expired < -1000 {
			wantExpired = 0
		}
		if judge.Doubted() != test.doubted || hidden != wantHidden || expired != wantExpired {
			t.Errorf("%s: doubted %t, hidden before %v, deleted before %v; want %t, %v, %v",
				name, judge.Doubted(), hidden, expired, test.doubted, wantHidden, wantExpired)
		}
	}
}

func TestWhatAPersonConfirmsIsKnown(t *testing.T) {
	t.Parallel()
	const retention = 30 * day
	judge := snapshot.NewJudge(noon(), nil, retention)
	later := noon().Add(100 * day)
	judge.Hear(later, time.Second)
	if !judge.Doubted() {
		t.Error("a jump is not doubted")
	}
	judge.Confirm(later, time.Second)
	hidden, expired := judge.Rule(later, time.Second)
	if want := kept(later, retention); judge.Doubted() || hidden != want || expired != want {
		t.Errorf("doubted %t, hidden before %v, deleted before %v; want %v", judge.Doubted(), hidden, expired, want)
	}
}

// TestADirectoryWithoutAMemoryIsJudgedByItsDays is about those from before clocks were
// judged, and about imported ones.
func TestADirectoryWithoutAMemoryIsJudgedByItsDays(t *testing.T) {
	t.Parallel()
	const retention = 100 * day
	today := counters.HourOf(noon()).Day()
	daily := make([]counters.Day, 150) // up to yesterday
	for i := range daily {
		daily[i] = today - 1 - counters.Day(i)
	}
	for name, test := range map[string]struct {
		days    []counters.Day
		ahead   time.Duration
		certain bool
	}{
		"days up to now":                   {daily, 0, true},
		"days up to now, a month ahead":    {daily, 30 * day, false},
		"days up to now, years ahead":      {daily, 3650 * day, false},
		"days up to a month ago":           {daily[30:], 0, false},
		"a month behind":                   {daily, -30 * day, true},
		"one day of years ahead":           {append([]counters.Day{today + 3650}, daily...), 3650 * day, false},
		"no days":                          {nil, 0, false},
		"a few days of years ahead":        {append([]counters.Day{today + 3650, today + 3649, today + 3648}, daily...), 3650 * day, false},
		"days in any order, one day twice": {append([]counters.Day{today, today}, daily...), 0, true},
	} {
		reading := noon().Add(test.ahead)
		_, expired := snapshot.NewJudge(reading, test.days, retention).Rule(reading, 0)
		if certain := expired == kept(reading, retention); certain != test.certain {
			t.Errorf("%s: days before %v are deleted, certain: %t; want %t", name, expired, certain, test.certain)
		}
	}
}

// TestNoReadingCostsADay lives through some decades, hour by hour. The clock is wrong
// now and then, never ahead for a whole week of running.
func TestNoReadingCostsADay(t *testing.T) {
	t.Parallel()
	random := storetest.Random(t)
	for range 20 {
		life := newJudgedLife(random)
		for range 5000 {
			life.step()
			if problem := life.problem(); problem != "" {
				t.Fatalf("at %v, with the clock %v ahead: %s", life.truth, life.ahead, problem)
			}
		}
		life.ahead = 0
		for range 3 * 7 {
			life.live(day)
		}
		hidden, expired := life.judge.Rule(life.reading(), life.lived)
		if want := kept(life.truth, life.retention); life.judge.Doubted() || hidden != want || expired+1 < want {
			t.Errorf("after three calm weeks, days before %v are hidden, and before %v deleted; want %v", hidden, expired, want)
		}
	}
}

// judgedLife is the life of a judge in a world whose true time is known.
type judgedLife struct {
	random    *rand.Rand
	judge     *snapshot.Judge
	truth     time.Time
	lived     time.Duration // by the process
	ahead     time.Duration // of the clock
	wrong     time.Duration // how long it has been ahead, in time that processes have run
	retention time.Duration
}

func newJudgedLife(random *rand.Rand) *judgedLife {
	life := &judgedLife{random: random, truth: noon(), retention: 30 * day}
	life.jump()
	life.judge = snapshot.NewJudge(life.reading(), nil, life.retention)
	return life
}

func (l *judgedLife) reading() time.Time { return l.truth.Add(l.ahead) }

// jump sets the clock, to anything or right.
func (l *judgedLife) jump() { l.ahead = anyAhead(l.random, l.truth) }

// anyAhead is how far ahead a clock may be.
func anyAhead(random *rand.Rand, truth time.Time) time.Duration {
	years := func(n int) time.Duration { return time.Duration(n) * 365 * day }
	to := func(year int) time.Duration { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Sub(truth) }
	choices := []time.Duration{
		0, 0, 0, 0, time.Hour, -time.Hour, years(10), -years(10), to(1970), to(2100), day, -day, 40 * day, -40 * day,
		time.Duration(random.Int64N(int64(years(20)))),
	}
	return choices[random.IntN(len(choices))]
}

// live lets the process run, with a clock that is not ahead for too long.
func (l *judgedLife) live(length time.Duration) {
	if l.ahead > time.Hour && l.wrong+length >= 6*day {
		l.ahead = 0
		l.judge.Hear(l.reading(), l.lived)
	}
	l.wrong += length
	if l.ahead <= time.Hour {
		l.wrong = 0
	}
	l.truth, l.lived = l.truth.Add(length), l.lived+length
	l.judge.Hear(l.reading(), l.lived)
}

func (l *judgedLife) step() {
	switch l.random.IntN(20) {
	case 0, 1:
		l.jump()
		l.judge.Hear(l.reading(), l.lived)
	case 2:
		l.truth = l.truth.Add(time.Duration(l.random.Int64N(int64(3 * day))))
		if l.random.IntN(10) == 0 {
			l.truth = l.truth.Add(time.Duration(l.random.Int64N(int64(200 * day))))
		}
		if l.random.IntN(3) == 0 {
			l.jump()
		}
		l.retention = time.Duration(3+l.random.IntN(1000)) * day
		l.judge.Restart(l.lived, l.reading(), l.retention)
		l.lived = 0
	default:
		l.live(time.Duration(l.random.Int64N(int64(day))))
	}
}

// problem says what a clock that is right would have kept, or shown.
func (l *judgedLife) problem() string {
	hidden, expired := l.judge.Rule(l.reading(), l.lived)
	right := kept(l.truth, l.retention)
	switch {
	case expired > right:
		return "days before " + expired.String() + " are deleted, want none from " + right.String()
	case expired > hidden:
		return "days before " + expired.String() + " are deleted, but only those before " + hidden.String() + " hidden"
	case l.ahead <= 0 && hidden > right:
		return "days before " + hidden.String() + " are hidden, want none from " + right.String()
	}
	return ""
}
