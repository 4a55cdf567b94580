package httpapi

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// inflated returns the request's body without its Content-Encoding. What is
// larger than the limit is refused while it is being inflated.
func (s *Server) inflated(ctx *fasthttp.RequestCtx) ([]byte, error) {
	limit := s.config.MaxBodyBytes
	encoding := strings.ToLower(string(ctx.Request.Header.ContentEncoding()))
	if encoding == "" || encoding == "identity" {
		body := ctx.Request.Body()
		if len(body) > limit {
			return nil, tooLarge(limit)
		}
		return body, nil
	}
	s.inflating <- struct{}{}
	defer func() { <-s.inflating }()
	var body []byte
	var err error
	switch encoding {
	case "gzip", "x-gzip":
		body, err = ctx.Request.BodyGunzipWithLimit(limit)
	case "deflate":
		body, err = ctx.Request.BodyInflateWithLimit(limit)
	case "br":
		body, err = ctx.Request.BodyUnbrotliWithLimit(limit)
	case "zstd":
		body, err = ctx.Request.BodyUnzstdWithLimit(limit)
	default:
		return nil, &statusError{fasthttp.StatusUnsupportedMediaType,
			"unsupported Content-Encoding " + quoteShort(encoding) + ": use gzip, deflate, br, zstd or none"}
	}
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return nil, tooLarge(limit)
	case err != nil:
		return nil, &statusError{fasthttp.StatusUnprocessableEntity, "the body is not valid " +
			string(ctx.Request.Header.ContentEncoding()) + ": " + err.Error()}
	}
	return body, nil
}

func tooLarge(limit int) *statusError {
	return &statusError{fasthttp.StatusRequestEntityTooLarge,
		"the body is larger than " + strconv.Itoa(limit) + " bytes: send fewer records at a time"}
}

// acceptableContentType is JSON, or plain text, which a page may send to
// another origin without a preflight.
func acceptableContentType(header []byte) bool {
	mediaType, _, _ := bytes.Cut(header, []byte(";"))
	mediaType = bytes.TrimSpace(mediaType)
	return bytes.EqualFold(mediaType, []byte("application/json")) || bytes.EqualFold(mediaType, []byte("text/plain"))
}

// contentCodings are what answers can be compressed with, the cheapest first.
var contentCodings = []struct {
	name     string
	compress func(body []byte) []byte
}{
	{"zstd", func(body []byte) []byte {
		return fasthttp.AppendZstdBytesLevel(nil, body, fasthttp.CompressZstdDefault)
	}},
	{"gzip", func(body []byte) []byte {
		return fasthttp.AppendGzipBytesLevel(nil, body, fasthttp.CompressDefaultCompression)
	}},
	{"br", func(body []byte) []byte {
		return fasthttp.AppendBrotliBytesLevel(nil, body, fasthttp.CompressBrotliDefaultCompression)
	}},
}

// chooseCoding returns the index in contentCodings of what an Accept-Encoding
// header asks for most (RFC 9110, 12.5.3), or -1 for no compression. fasthttp
// does not weigh q-values.
func chooseCoding(header string) int {
	best, bestWeight := -1, 0.0
	for i, coding := range contentCodings {
		if weight := codingWeight(header, coding.name); weight > bestWeight {
			best, bestWeight = i, weight
		}
	}
	if best >= 0 && codingWeight(header, "identity") > bestWeight {
		return -1
	}
	return best
}

// codingWeight is the q-value of a coding, by its name or else by "*"; 0 when
// it is not listed.
func codingWeight(header, name string) float64 {
	weight := 0.0
	for item := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		coding = strings.TrimSpace(coding)
		q := 1.0
		if text, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q="); found {
			q, _ = strconv.ParseFloat(text, 64)
		}
		if strings.EqualFold(coding, name) {
			return q
		}
		if coding == "*" && name != "identity" {
			weight = q
		}
	}
	return weight
}

// respondCacheable answers a GET or HEAD with JSON: with an ETag, with 304 when
// the client has it already, compressed when asked.
func (s *Server) respondCacheable(ctx *fasthttp.RequestCtx, body []byte) {
	header := &ctx.Response.Header
	header.Add(fasthttp.HeaderVary, fasthttp.HeaderAcceptEncoding)
	header.Set(fasthttp.HeaderCacheControl, "no-cache")
	tag := s.entityTag(body)
	header.Set(fasthttp.HeaderETag, tag)
	if matchesTag(string(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch)), tag) {
		ctx.Response.ResetBody()
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	if coding := chooseCoding(string(ctx.Request.Header.Peek(fasthttp.HeaderAcceptEncoding))); coding >= 0 {
		header.Set(fasthttp.HeaderContentEncoding, contentCodings[coding].name)
		body = contentCodings[coding].compress(body)
	}
	respondJSON(ctx, fasthttp.StatusOK, body)
}

// matchesTag is the weak comparison of RFC 9110, 13.1.2.
func matchesTag(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
