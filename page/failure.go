package page

import (
	"context"
	"html/template"
	"net/http"
	"strconv"

	"stats-recorder/httpapi"
	"stats-recorder/page/words"
)

// failed is the name of the view of a failure, and of its template.
const failed = "failed"

// failureView says why there is nothing to show: what went wrong, and what to do.
type failureView struct {
	*frame
	Steps []template.HTML
	// Told is what the server says to programs, in English. It may quote the request.
	Told string
	// Again says that the same address may be asked for again.
	Again bool
	// First is the address of the first view.
	First string
}

// Failure is the page of a failure, for a browser that asked for a page; made is false if
// there is none. What went wrong with the page itself is logged.
func (p *Page) Failure(f httpapi.Failure) (page httpapi.Answer, made bool) {
	r := p.newRequest(context.Background(), view{name: failed}, f.Request)
	// Everything else is found out before, or instead of, who may read.
	r.outside = f.Status != http.StatusInternalServerError && f.Status != http.StatusServiceUnavailable
	body, err := p.render(failed, r.failure(f))
	if err != nil {
		p.config.Logger.Error("cannot show a failure", "status", f.Status, "error", err)
		return httpapi.Answer{}, false
	}
	return httpapi.Answer{Body: body, ContentType: contentType, Header: r.headers()}, true
}

// failure says a failure in the words of its kind.
func (r *request) failure(f httpapi.Failure) *failureView {
	l, kind := r.language, r.kindOf(f.Status)
	v := &failureView{frame: r.newFrame(), Again: kind != "missing" && kind != "expired", First: r.to("today")}
	v.Heading = l.Plain("error." + kind + ".title")
	v.Question = l.Fill("error.status", words.With{"status": strconv.Itoa(f.Status)})
	with := words.With{}
	if until, ok := r.shareEnd(); ok {
		with = words.With{"date": l.Date(until), "time": l.Clock(until)}
	}
	v.Phrase = l.Say("error."+kind, with)
	if !r.outside && !r.page.config.Refusing() {
		v.Caveats = []template.HTML{l.Say("error.still", nil)}
	}
	v.Steps = []template.HTML{l.Say("error."+kind+".do", nil)}
	if also := "error." + kind + ".do.also"; l.Has(also) {
		v.Steps = append(v.Steps, l.Say(also, nil))
	}
	switch kind {
	case "parameters", "refused", "busy":
		v.Told = f.Message
	}
	return v
}

// kindOf is the kind of failure of a status.
func (r *request) kindOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return r.lockedOut()
	case http.StatusNotFound:
		return "missing"
	case http.StatusMethodNotAllowed:
		return "method"
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "parameters"
	case http.StatusServiceUnavailable:
		return "busy"
	case http.StatusInternalServerError:
		return "failed"
	}
	return "refused"
}

// lockedOut is why a client may not read: it knows no password, or has an address that
// is not shared any more.
func (r *request) lockedOut() string {
	if !r.shared {
		return "password"
	}
	if until, ok := r.shareEnd(); ok && until.Before(r.now) {
		return "expired"
	}
	return "unshared"
}
