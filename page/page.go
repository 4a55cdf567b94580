package page

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"slices"
	"strings"
	"time"

	"stats-recorder/counters"
	"stats-recorder/httpapi"
	"stats-recorder/page/draw"
	"stats-recorder/page/words"
	"stats-recorder/report"
)

// Reports are the answers that views are made of, those of report.Reporter.
type Reports interface {
	Benefits(context.Context, report.Query) (report.Benefits, error)
	Positions(context.Context, report.Query) (report.Positions, error)
	Funnel(context.Context, report.Query) (report.Funnel, error)
	Timeline(context.Context, report.Query) (report.Timeline, error)
	Quality(context.Context, report.Query) (report.Quality, error)
	// Visitors and Experiments return report.ErrNoVisitors while nobody counts visitors.
	Visitors(context.Context, report.Query) (report.Visitors, error)
	Experiments(context.Context, report.Query) (report.Experiments, error)
}

// Config is what a Page needs.
type Config struct {
	Reports Reports
	// Span is the first and the last UTC day that have counts, if any has.
	Span func() (first, last counters.Day, any bool)
	// LastRecord is when the last record was taken since the start, if one was.
	LastRecord func() (time.Time, bool)
	// Refusing says whether records are refused because the disk takes nothing.
	Refusing func() bool
	// FreeBytes is the space that is left for records; -1 where nobody knows.
	FreeBytes func() int64
	// Title is the name of the site; empty for a general one.
	Title string
	// Zone is that of the hours and dates that people read.
	Zone *time.Location
	// Indexable lets search engines in.
	Indexable bool
	// Now is the clock.
	Now func() time.Time
	// Logger gets what cannot be shown to people.
	Logger *slog.Logger
}

const (
	// Root is the path of the first view.
	Root = "/insight/"
	// livePath is where the script hears of what comes in: today's counts since midnight
	// UTC, and when the last record came.
	livePath = Root + "live"
)

// policy lets nothing in but what the server itself has.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const (
	// patience is how long a view waits for its answers.
	patience = 30 * time.Second
	// contentType is that of all views.
	contentType = "text/html; charset=utf-8"
)

//go:embed templates
var templateFiles embed.FS

// A Page is the views over a configuration. Make one with New.
type Page struct {
	config    Config
	assets    assetPaths
	open      []httpapi.Read
	templates *template.Template
}

// New returns the page. The error is one of what is embedded in the program.
func New(config Config) (*Page, error) {
	assets, open, err := loadAssets()
	if err != nil {
		return nil, err
	}
	templates, err := template.New("page").Funcs(template.FuncMap{"marks": func() template.HTML { return draw.Marks }}).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the embedded templates: %w", err)
	}
	return &Page{config: config, assets: assets, open: open, templates: templates}, nil
}

// A view answers one question.
type view struct {
	// name is that of its template, and in its path and its words.
	name string
	// show makes what the template is filled with.
	show func(*request) (content, error)
}

// content is what a view's template is filled with.
type content interface{ common() *frame }

// views are all.
func views() []view {
	return []view{
		{"today", showToday}, {"benefits", showBenefits}, {"benefit", showBenefit}, {"positions", showPositions},
		{"funnel", showFunnel}, {"experiments", showExperiments}, {"quality", showQuality},
	}
}

// navigated are the views of the navigation, in their order.
var navigated = []string{"today", "benefits", "positions", "funnel", "experiments", "quality"}

// pathOf is where a view is. That of a failure is where it came about, wherever that is.
func pathOf(name string) string {
	switch name {
	case "today":
		return Root
	case failed:
		return ""
	}
	return Root + "page/" + name
}

// Reads are the views and the assets.
func (p *Page) Reads() []httpapi.Read {
	reads := slices.Clone(p.open)
	for _, v := range views() {
		reads = append(reads, httpapi.Read{
			Path: strings.TrimSuffix(pathOf(v.name), "/"), Parameters: parameters, Access: httpapi.AccessByBrowser,
			Answer: func(r httpapi.Request) (httpapi.Answer, error) { return p.answer(v, r) },
		})
	}
	return reads
}

// answer is a view as HTML.
func (p *Page) answer(v view, asked httpapi.Request) (httpapi.Answer, error) {
	ctx, cancel := context.WithTimeout(report.ForOneAnswer(context.Background()), patience)
	defer cancel()
	r := p.newRequest(ctx, v, asked)
	shown, err := v.show(r)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return httpapi.Answer{}, httpapi.Busy()
	case err != nil:
		return httpapi.Answer{}, fmt.Errorf("show the view %q: %w", v.name, err)
	}
	name := v.name
	if t, ok := shown.(templated); ok {
		name = t.template()
	}
	body, err := p.render(name, shown)
	if err != nil {
		return httpapi.Answer{}, err
	}
	return httpapi.Answer{Body: body, ContentType: contentType, Header: r.headers()}, nil
}

// templated is content with another template than the view's.
type templated interface{ template() string }

// render fills the template of a view, and the layout around it.
func (p *Page) render(name string, shown content) ([]byte, error) {
	var inner, whole bytes.Buffer
	if err := p.templates.ExecuteTemplate(&inner, name, shown); err != nil {
		return nil, fmt.Errorf("fill the template %q: %w", name, err)
	}
	f := shown.common()
	f.Body = template.HTML(inner.String())
	if err := p.templates.ExecuteTemplate(&whole, "layout", f); err != nil {
		return nil, fmt.Errorf("fill the layout around %q: %w", name, err)
	}
	return whole.Bytes(), nil
}

// headers keep out whatever is not the server's own.
func (r *request) headers() []httpapi.Header {
	headers := []httpapi.Header{
		{Name: "Content-Security-Policy", Value: policy},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "Referrer-Policy", Value: "no-referrer"},
		{Name: "Content-Language", Value: r.language.Tag},
		{Name: "Vary", Value: "Accept-Language"},
	}
	if !r.page.config.Indexable {
		headers = append(headers, httpapi.Header{Name: "X-Robots-Tag", Value: "noindex, nofollow"})
	}
	return headers
}

// site is the title of the site in a language.
func (p *Page) site(l *words.Language) string {
	if p.config.Title != "" {
		return p.config.Title
	}
	return l.Plain("site.title")
}
