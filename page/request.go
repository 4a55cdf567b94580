package page

import (
	"cmp"
	"context"
	"html/template"
	"regexp"
	"strconv"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/insight"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// A request is what was asked of a view.
type request struct {
	page     *Page
	view     view
	ctx      context.Context
	language *words.Language
	address  address
	// now is in the zone of the page.
	now    time.Time
	span   span
	window window
	stage  insight.Stage
	origin string
	// shared says that only this address may be read: nothing else is linked to.
	shared bool
	// outside says that nobody knows whether counts may be read at all.
	outside bool
}

// newRequest reads what was asked. What makes no sense is taken as not asked.
func (p *Page) newRequest(ctx context.Context, v view, asked httpapi.Request) *request {
	a := addressOf(asked.Query)
	r := &request{
		page: p, view: v, ctx: ctx, address: a, now: p.config.Now().In(p.config.Zone),
		language: words.Choose(a[askLanguage], asked.AcceptLanguage),
		stage:    insight.StageOpened, origin: safeOrigin(asked.Origin), shared: a[askShare] != "",
	}
	r.span.first, r.span.last, r.span.any = p.config.Span()
	if a[askStage] == insight.StageActed.String() {
		r.stage = insight.StageActed
	}
	r.window = chooseWindow(a, counters.HourOf(r.now).Day(), r.span)
	return r
}

// reasonableOrigin is one that may be pasted into a shell.
var reasonableOrigin = regexp.MustCompile(`^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?$|^https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?$`)

// safeOrigin is what the client called the server, unless it is no name of one.
func safeOrigin(origin string) string {
	if reasonableOrigin.MatchString(origin) {
		return origin
	}
	return "http://localhost:4000"
}

// query is what the view's answers are of.
func (r *request) query() report.Query {
	return report.Query{From: r.window.from, To: r.window.to, Version: r.version(), Stage: r.stage, Zone: r.page.config.Zone}
}

// usualVersion is the version of records that the endpoints answer for.
const usualVersion = 2

func (r *request) version() uint16 {
	version, err := strconv.ParseUint(r.address[askVersion], 10, 16)
	if err != nil {
		return usualVersion
	}
	return uint16(version)
}

// compares says whether the period before is asked for, and there is one.
func (r *request) compares() bool {
	return r.address[askCompare] == "before" && r.span.any && r.window.before().to > r.span.first && r.window.before().days() > 0
}

// before is query for the period before.
func (r *request) before() report.Query {
	q, w := r.query(), r.window.before()
	q.From, q.To = w.from, w.to
	return q
}

// period names the window in a sentence: for the period from … to ….
func (r *request) period() string {
	return r.language.Fill("period.in", words.With{"dates": r.window.dates(r.language)})
}

// to is the address of another view, with the parameters that go along.
func (r *request) to(name string, changes ...string) string {
	return r.address.only(lasting...).with(changes...).to(pathOf(name))
}

// here is the address of this view with some parameters changed.
func (r *request) here(changes ...string) string {
	return r.address.with(changes...).to(pathOf(r.view.name))
}

// download is the address of an endpoint with the answer as CSV, in the window that was
// used.
func (r *request) download(endpoint string, changes ...string) string {
	a := r.address.only(askStage, askGroup, askVersion, askBenefit).with(askLanguage, r.language.Tag,
		askStart, r.window.from.String(), askEnd, r.window.to.String()).with(changes...)
	return a.to("/insight/"+endpoint) + "&format=csv"
}

// link is a link, or only the text of one where links are of no use.
func (r *request) link(address, text string) template.HTML {
	if r.shared {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return template.HTML(`<a href="` + template.HTMLEscapeString(address) + `">` + template.HTMLEscapeString(text) + `</a>`)
}

// nameOf is what people call a benefit.
func nameOf(id report.Identity) string { return cmp.Or(string(id.Label), id.ID) }
