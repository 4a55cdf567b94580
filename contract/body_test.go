package contract

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"stats-recorder/contract/blackbox"
	"stats-recorder/service"
)

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
	body := blackbox.RecordOf("good")
	return body + strings.Repeat(" ", size-len(body))
}

func TestRequestsMayBeEncoded(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, encoding := range blackbox.Encodings() {
		s.PostAs(t, encoding, blackbox.Encode(t, encoding, blackbox.Times(30, blackbox.RecordOf("good")))).ExpectCreated(t)
		s.PostAs(t, strings.ToUpper(encoding), blackbox.Encode(t, encoding, blackbox.RecordOf("good"))).ExpectCreated(t)
		s.PostAs(t, encoding, blackbox.Encode(t, encoding, "[]")).ExpectCreated(t)
		s.Post(t, blackbox.Encode(t, encoding, blackbox.RecordOf("good")),
			"Content-Encoding", encoding, "Content-Type", "text/plain;charset=UTF-8").ExpectCreated(t)
	}
	s.PostAs(t, "identity", blackbox.RecordOf("good")).ExpectCreated(t)
	s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectTotal(t, "good", 4*32+1) })
}

func TestUnknownEncodingsAreUnsupported(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, encoding := range []string{"compress", "lzma", "gzipp", "utf-8", "*"} {
		s.PostAs(t, encoding, blackbox.RecordOf("good")).ExpectMessage(t, http.StatusUnsupportedMediaType)
	}
	s.ExpectNothing(t)
}

func TestBrokenEncodingsAreRefusedAndRecordNothing(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	body := blackbox.Times(30, blackbox.RecordOf("good"))
	for _, encoding := range blackbox.Encodings() {
		encoded := blackbox.Encode(t, encoding, body)
		for name, broken := range map[string]string{
			"plain":         body,
			"empty":         "",
			"first byte":    encoded[:1],
			"cut in half":   encoded[:len(encoded)/2],
			"last byte cut": encoded[:len(encoded)-1],
		} {
			t.Run(encoding+" "+name, func(t *testing.T) {
				s.PostAs(t, encoding, broken).ExpectMessage(t, http.StatusUnprocessableEntity)
			})
		}
		s.PostAs(t, encoding, blackbox.Encode(t, encoding, `{"x":`)).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectNothing(t) })
}

func TestAWrongChecksumOfAnEncodingIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for _, test := range []struct {
		encoding string
		checksum int // where it begins, from the end
	}{{"gzip", 8}, {"deflate", 4}, {"zstd", 4}} {
		encoded := []byte(blackbox.Encode(t, test.encoding, blackbox.RecordOf("good")))
		encoded[len(encoded)-test.checksum] ^= 0x55
		s.PostAs(t, test.encoding, string(encoded)).ExpectMessage(t, http.StatusUnprocessableEntity)
	}
	s.ExpectNothing(t)
}

func TestBodiesUpToTheLimitAreTaken(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit     int
		encodings []string
	}{{128 << 10, blackbox.Encodings()}, {1000, blackbox.Encodings()}, {5 << 20, []string{"gzip"}}} {
		s := blackbox.StartServer(t, func(c *service.Config) { c.MaxBodyBytes = test.limit })
		good, large := padded(test.limit), padded(test.limit+1)
		s.Created(t, good)
		s.Post(t, large).ExpectMessage(t, http.StatusRequestEntityTooLarge)
		for _, encoding := range test.encodings {
			s.PostAs(t, encoding, blackbox.Encode(t, encoding, good)).ExpectCreated(t)
			s.PostAs(t, encoding, blackbox.Encode(t, encoding, large)).ExpectMessage(t, http.StatusRequestEntityTooLarge)
		}
		s.AlsoAfterRestart(t, func(t *testing.T) { s.ExpectTotal(t, "good", 1+len(test.encodings)) })
	}
}

func TestTooLargeBodiesAreRefusedHoweverTheyCome(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	for range 5 {
		s.Post(t, padded(1<<20)).ExpectMessage(t, http.StatusRequestEntityTooLarge)
	}
	head := "POST /benefits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	s.Raw(t, head+"Content-Length: 1000000000000\r\n\r\n").ExpectMessage(t, http.StatusRequestEntityTooLarge)
	s.Raw(t, head+"Expect: 100-continue\r\nContent-Length: 10000000\r\n\r\n").ExpectMessage(t, http.StatusRequestEntityTooLarge)
	s.ExpectNothing(t)
}

func TestChunkedBodiesHaveTheSameLimit(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	post := func(body string) blackbox.Reply {
		// A reader of a type that net/http does not know has no length.
		request, err := http.NewRequest(http.MethodPost, s.URL+"/benefits", io.MultiReader(strings.NewReader(body)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		return s.Send(t, request)
	}
	post(padded(128 << 10)).ExpectCreated(t)
	post(padded(128<<10+1)).ExpectMessage(t, http.StatusRequestEntityTooLarge)
	s.ExpectTotal(t, "good", 1)
}

func TestBombsAreRefusedInEveryEncoding(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	bomb := "[" + strings.Repeat(" ", 8<<20) + "]"
	for _, encoding := range blackbox.Encodings() {
		encoded := blackbox.Encode(t, encoding, bomb)
		if len(encoded) > 128<<10 {
			t.Fatalf("the %s bomb has %d bytes, more than the limit", encoding, len(encoded))
		}
		s.PostAs(t, encoding, encoded).ExpectMessage(t, http.StatusRequestEntityTooLarge)
	}
	s.ExpectNothing(t)
}

// TestAZstdFrameThatAsksForAHugeWindowIsRefused sends a frame header that
// declares a window of 2 GiB, and one that declares as much content.
func TestAZstdFrameThatAsksForAHugeWindowIsRefused(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	emptyLastBlock := "\x01\x00\x00"
	for _, frame := range []string{
		"\x28\xb5\x2f\xfd\x00\xa8" + emptyLastBlock,
		"\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x80" + emptyLastBlock,
	} {
		got := s.PostAs(t, "zstd", frame)
		if got.Status != http.StatusRequestEntityTooLarge {
			got.ExpectMessage(t, http.StatusUnprocessableEntity)
		}
	}
	s.Created(t, blackbox.RecordOf("good"))
}
