package words

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

const (
	noBreak = "\u00a0"
	narrow  = "\u202f"
	minus   = "−"
	dash    = "–"
)

// A Language is one that the page speaks. All its methods may be called at any time by
// any goroutine.
type Language struct {
	// Tag is its code for the lang attribute and parameter: fr or en.
	Tag      string
	tag      language.Tag
	messages map[string]string
	printer  *message.Printer
}

var (
	// French is what is spoken when nothing else was asked for.
	French = newLanguage("fr", french, frenchSentences, frenchExplanations)
	// English is the other language.
	English = newLanguage("en", english, englishSentences, englishExplanations)
	// Languages are all, French first.
	Languages = []*Language{French, English}

	matcher = language.NewMatcher([]language.Tag{language.French, language.English})
)

func newLanguage(tag string, catalogues ...map[string]string) *Language {
	l := &Language{Tag: tag, tag: language.MustParse(tag), messages: map[string]string{}}
	l.printer = message.NewPrinter(l.tag)
	for _, catalogue := range catalogues {
		for key, text := range catalogue {
			l.messages[key] = text
		}
	}
	return l
}

// Choose is the language of a request: the one that is asked for by its tag, or else
// the best for an Accept-Language header.
func Choose(asked, acceptLanguage string) *Language {
	for _, l := range Languages {
		if strings.EqualFold(l.Tag, asked) {
			return l
		}
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(tags) == 0 {
		return French
	}
	_, index, _ := matcher.Match(tags...)
	return Languages[index]
}

// Other is the other language.
func (l *Language) Other() *Language {
	if l == French {
		return English
	}
	return French
}

// IsFrench says whether it is.
func (l *Language) IsFrench() bool { return l == French }

// With are the values of a message's places, by name. Text is escaped, template.HTML
// is not.
type With map[string]any

// Has says whether there is a message of a key.
func (l *Language) Has(key string) bool { _, ok := l.messages[key]; return ok }

// Plain is a message without places as text, for attributes and pictures. The key of a
// message that does not exist is shown as it is, so that nothing else fails.
func (l *Language) Plain(key string) string {
	text, ok := l.messages[key]
	if !ok {
		return key
	}
	return l.spaces(strings.ReplaceAll(text, "**", ""))
}

// Fill is a message with its places filled as text, for attributes and pictures.
// Values must be text.
func (l *Language) Fill(key string, with With) string {
	var out strings.Builder
	l.walk(key, func(text string) { out.WriteString(l.spaces(strings.ReplaceAll(text, "**", ""))) },
		func(name string) { fmt.Fprint(&out, with[name]) })
	return out.String()
}

// Say is a message with its places filled as HTML, with raised letters and words in bold.
func (l *Language) Say(key string, with With) template.HTML {
	var out strings.Builder
	bold := false
	l.walk(key, func(text string) {
		for i, part := range strings.Split(text, "**") {
			if i > 0 {
				bold = !bold
				out.WriteString(map[bool]string{true: "<b>", false: "</b>"}[bold])
			}
			out.WriteString(l.raise(html.EscapeString(l.spaces(part))))
		}
	}, func(name string) { out.WriteString(escaped(with[name])) })
	return template.HTML(out.String())
}

// Count is Say of the message for a number of things: key.one or key.other.
func (l *Language) Count(key string, n float64, with With) template.HTML {
	return l.Say(key+l.form(n), with)
}

// CountPlain is Fill of the message for a number of things.
func (l *Language) CountPlain(key string, n float64, with With) string {
	return l.Fill(key+l.form(n), with)
}

func escaped(value any) string {
	if markup, ok := value.(template.HTML); ok {
		return string(markup)
	}
	return html.EscapeString(fmt.Sprint(value))
}

// walk calls text and place in the order in which they stand in a message.
func (l *Language) walk(key string, text func(string), place func(name string)) {
	rest, ok := l.messages[key]
	if !ok {
		rest = key
	}
	for {
		before, after, found := strings.Cut(rest, "{")
		text(before)
		if !found {
			return
		}
		name, after, _ := strings.Cut(after, "}")
		place(name)
		rest = after
	}
}

// form is the suffix of the plural form: in French 0, 1 and 1.9 are singular, in
// English only 1 is (CLDR).
func (l *Language) form(n float64) string {
	n = math.Abs(n)
	whole, fraction := math.Modf(n)
	digits, decimals := 0, 0
	if fraction > 0 {
		digits, decimals = 1, int(math.Round(10*fraction))
	}
	if plural.Cardinal.MatchPlural(l.tag, int(min(whole, 1e6)), digits, digits, decimals, decimals) == plural.One {
		return ".one"
	}
	return ".other"
}

// Number is a number with so many decimals, grouped by thousands. A dash stands for one
// that is not known.
func (l *Language) Number(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dash
	}
	if math.Abs(x) < 0.5*math.Pow(10, -float64(decimals)) {
		x = 0 // or -0 would be written
	}
	text := l.printer.Sprint(number.Decimal(x, number.MinFractionDigits(decimals), number.MaxFractionDigits(decimals)))
	// x/text writes a hyphen, and groups French thousands by a space as wide as any.
	return strings.NewReplacer("-", minus, noBreak, narrow).Replace(text)
}

