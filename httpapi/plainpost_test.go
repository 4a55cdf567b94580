package httpapi

import (
	"bufio"
	"bytes"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzPlainPost holds what is taken for a plain post to what fasthttp reads from
// the same bytes, and to what is taken from each beginning of them.
func FuzzPlainPost(f *testing.F) {
	const body = "\r\n\r\n[]"
	beginning := string(plainBeginning) + "Host: example.org\r\n"
	for _, seed := range []string{
		emptyPost, onePost, emptyPost + onePost, beginning + "Content-Length: 2" + body, beginning + "content-length:2" + body,
		beginning + "Content-Length: 2\r\nContent-Length: 2" + body, beginning + "Content-Length: 2\r\nContent-Length: 3" + body,
		beginning + "Transfer-Encoding: chunked\r\nContent-Length: 2" + body, beginning + "Content-Length: 2\r\n folded" + body,
		beginning + "Content-Length: 2\nX: y\n\n[]" + body, beginning + "Content-Length: 00002" + body, beginning + "Content-Length: 1e1" + body,
		beginning + "Connection: close\r\nContent-Length: 2" + body, beginning + "Expect: 100-continue\r\nContent-Length: 2" + body,
		beginning + "Content-Encoding: gzip\r\nContent-Length: 2" + body, beginning + "Content-Length : 2" + body, beginning + body,
		beginning + "Host: other\r\nContent-Length: 2" + body, string(plainBeginning) + "Content-Length: 2" + body,
		beginning + "X: \x00\r\nContent-Length: 2" + body, beginning + "Content-Length: 99999999999999999999" + body,
	} {
		f.Add([]byte(seed))
	}
	const limit = 1 << 10
	f.Fuzz(func(t *testing.T, data []byte) {
		parser := newRequestParser(limit, limit)
		var got, want fasthttp.Request
		size, verdict := parser.parse(&got, data)
		if verdict != requestWhole {
			return
		}
		for end := range size {
			if expected, verdict := parser.parse(&got, data[:end]); verdict != requestArriving || expected != 0 && expected != size {
				t.Fatalf("of %d bytes of %d, verdict %d and size %d", end, size, verdict, expected)
			}
		}
		parser.parse(&got, data)
		reader := bufio.NewReaderSize(bytes.NewReader(data), limit)
		if err := want.ReadLimitBody(reader, limit); err != nil {
			t.Fatalf("fasthttp does not read it: %v", err)
		}
		if left := reader.Buffered(); len(data) <= limit && left != len(data)-size {
			t.Fatalf("fasthttp reads another size than %d: %d are left", size, left)
		}
		if !bytes.Equal(got.Body(), want.Body()) || !bytes.Equal(got.Header.Header(), want.Header.Header()) {
			t.Errorf("fasthttp reads\n%q\nthe parser\n%q", want.String(), got.String())
		}
	})
}
