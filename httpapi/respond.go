package httpapi

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/goccy/go-json/jsontext"
	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
	"stats-recorder/httpapi/records"
	"stats-recorder/httpapi/spool"
)

// errUnavailable means that records could not be made durable and are not
// counted: the client may send them again later.
var errUnavailable = errors.New("records cannot be taken at the moment")

// errNotFound is the error for a path that nothing is at.
var errNotFound = &Error{fasthttp.StatusNotFound, "not found: the paths are /benefits, /benefits/timeline and /statistics"}

// errInternal is what clients are told of errors that are not for them.
var errInternal = &Error{fasthttp.StatusInternalServerError, "internal error"}

var jsonContentType = []byte("application/json; charset=utf-8")

const (
	// retryAfter and retrySeconds are how many seconds a client should wait after a 503.
	retryAfter, retrySeconds = "5", 5
)

// Error is an error with the status that tells it to a client, who may read its
// message.
type Error struct {
	// Status is an HTTP status from 400 to 599.
	Status int
	// Message says to a person what went wrong and what to do.
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unprocessable is the error for a query that cannot be answered.
func Unprocessable(format string, arguments ...any) *Error {
	return &Error{fasthttp.StatusUnprocessableEntity, fmt.Sprintf(format, arguments...)}
}

// isKnown says whether an error is one that clients are told as it is.
func isKnown(err error) bool {
	var known *Error
	return errors.As(err, &known)
}

// fail answers with an error; the text of an unknown one stays inside.
func fail(response *fasthttp.Response, err error) {
	told := failureOf(err)
	if told.RetryAfter > 0 {
		response.Header.Set(fasthttp.HeaderRetryAfter, strconv.Itoa(told.RetryAfter))
	}
	respondMessage(response, told.Status, told.Message)
}

// failureOf is what clients are told of an error. This is the one place where errors
// become statuses.
func failureOf(err error) Failure {
	var known *Error
	var limit *limitError
	var body *records.BodyError
	switch {
	case errors.As(err, &limit):
		return Failure{Status: fasthttp.StatusTooManyRequests, Message: limit.Error(), RetryAfter: limit.seconds}
	case errors.As(err, &known):
		return Failure{Status: known.Status, Message: known.Message}
	case errors.As(err, &body):
		return Failure{Status: fasthttp.StatusUnprocessableEntity, Message: body.Error()}
	case errors.Is(err, errBusy), errors.Is(err, spool.ErrFull):
		return Failure{Status: fasthttp.StatusServiceUnavailable, RetryAfter: retrySeconds,
			Message: "too many clients read at the moment; try again in " + retryAfter + " seconds"}
	case errors.Is(err, errUnavailable):
		return Failure{Status: fasthttp.StatusServiceUnavailable, RetryAfter: retrySeconds,
			Message: "the records were not recorded: the server cannot save at the moment; send them again in " + retryAfter + " seconds"}
	default:
		return Failure{Status: errInternal.Status, Message: errInternal.Message}
	}
}

// protocolError is the error for a client of which no valid request came.
func (s *Server) protocolError(err error) error {
	var tooLargeHeader *fasthttp.ErrSmallBuffer
	var network net.Error
	switch {
	case errors.Is(err, conn.ErrTooLarge):
		return tooLarge(s.config.MaxBodyBytes)
	case errors.As(err, &tooLargeHeader):
		return &Error{fasthttp.StatusRequestHeaderFieldsTooLarge, "the request's header is too large"}
	case errors.As(err, &network) && network.Timeout():
		return &Error{fasthttp.StatusRequestTimeout, "the request did not arrive in time"}
	default:
		return &Error{fasthttp.StatusBadRequest, "not a valid HTTP request"}
	}
}

func tooLarge(limit int) *Error {
	return &Error{fasthttp.StatusRequestEntityTooLarge,
		"the body is larger than " + strconv.Itoa(limit) + " bytes: send fewer records at a time"}
}

// respondMessage answers {"message":…}.
func respondMessage(response *fasthttp.Response, status int, message string) {
	body := append([]byte(nil), `{"message":`...)
	body = appendQuoted(body, message)
	respondJSON(response, status, append(body, '}'))
}

// respondJSON answers with a body that nobody changes any more.
func respondJSON(response *fasthttp.Response, status int, body []byte) {
	response.SetStatusCode(status)
	response.Header.SetContentTypeBytes(jsonContentType)
	response.SetBodyRaw(body)
}

// rejectionsAnswer says that some records were bad, and which.
func rejectionsAnswer(d *records.Decoder) []byte {
	total := len(d.Records) + d.Rejections
	first := d.Rejected[0]
	message := strconv.Itoa(d.Rejections) + " of " + strconv.Itoa(total) + " records rejected: "
	if !d.Single {
		message += "[" + strconv.Itoa(first.Index) + "]"
		if first.Field != records.WholeRecord {
			message += "."
		}
	}
	message += first.Field.String() + ": " + first.Message

	body := append([]byte(nil), `{"message":`...)
	body = appendQuoted(body, message)
	body = append(body, `,"recorded":`...)
	body = strconv.AppendInt(body, int64(len(d.Records)), 10)
	body = append(body, `,"errors":[`...)
	for i, rejection := range d.Rejected {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"index":`...)
		body = strconv.AppendInt(body, int64(rejection.Index), 10)
		body = append(body, `,"field":`...)
		body = appendQuoted(body, rejection.Field.String())
		body = append(body, `,"message":`...)
		body = append(appendQuoted(body, rejection.Message), '}')
	}
	return append(body, "]}"...)
}

// appendQuoted appends text as a JSON string.
func appendQuoted(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // invalid UTF-8 becomes U+FFFD, which is what we want
	return dst
}
