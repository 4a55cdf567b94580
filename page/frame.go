package page

import (
	"encoding/base64"
	"encoding/binary"
	"html/template"
	"time"

	"stats-recorder/page/words"
)

// A frame is what every view has: the header, the first sentence, the filters.
type frame struct {
	*request
	// Heading names the view, Question is the one that it answers, Phrase says the
	// answer, Caveats what the answer does not say.
	Heading, Question string
	Phrase            template.HTML
	Caveats           []template.HTML
	Filters           filters
	Notes             []note
	// Download is the address of the view's numbers as CSV.
	Download string
	// Body is the filled template of the view.
	Body template.HTML
}

// A note is a message beside the numbers. Kind is warn, bad, ok or nothing.
type note struct {
	Kind, Title string
	Text        template.HTML
}

func (f *frame) common() *frame { return f }

// newFrame begins a view by its own words.
func (r *request) newFrame() *frame {
	return &frame{request: r, Heading: r.language.Plain("view." + r.view.name), Question: r.language.Plain("question." + r.view.name)}
}

// T is a message as plain text, for templates.
func (r *request) T(key string) string { return r.language.Plain(key) }

// Say is a message as HTML, for templates.
func (r *request) Say(key string) template.HTML { return r.language.Say(key, nil) }

// The rest is for the layout.

// Lang is the tag of the page's language.
func (r *request) Lang() string { return r.language.Tag }

// Other is the language that the page can be had in, too.
func (r *request) Other() *words.Language { return r.language.Other() }

// Shared says whether the view is one that somebody shared.
func (r *request) Shared() bool { return r.shared }

// Indexable says whether search engines may list the page.
func (r *request) Indexable() bool { return r.page.config.Indexable }

// Site is the name of the site.
func (r *request) Site() string { return r.page.site(r.language) }

// Assets are the addresses of style and script.
func (r *request) Assets() assetPaths { return r.page.assets }

// Here is the address of this view.
func (r *request) Here() string { return r.here() }

// Origin is the scheme, host and port under which the page was asked for, if that is known.
func (r *request) Origin() string { return r.origin }

// OtherAddress is this view in the other language.
func (r *request) OtherAddress() string { return r.here(askLanguage, r.language.Other().Tag) }

// MethodAddress is where the method is explained.
func (r *request) MethodAddress() string { return r.to("quality") + "#method" }

// Live is where the script hears of what comes in; nowhere from a shared view or for who
// may not read.
func (r *request) Live() string {
	if r.shared || r.outside {
		return ""
	}
	return livePath
}

// Navigation are the links to the views.
func (r *request) Navigation() []navigation {
	var all []navigation
	for _, name := range navigated {
		current := name == r.view.name || name == "benefits" && r.view.name == "benefit"
		all = append(all, navigation{r.to(name), r.language.Plain("nav." + name), current})
	}
	return all
}

type navigation struct {
	Address, Name string
	Current       bool
}

// Computed says when the view was made.
func (r *request) Computed() string {
	return r.language.Fill("foot.computed", words.With{"date": r.language.Date(r.now), "time": r.language.Clock(r.now), "zone": r.zone()})
}

// SharedUntil says how long the address may be read, if it is a shared one: its share
// begins with that time, and the server has checked it.
func (r *request) SharedUntil() string {
	until, ok := r.shareEnd()
	if !ok || until.Before(r.now) {
		return ""
	}
	return r.language.Fill("foot.shared", words.With{"date": r.language.Date(until), "time": r.language.Clock(until)})
}

// shareEnd is until when the address says that it may be read, if that is within a year.
func (r *request) shareEnd() (until time.Time, ok bool) {
	share, err := base64.RawURLEncoding.DecodeString(r.address[askShare])
	if err != nil || len(share) < 8 {
		return time.Time{}, false
	}
	until = time.Unix(int64(binary.BigEndian.Uint64(share)), 0).In(r.page.config.Zone)
	const year = 366 * 24 * time.Hour
	return until, until.Sub(r.now).Abs() < year
}

// Zone is the IANA name of the zone of the page.
func (r *request) Zone() string { return r.page.config.Zone.String() }

// zone names the zone of the page.
func (r *request) zone() string {
	if name := r.Zone(); name != "Europe/Paris" {
		return name
	}
	return r.language.Plain("zone.paris")
}

// LastRecord says when the last record came, to who may read.
func (r *request) LastRecord() string {
	l := r.language
	if r.outside {
		return ""
	}
	if at, ok := r.page.config.LastRecord(); ok {
		at = at.In(r.page.config.Zone)
		if sameDay(at, r.now) {
			return l.Fill("foot.last", words.With{"time": l.Clock(at)})
		}
		return l.Fill("foot.last.date", words.With{"time": l.Clock(at), "date": l.Date(at)})
	}
	if !r.span.any {
		return l.Plain("foot.last.never")
	}
	return l.Fill("foot.last.day", words.With{"date": l.Date(r.span.last.Time())})
}

func sameDay(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }

// Period says what the numbers are of.
func (f *frame) Period() string { return f.window.say(f.language) }
