package page

import (
	"html/template"
	"math"
	"time"

	"stats-recorder/page/words"
)

// todayFacts are what the sentence about today is chosen by.
type todayFacts struct {
	weekday string
	// shown is since midnight, usual what is usual by this hour.
	shown float64
	usual usual
	// gap is how long no record has come, hourly how many shows an hour brings usually.
	gap    time.Duration
	hourly float64
	// refused says that records are refused.
	refused bool
}

const (
	// showsOfPage is how many shows come at once at least, about: a page of results.
	showsOfPage = 20
	// rare is how seldom a gap must be for it to be said.
	rare = 0.001
	// sameChange is what change is called none.
	sameChange = 0.02
)

// silent says whether such a gap is rare at this hour, if pages come by themselves:
// exp(−rate·gap) < rare.
func (f todayFacts) silent() bool {
	return f.usual.known() && f.gap > 0 && f.hourly/showsOfPage*f.gap.Hours() > -math.Log(rare)
}

// sentence is the first of the list whose condition holds.
func (f todayFacts) sentence(l *words.Language) template.HTML {
	with := words.With{"weekday": f.weekday, "n": l.Number(f.shown, 0), "low": l.Number(f.usual.low, 0), "high": l.Number(f.usual.high, 0)}
	switch {
	case f.refused:
		return l.Say("today.refused", words.With{"reason": l.Plain("refused.reason")})
	case f.silent():
		with["gap"], with["usual"] = l.Duration(f.gap), about(l, f.hourly)
		return l.Say("today.silent", with)
	case !f.usual.known() || f.usual.median <= 0:
		return l.Count("today.few", f.shown, with)
	case f.usual.within(f.shown):
		with["change"] = changeSaid(l, f.shown/f.usual.median-1, "today.more", "today.less", f.weekday)
		return l.Say("today.within", with)
	default:
		with["change"] = changeSaid(l, f.shown/f.usual.median-1, "today.more.day", "today.less.day", f.weekday)
		return l.Say("today.outside", with)
	}
}

// changeSaid says how much more or less.
func changeSaid(l *words.Language, change float64, more, less, weekday string) template.HTML {
	with := words.With{"x": l.Percent(math.Abs(change), 0), "weekday": weekday}
	switch {
	case math.Abs(change) < sameChange:
		return l.Say("today.same", with)
	case change > 0:
		return l.Say(more, with)
	default:
		return l.Say(less, with)
	}
}

// yesterdaySentence says of yesterday, which is whole, whether it was usual; nothing if
// that is not known.
func yesterdaySentence(l *words.Language, weekday string, shown float64, u usual) template.HTML {
	if !u.known() || u.median <= 0 {
		return ""
	}
	with := words.With{"weekday": weekday, "n": l.Number(shown, 0), "low": l.Number(u.low, 0), "high": l.Number(u.high, 0)}
	if u.within(shown) {
		return l.Say("today.yesterday.0", with)
	}
	with["change"] = changeSaid(l, shown/u.median-1, "day.more", "day.less", weekday)
	return l.Say("today.yesterday", with)
}
