package contract

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"

	"stats-recorder/service"
)

// encodings are the content encodings of requests that change the body.
func encodings() []string { return []string{"gzip", "deflate", "br", "zstd"} }

func encode(t testing.TB, encoding, body string) string {
	t.Helper()
	var encoded bytes.Buffer
	var writer io.WriteCloser
	switch encoding {
	case "gzip":
		writer = gzip.NewWriter(&encoded)
	case "deflate":
		writer = zlib.NewWriter(&encoded)
	case "br":
		return string(fasthttp.AppendBrotliBytesLevel(nil, []byte(body), fasthttp.CompressBrotliBestSpeed))
	case "zstd":
		encoder, err := zstd.NewWriter(&encoded)
		if err != nil {
			t.Fatal(err)
		}
		writer = encoder
	default:
		t.Fatalf("no encoder for %q", encoding)
	}
	if _, err := io.WriteString(writer, body); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return encoded.String()
}

func decode(t testing.TB, encoding, body string) string {
	t.Helper()
	var decoded []byte
	var err error
	switch encoding {
	case "gzip":
		decoded, err = fasthttp.AppendGunzipBytes(nil, []byte(body))
	case "br":
		decoded, err = fasthttp.AppendUnbrotliBytes(nil, []byte(body))
	case "zstd":
		decoded, err = fasthttp.AppendUnzstdBytes(nil, []byte(body))
	case "", "identity":
		return body
	default:
		err = fmt.Errorf("no decoder for %q", encoding)
	}
	if err != nil {
		t.Fatalf("decode a reply of %d bytes as %q: %v", len(body), encoding, err)
	}
	return string(decoded)
}

// padded is one good record in a body of exactly size bytes.
func padded(size int) string {
	body := recordOf("good")
	return body + strings.Repeat(" ", size-len(body))
}

func TestRequestsMayBeEncoded(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, encoding := range encodings() {
		s.postAs(t, encoding, encode(t, encoding, times(30, recordOf("good")))).expectCreated(t)
		s.postAs(t, strings.ToUpper(encoding), encode(t, encoding, recordOf("good"))).expectCreated(t)
		s.postAs(t, encoding, encode(t, encoding, "[]")).expectCreated(t)
		s.post(t, encode(t, encoding, recordOf("good")),
			"Content-Encoding", encoding, "Content-Type", "text/plain;charset=UTF-8").expectCreated(t)
	}
	s.postAs(t, "identity", recordOf("good")).expectCreated(t)
	s.alsoAfterRestart(t, func(t *testing.T) { s.expectTotal(t, "good", 4*32+1) })
}

func TestUnknownEncodingsAreUnsupported(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, encoding := range []string{"compress", "lzma", "gzipp", "utf-8", "*"} {
		s.postAs(t, encoding, recordOf("good")).expectMessage(t, http.StatusUnsupportedMediaType)
	}
	s.expectNothing(t)
}

func TestBrokenEncodingsAreRefusedAndRecordNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	body := times(30, recordOf("good"))
	for _, encoding := range encodings() {
		encoded := encode(t, encoding, body)
		for name, broken := range map[string]string{
			"plain":         body,
			"empty":         "",
			"first byte":    encoded[:1],
			"cut in half":   encoded[:len(encoded)/2],
			"last byte cut": encoded[:len(encoded)-1],
		} {
			t.Run(encoding+" "+name, func(t *testing.T) {
				s.postAs(t, encoding, broken).expectMessage(t, http.StatusUnprocessableEntity)
			})
		}
		s.postAs(t, encoding, encode(t, encoding, `{"x":`)).expectMessage(t, http.StatusUnprocessableEntity)
	}
	s.alsoAfterRestart(t, func(t *testing.T) { s.expectNothing(t) })
}

func TestAWrongChecksumOfAnEncodingIsRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for _, test := range []struct {
		encoding string
		checksum int // where it begins, from the end
	}{{"gzip", 8}, {"deflate", 4}, {"zstd", 4}} {
		encoded := []byte(encode(t, test.encoding, recordOf("good")))
		encoded[len(encoded)-test.checksum] ^= 0x55
		s.postAs(t, test.encoding, string(encoded)).expectMessage(t, http.StatusUnprocessableEntity)
	}
	s.expectNothing(t)
}

func TestBodiesUpToTheLimitAreTaken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit     int
		encodings []string
	}{{128 << 10, encodings()}, {1000, encodings()}, {5 << 20, []string{"gzip"}}} {
		s := startServer(t, func(c *service.Config) { c.MaxBodyBytes = test.limit })
		good, large := padded(test.limit), padded(test.limit+1)
		s.created(t, good)
		s.post(t, large).expectMessage(t, http.StatusRequestEntityTooLarge)
		for _, encoding := range test.encodings {
			s.postAs(t, encoding, encode(t, encoding, good)).expectCreated(t)
			s.postAs(t, encoding, encode(t, encoding, large)).expectMessage(t, http.StatusRequestEntityTooLarge)
		}
		s.alsoAfterRestart(t, func(t *testing.T) { s.expectTotal(t, "good", 1+len(test.encodings)) })
	}
}

func TestTooLargeBodiesAreRefusedHoweverTheyCome(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	for range 5 {
		s.post(t, padded(1<<20)).expectMessage(t, http.StatusRequestEntityTooLarge)
	}
	head := "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	s.raw(t, head+"Content-Length: 1000000000000\r\n\r\n").expectMessage(t, http.StatusRequestEntityTooLarge)
	s.raw(t, head+"Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n").expectMessage(t, http.StatusRequestEntityTooLarge)
	s.expectNothing(t)
}

func TestChunkedBodiesHaveTheSameLimit(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	post := func(body string) reply {
		// A reader of a type that net/http does not know has no length.
		request, err := http.NewRequest(http.MethodPost, s.URL+"/benefits", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		return s.send(t, request)
	}
	post(padded(128 << 10)).expectCreated(t)
	post(padded(128<<10+1)).expectMessage(t, http.StatusRequestEntityTooLarge)
	s.expectTotal(t, "good", 1)
}

func TestBombsAreRefusedInEveryEncoding(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	bomb := "[" + strings.Repeat(" ", 8<<20) + "]"
	for _, encoding := range encodings() {
		encoded := encode(t, encoding, bomb)
		if len(encoded) > 128<<10 {
			t.Fatalf("the %s bomb has %d bytes, more than the limit", encoding, len(encoded))
		}
		s.postAs(t, encoding, encoded).expectMessage(t, http.StatusRequestEntityTooLarge)
	}
	s.expectNothing(t)
}

// TestAZstdFrameThatAsksForAHugeWindowIsRefused sends a frame header that
// declares a window of 2 GiB, and one that declares as much content.
func TestAZstdFrameThatAsksForAHugeWindowIsRefused(t *testing.T) {
	t.Parallel()
	s := startServer(t, nil)
	emptyLastBlock := "\x01\x00\x00"
	for _, frame := range []string{
		"\x28\xb5\x2f\xfd\x00\xa8" + emptyLastBlock,
		"\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x80" + emptyLastBlock,
	} {
		got := s.postAs(t, "zstd", frame)
		if got.status != http.StatusRequestEntityTooLarge {
			got.expectMessage(t, http.StatusUnprocessableEntity)
		}
	}
	s.created(t, recordOf("good"))
}
