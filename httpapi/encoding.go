package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/records"
)

// encodingOverhead is how much larger than its content a compressed body may be.
const encodingOverhead = 4096

// inflated returns the request's body without its Content-Encoding. What is
// larger than the limit is refused while it is being inflated.
func (s *Server) inflated(request *fasthttp.Request) ([]byte, error) {
	limit := s.config.MaxBodyBytes
	encoding := strings.ToLower(string(request.Header.ContentEncoding()))
	if encoding == "" || encoding == "identity" {
		body := request.Body()
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
		body, err = request.BodyGunzipWithLimit(limit)
	case "deflate":
		body, err = request.BodyInflateWithLimit(limit)
	case "br":
		body, err = request.BodyUnbrotliWithLimit(limit)
	default: // acceptableEncoding lets no other through
		body, err = request.BodyUnzstdWithLimit(limit)
	}
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return nil, tooLarge(limit)
	case err != nil:
		return nil, &Error{fasthttp.StatusUnprocessableEntity, "the body is not valid " +
			string(request.Header.ContentEncoding()) + ": " + err.Error()}
	}
	return body, nil
}

// acceptableEncoding returns an error for a Content-Encoding that nobody inflates.
func acceptableEncoding(header *fasthttp.RequestHeader) error {
	encoding := header.ContentEncoding()
	if len(encoding) == 0 { // nearly always
		return nil
	}
	switch strings.ToLower(string(encoding)) {
	case "identity", "gzip", "x-gzip", "deflate", "br", "zstd":
		return nil
	default:
		return &Error{fasthttp.StatusUnsupportedMediaType,
			"unsupported Content-Encoding " + records.QuoteShort(strings.ToLower(string(encoding))) + ": use gzip, deflate, br, zstd or none"}
	}
}

// acceptableContentType is JSON, or plain text, which a page may send to another
// origin without a preflight; in UTF-8, which JSON is in (RFC 8259, 8.1).
func acceptableContentType(header []byte) bool {
	if string(header) == "application/json" { // nearly always
		return true
	}
	mediaType, parameters, _ := bytes.Cut(header, []byte(";"))
	mediaType = bytes.TrimSpace(mediaType)
	known := bytes.EqualFold(mediaType, []byte("application/json")) || bytes.EqualFold(mediaType, []byte("text/plain"))
	return known && inUTF8(header, bytes.TrimSpace(parameters))
}

// inUTF8 says whether the parameters of a Content-Type name no other charset. What
// cannot be read names none, unless it has one.
func inUTF8(header, parameters []byte) bool {
	if len(parameters) == 0 || bytes.EqualFold(parameters, []byte("charset=utf-8")) { // nearly always
		return true
	}
	_, read, err := mime.ParseMediaType(string(header))
	if err != nil {
		return !bytes.Contains(bytes.ToLower(parameters), []byte("charset"))
	}
	charset := read["charset"]
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

// contentCodings are what answers can be compressed with, the cheapest first.
var contentCodings = []contentCoding{
	{
		"zstd", func(body []byte) []byte {
			return fasthttp.AppendZstdBytesLevel(nil, body, fasthttp.CompressZstdDefault)
		}, func(w io.Writer) (io.WriteCloser, error) {
			return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(codingWindow))
		},
	},
	{
		"gzip", func(body []byte) []byte {
			return fasthttp.AppendGzipBytesLevel(nil, body, fasthttp.CompressDefaultCompression)
		}, func(w io.Writer) (io.WriteCloser, error) {
			return gzip.NewWriterLevel(w, fasthttp.CompressDefaultCompression)
		},
	},
	{
		"br", func(body []byte) []byte {
			return fasthttp.AppendBrotliBytesLevel(nil, body, fasthttp.CompressBrotliDefaultCompression)
		}, func(w io.Writer) (io.WriteCloser, error) {
			return brotli.NewWriterLevel(w, fasthttp.CompressBrotliDefaultCompression), nil
		},
	},
}

// codingWindow bounds what compressing a large answer takes.
const codingWindow = 1 << 20

type contentCoding struct {
	name     string
	compress func(body []byte) []byte
	// stream returns a writer for what need not fit into memory.
	stream func(io.Writer) (io.WriteCloser, error)
}

// compressTo writes all of a body compressed.
func (c contentCoding) compressTo(w io.Writer, body io.Reader) error {
	compressor, err := c.stream(w)
	if err == nil {
		_, err = io.Copy(struct{ io.Writer }{compressor}, body)
		err = errors.Join(err, compressor.Close())
	}
	if err != nil {
		return fmt.Errorf("compress a large answer with %s: %w", c.name, err)
	}
	return nil
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
