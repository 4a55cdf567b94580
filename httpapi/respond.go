package httpapi

import (
	"errors"
	"strconv"

	"github.com/goccy/go-json/jsontext"
	"github.com/valyala/fasthttp"
)

// errUnavailable means that records could not be made durable and are not
// counted: the client may send them again later.
var errUnavailable = errors.New("records cannot be taken at the moment")

var jsonContentType = []byte("application/json; charset=utf-8")

const (
	// retryAfter is how many seconds a client should wait after a 503.
	retryAfter = "5"
)

// statusError is an error with the status that tells it to a client, who may
// read its message.
type statusError struct {
	status  int
	message string
}

func (e *statusError) Error() string { return e.message }

// fail answers with an error. This is the one place where errors become
// statuses; the text of an unknown error stays inside.
func fail(ctx *fasthttp.RequestCtx, err error) {
	var known *statusError
	var limit *limitError
	switch {
	case errors.As(err, &limit):
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(limit.seconds))
		respondMessage(ctx, fasthttp.StatusTooManyRequests, limit.Error())
	case errors.As(err, &known):
		respondMessage(ctx, known.status, known.message)
	case errors.Is(err, errBusy):
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter)
		respondMessage(ctx, fasthttp.StatusServiceUnavailable, "too many clients read at the moment; try again in "+retryAfter+" seconds")
	case errors.Is(err, errUnavailable):
		ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, retryAfter)
		respondMessage(ctx, fasthttp.StatusServiceUnavailable,
			"the records were not recorded: the server cannot save at the moment; send them again in "+retryAfter+" seconds")
	default:
		respondMessage(ctx, fasthttp.StatusInternalServerError, "internal error")
	}
}

// respondMessage answers {"message":…}.
func respondMessage(ctx *fasthttp.RequestCtx, status int, message string) {
	body := append([]byte(nil), `{"message":`...)
	body = appendQuoted(body, message)
	respondJSON(ctx, status, append(body, '}'))
}

// respondJSON answers with a body that nobody changes any more.
func respondJSON(ctx *fasthttp.RequestCtx, status int, body []byte) {
	ctx.SetStatusCode(status)
	ctx.SetContentTypeBytes(jsonContentType)
	ctx.Response.SetBodyRaw(body)
}

// rejectionsAnswer says that some records were bad, and which.
func rejectionsAnswer(d *decoder) []byte {
	total := len(d.records) + d.rejections
	first := d.rejected[0]
	message := strconv.Itoa(d.rejections) + " of " + strconv.Itoa(total) + " records rejected: "
	if !d.single {
		message += "[" + strconv.Itoa(first.index) + "]"
		if first.field != "" {
			message += "."
		}
	}
	message += first.field + ": " + first.message

	body := append([]byte(nil), `{"message":`...)
	body = appendQuoted(body, message)
	body = append(body, `,"recorded":`...)
	body = strconv.AppendInt(body, int64(len(d.records)), 10)
	body = append(body, `,"errors":[`...)
	for i, rejection := range d.rejected {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"index":`...)
		body = strconv.AppendInt(body, int64(rejection.index), 10)
		body = append(body, `,"field":`...)
		body = appendQuoted(body, rejection.field)
		body = append(body, `,"message":`...)
		body = append(appendQuoted(body, rejection.message), '}')
	}
	return append(body, "]}"...)
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // invalid UTF-8 becomes U+FFFD, which is what we want
	return dst
}
