package conn

import (
	"bufio"
	"bytes"
	"slices"
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzRequest holds what is taken for a plain or simple request to what fasthttp
// reads from the same bytes, and to what is taken from each beginning of them.
func FuzzRequest(f *testing.F) {
	const body = "\r\n\r\n[]"
	post, get, put := "POST /benefits HTTP/1.1\r\nHost: example.org\r\n", "GET /benefits?a=b HTTP/1.1\r\nHost: example.org\r\n", "PUT /x HTTP/1.1\r\nHost: x\r\n"
	for _, beginning := range []string{post, get, put, "\r\n" + post, "get / HTTP/1.1\r\nHost: x\r\n", "GET  / HTTP/1.1\r\nHost: x\r\n",
		"GET / HTTP/1.0\r\nHost: x\r\n", "GET http://x/y HTTP/1.1\r\nHost: z\r\n", "GET //x HTTP/1.1\r\nHost: z\r\n", "OPTIONS * HTTP/1.1\r\nHost: z\r\n",
		"POST /benefits HTTP/1.1\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n", "HEAD / HTTP/1.1\nHost: x\r\n", "GET /\r\n", "POST /benefits HTTP/1.1\r\nHost: [x\r\n", "A\tB / HTTP/1.1\r\nHost: x\r\n"} {
		for _, rest := range []string{
			"Content-Length: 2" + body, "content-length:2" + body, "Content-Length: 2\r\nContent-Length: 2" + body, "Content-Length: 2\r\nContent-Length: 3" + body,
			"Transfer-Encoding: chunked\r\nContent-Length: 2" + body, "Transfer-Encoding: identity\r\nContent-Length: 2" + body, "Content-Length: 2\r\n folded" + body,
			"Content-Length: 2\nX: y\n\n[]" + body, "X: y\n\r\n" + body, "Content-Length: 00002" + body, "Content-Length: 1e1" + body,
			"Connection: close\r\nContent-Length: 2" + body, "Expect: 100-continue\r\nContent-Length: 2" + body, "Expect: 100-Continue\r\n\r\n",
			"Content-Encoding: gzip\r\nContent-Length: 2" + body, "Content-Length : 2" + body, body, "\r\n", "Host: other\r\nContent-Length: 2" + body,
			"X: \x00\r\nContent-Length: 2" + body, "Content-Length: 99999999999999999999" + body, "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 2" + body,
			"Content-Length: 2" + body + emptyPost, "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
			"Connection: Keep-Alive\r\nCONTENT-LENGTH: 2\r\norigin:  https://a.example \r\nOrigin: b\r\nCookie: a=b; c\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2" + body,
			"Content-Type: text/plain\r\nContent-Type: application/json\r\nContent-Length: 2" + body, "Content-Type:\r\nContent-Length: 2" + body,
			"Content-Length: +2" + body, "Content-Length: 0x2" + body, "Content-Length: 2 " + body, "Content-Length:\t2" + body, "Content-Length: 2, 2" + body,
			"Content-Length: 2\r\nTransfer-Encoding: chunked" + body, "Content-Length: 2\r\nTransfer-Encoding\x0b: chunked" + body, "Content-Length: 2\r\nTransfer_Encoding: chunked" + body,
			"Content-Length: 2\r\nTrailer: X-Forwarded-For" + body, "Content-Length: 2\r\nTrailer: Content-Length" + body, "Content-Length: 2\r\nTE: trailers" + body,
			"Content-Length: 2\r\nX: y\n" + body, "Content-Length: 22\n" + body, "Content-Length: 2\r\nX: a\rb" + body, "Content-Length: 2\nX: y" + body,
			"Content-Length: 2\r\nX: a\r\r\n" + body, "Content-Length: 2\r\nX: \x7f" + body, "Content-Length: 2\r\nX: caf\xc3\xa9 \xe9" + body, "Content-Length: 2\r\n: y" + body, "Content-Length: 2\r\nX" + body,
			"Content-Length: 2\r\nHost : y" + body, "Content-Length: 2\r\nProxy-Connection: close\r\nKeep-Alive: timeout=5" + body, "Content-Length: 2\r\nConnection: keep-alive, close" + body,
		} {
			f.Add([]byte(beginning + rest))
		}
	}
	f.Add([]byte(browserHead + "1\r\n\r\n[]"))
	const limit = 1 << 10
	f.Fuzz(func(t *testing.T, data []byte) {
		parser := newParser("/benefits", plainFields, limit, limit)
		var got fasthttp.Request
		if len(data) == 0 {
			return
		}
		size, found := parser.parse(&got, data)
		// Once the parser knows the host, it reads the heads of plain posts itself.
		parser.parse(&got, []byte(post+"Content-Length: 2"+body))
		for range 2 {
			if again, same := parser.parse(&got, data); again != size || same != found {
				t.Fatalf("%q is %s of %d bytes, and then %s of %d", data, kindNames[found], size, kindNames[same], again)
			}
		}
		expectSameAtEachSplit(t, &parser, data, size, found)
		if found == plain || found == simple {
			expectAsFasthttp(t, &parser, data, size, limit)
		}
	})
}

// plainFields are what is kept of plain posts here.
var plainFields = []string{"Origin", "X-Forwarded-For", "Forwarded"}

// kindNames are for messages.
var kindNames = map[kind]string{plain: "plain", simple: "simple", arriving: "arriving", foreign: "foreign"}

// expectSameAtEachSplit requires that what a request is taken for does not depend on
// how much of it has come, but that it arrives.
func expectSameAtEachSplit(t *testing.T, p *parser, data []byte, size int, found kind) {
	t.Helper()
	var request fasthttp.Request
	end := len(data)
	if found == plain || found == simple {
		end = size
	}
	for n := 1; n < end; n++ {
		expected, before := p.parse(&request, data[:n])
		switch {
		case found == foreign && (before == arriving || before == foreign):
		case found != foreign && before == arriving && (expected == 0 || expected == size):
		default:
			t.Fatalf("of %q, which is %s of %d bytes, the first %d are %s of %d", data, kindNames[found], size, n, kindNames[before], expected)
		}
	}
}

// expectAsFasthttp requires that fasthttp reads the same request.
func expectAsFasthttp(t *testing.T, p *parser, data []byte, size, limit int) {
	t.Helper()
	var got, want fasthttp.Request
	p.parse(&got, data)
	reader := bufio.NewReaderSize(bytes.NewReader(data), limit)
	if err := want.Header.Read(reader); err != nil {
		t.Fatalf("fasthttp does not read the header: %v", err)
	}
	if err := new(fasthttp.URI).Parse(want.Header.Host(), want.Header.RequestURI()); err != nil {
		t.Fatalf("fasthttp does not take the request: %v", err)
	}
	if want.MayContinue() {
		t.Fatal("fasthttp asks the client to go on")
	}
	// As a server that does not take multipart bodies apart does.
	if err := want.ContinueReadBody(reader, limit, false); err != nil {
		t.Fatalf("fasthttp does not read the body: %v", err)
	}
	if left := reader.Buffered(); len(data) <= limit && left != len(data)-size {
		t.Fatalf("fasthttp reads another size than %d: %d are left", size, left)
	}
	if !bytes.Equal(got.Body(), want.Body()) || !sameFields(&got.Header, &want.Header) {
		t.Errorf("fasthttp reads\n%q\nthe parser\n%q", want.String(), got.String())
	}
	if got.URI().String() != want.URI().String() || got.Header.ContentLength() != want.Header.ContentLength() {
		t.Errorf("fasthttp reads %s and %d bytes, the parser %s and %d", want.URI(), want.Header.ContentLength(), got.URI(), got.Header.ContentLength())
	}
}

// sameFields says whether what a handler may ask of two heads is the same: all fields,
// or what is kept of a plain post.
func sameFields(got, want *fasthttp.RequestHeader) bool {
	if len(got.RawHeaders()) > 0 {
		return bytes.Equal(got.Header(), want.Header())
	}
	for _, name := range plainFields {
		if !slices.EqualFunc(got.PeekAll(name), want.PeekAll(name), bytes.Equal) {
			return false
		}
	}
	return bytes.Equal(got.Method(), want.Method()) && bytes.Equal(got.RequestURI(), want.RequestURI()) && bytes.Equal(got.Host(), want.Host()) &&
		bytes.Equal(got.ContentType(), want.ContentType()) && bytes.Equal(got.ContentEncoding(), want.ContentEncoding()) &&
		got.ConnectionClose() == want.ConnectionClose() && got.IsHTTP11() == want.IsHTTP11()
}
