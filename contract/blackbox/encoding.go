package blackbox

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// Encodings are the content encodings of requests that change the body.
func Encodings() []string { return []string{"gzip", "deflate", "br", "zstd"} }

// Encode encodes a body.
func Encode(t testing.TB, encoding, body string) string {
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
