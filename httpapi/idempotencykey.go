package httpapi

import (
	"bytes"
	"iter"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
	"stats-recorder/idempotency"
)

// How clients name a batch: by a header as the IETF drafts it
// (draft-ietf-httpapi-idempotency-key-header), or, where they cannot send headers, such as
// with navigator.sendBeacon, in the query.
const (
	headerIdempotencyKey    = "Idempotency-Key"
	parameterIdempotencyKey = "idempotency_key"

	maxKeyBytes = 64
)

var idempotencyKey = []byte(headerIdempotencyKey)

// A OnceRecorder records batches that have a key, each once.
type OnceRecorder interface {
	// Sent returns the batch that came with a key before, with its body or another one, if
	// it is remembered.
	Sent(key, body idempotency.Sum) (idempotency.Sent, bool)
	// RecordOnce records a batch, which has no records if all were rejected, unless one
	// came with the mark's key. It returns that one, or this.
	RecordOnce(batch *counters.Batch, mark counters.Mark) (idempotency.Sent, error)
}

var (
	errKeysDiffer = Unprocessable("the request has different idempotency keys: send one; nothing was recorded")
	errOtherBody  = Unprocessable("this idempotency key came before, with another body: send a new batch with a new key; nothing was recorded")
)

// batchKey is the key of a request, if it has one and they are looked at. Nearly all have
// none, which takes one look at the header.
func (s *Server) batchKey(header *fasthttp.RequestHeader) (key idempotency.Sum, found bool, err error) {
	if s.config.Once == nil {
		return key, false, nil
	}
	isNamed := header.PeekCanonical(idempotencyKey) != nil
	if !isNamed && bytes.IndexByte(header.RequestURI(), '?') < 0 {
		return key, false, nil
	}
	var name []byte
	for text := range keysOf(header) {
		next, err := parseKey(text)
		if err != nil {
			return key, false, err
		}
		if name != nil && !bytes.Equal(name, next) {
			return key, false, errKeysDiffer
		}
		name = next
	}
	if name == nil {
		return key, false, nil
	}
	return idempotency.SumOf(name), true, nil
}

// keysOf are all keys that a request has, as they came.
func keysOf(header *fasthttp.RequestHeader) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var parameters fasthttp.Args
		_, query, _ := bytes.Cut(header.RequestURI(), []byte("?"))
		parameters.ParseBytes(query)
		for _, values := range [][][]byte{
			header.PeekAll(headerIdempotencyKey),
			parameters.PeekMulti(parameterIdempotencyKey),
		} {
			for _, value := range values {
				if !yield(value) {
					return
				}
			}
		}
	}
}

// parseKey is the key that a text names: itself, or what a string in double quotes is
// (RFC 9651, 3.3.3).
func parseKey(text []byte) ([]byte, error) {
	key, ok := text, true
	if len(text) > 0 && text[0] == '"' {
		key, ok = unquoted(text)
	}
	if !ok || len(key) == 0 || len(key) > maxKeyBytes || bytes.ContainsFunc(key, isNotVisible) {
		return nil, Unprocessable("%s is no idempotency key: a key is 1 to %d bytes of visible ASCII, bare or in double quotes, such as %s; nothing was recorded",
			records.QuoteShort(string(text)), maxKeyBytes, "4c1f8a52-7d0e-4b5b-9a57-2f2f0c6f1d3e")
	}
	return key, nil
}

func isNotVisible(r rune) bool { return r < '!' || r > '~' }

// unquoted is the content of a string in double quotes, in which a backslash stands before
// each quote and backslash.
func unquoted(text []byte) (content []byte, ok bool) {
	last := len(text) - 1
	for i := 1; i < last; i++ {
		switch text[i] {
		case '"':
			return nil, false
		case '\\':
			if i++; i == last || (text[i] != '"' && text[i] != '\\') {
				return nil, false
			}
		}
		content = append(content, text[i])
	}
	return content, last > 0 && text[last] == '"'
}

// repeated is what a batch gets that came before: it counts nothing, and its answer is
// that of the first one.
func (s *Server) repeated(sent idempotency.Sent) (taken, error) {
	if sent.Other {
		s.metrics.repeated.otherBody.Add(1)
		return taken{}, errOtherBody
	}
	s.metrics.repeated.answered.Add(1)
	rejections, err := decodeAnswer(sent.Answer)
	return taken{ticket: sent.Ticket, rejections: rejections}, err
}

// encodeAnswer is what a key remembers of an answer about records that are bad, nothing
// where none are. All that it says must be kept: what is bad depends on settings and on
// the time of day, which may have changed when the batch comes again.
func encodeAnswer(rejections []byte) string {
	if rejections == nil {
		return ""
	}
	return string(fasthttp.AppendZstdBytesLevel(nil, rejections, fasthttp.CompressZstdDefault))
}

func decodeAnswer(answer string) (rejections []byte, err error) {
	if answer == "" {
		return nil, nil
	}
	return fasthttp.AppendUnzstdBytes(nil, []byte(answer))
}