// Whole is a whole number.
func (l *Language) Whole(n uint64) string { return l.Number(float64(n), 0) }

// Percent is a fraction in percent.
func (l *Language) Percent(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dash
	}
	text := l.Number(100*x, decimals)
	if l.IsFrench() {
		return text + narrow + "%"
	}
	return text + "%"
}

// Change is a fraction in percent with its sign.
func (l *Language) Change(x float64, decimals int) string {
	text := l.Percent(x, decimals)
	if 100*x >= 0.5*math.Pow(10, -float64(decimals)) {
		return "+" + text
	}
	return text
}

// Between is an interval in a table.
func (l *Language) Between(from, to string) string {
	if l.IsFrench() {
		return from + " à " + to
	}
	return from + " to " + to
}

// Ordinal is a place: 1re, 14e, 3rd, with raised letters in French.
func (l *Language) Ordinal(n int) template.HTML {
	return template.HTML(l.raise(html.EscapeString(l.OrdinalPlain(n))))
}

// OrdinalPlain is a place as text.
func (l *Language) OrdinalPlain(n int) string {
	if l.IsFrench() {
		if n == 1 {
			return "1re"
		}
		return fmt.Sprint(n) + "e"
	}
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}

// Date is a day: 1er novembre 2026, 1 November 2026.
func (l *Language) Date(t time.Time) string {
	return l.DayMonth(t) + " " + fmt.Sprint(t.Year())
}

// DayMonth is a day without its year.
func (l *Language) DayMonth(t time.Time) string {
	return l.day(t) + " " + l.Plain("month."+fmt.Sprint(int(t.Month())))
}

// ShortDay is a day without its year for a picture: 12 nov.
func (l *Language) ShortDay(t time.Time) string {
	return l.day(t) + noBreak + l.Plain("month.short."+fmt.Sprint(int(t.Month())))
}

func (l *Language) day(t time.Time) string {
	if l.IsFrench() && t.Day() == 1 {
		return "1er"
	}
	return fmt.Sprint(t.Day())
}

// Weekday is the name of the day of the week.
func (l *Language) Weekday(t time.Time) string {
	return l.Plain("weekday." + fmt.Sprint(int(t.Weekday())))
}

// Clock is an hour of the day: 14 h 32, 14:32.
func (l *Language) Clock(t time.Time) string {
	if l.IsFrench() {
		return fmt.Sprintf("%d"+noBreak+"h"+noBreak+"%02d", t.Hour(), t.Minute())
	}
	return t.Format("15:04")
}

// Hour is a whole hour of the day: 14 h, 14:00.
func (l *Language) Hour(hour int) string {
	if l.IsFrench() {
		return fmt.Sprint(hour) + noBreak + "h"
	}
	return fmt.Sprintf("%d:00", hour)
}

// Bytes is a size: 41 Go, 310 MB.
func (l *Language) Bytes(n int64) string {
	if n >= 1e9 {
		return l.Fill("gigabytes", With{"n": l.Number(float64(n)/1e9, 0)})
	}
	return l.Fill("megabytes", With{"n": l.Number(float64(n)/1e6, 0)})
}

// Duration is a length of time in its two largest units.
func (l *Language) Duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return l.CountPlain("seconds", d.Seconds(), With{"n": l.Number(d.Seconds(), 0)})
	case d < time.Hour:
		return l.CountPlain("minutes", d.Minutes(), With{"n": l.Number(math.Floor(d.Minutes()), 0)})
	case d < 48*time.Hour:
		minutes := int(d.Minutes())
		return l.Fill("hours", With{"h": fmt.Sprint(minutes / 60), "m": fmt.Sprintf("%02d", minutes%60)})
	default:
		return l.CountPlain("days", d.Hours()/24, With{"n": l.Number(math.Floor(d.Hours()/24), 0)})
	}
}
