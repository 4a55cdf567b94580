package page

import (
	"html/template"

	"stats-recorder/page/words"
)

// fewPages is below how many pages the view of benefits says that they are few.
const fewPages = 1000

// benefitsFacts are what the sentence about benefits is chosen by.
type benefitsFacts struct {
	period, group, search string
	// shown are the benefits that were shown, pages the pages of all.
	shown int
	pages uint64
	// opened says that something was, identified that merit and place can be told apart.
	opened, identified bool
	// above, below and undecided are benefits by verdict, under those that are
	// under-exposed, apart those that cannot be compared.
	above, below, undecided, under, apart int
}

// sentence is the first of the list whose condition holds.
func (f benefitsFacts) sentence(l *words.Language) template.HTML {
	number := func(n int) string { return l.Number(float64(n), 0) }
	with := words.With{
		"period": f.period, "group": f.group, "search": f.search, "n": l.Whole(f.pages),
		"a": number(f.above), "b": number(f.below), "u": number(f.undecided), "t": number(f.compared()),
		"x": number(f.under), "y": number(f.apart),
	}
	switch {
	case f.shown == 0 && f.search != "":
		return l.Say("benefits.search.none", with)
	case f.shown == 0 && f.group != "":
		return l.Say("benefits.group.none", with)
	case f.shown == 0:
		return l.Say("benefits.nothing", with)
	case !f.opened:
		return l.Say("benefits.unopened", with)
	case !f.identified:
		return l.Say("benefits.unidentified", with)
	}
	return join(f.among(l, with), f.verdicts(l, with), f.underExposed(l, with), f.others(l, with))
}

func (f benefitsFacts) compared() int { return f.above + f.below + f.undecided }

func (f benefitsFacts) among(l *words.Language, with words.With) template.HTML {
	if f.group == "" {
		return ""
	}
	return l.Count("benefits.group", float64(f.compared()), with)
}

func (f benefitsFacts) verdicts(l *words.Language, with words.With) template.HTML {
	switch {
	case f.pages < fewPages && f.undecided > 0:
		return l.Count("benefits.few", float64(f.pages), with)
	case f.above+f.below == 0:
		return l.Say("benefits.same", with)
	case f.above == 0:
		return l.Say("benefits.none.above", with)
	case f.undecided == 0:
		return l.Count("benefits.decided", float64(f.above), with)
	default:
		return l.Count("benefits.ordinary", float64(f.above), with)
	}
}

func (f benefitsFacts) underExposed(l *words.Language, with words.With) template.HTML {
	if f.under == 0 {
		return ""
	}
	return l.Count("benefits.under", float64(f.under), with)
}

func (f benefitsFacts) others(l *words.Language, with words.With) template.HTML {
	if f.apart == 0 {
		return ""
	}
	return l.Count("benefits.apart", float64(f.apart), with)
}
