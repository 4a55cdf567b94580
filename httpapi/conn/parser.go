package conn

import (
	"bufio"
	"bytes"

	"github.com/valyala/fasthttp"
)

// kind is what the beginning of what a client sent is.
type kind int

const (
	plain    kind = iota // a whole post for a loop to answer
	simple               // another whole request, for a goroutine to answer
	arriving             // as far as it has come, it may become one of these
	foreign              // it is neither: for fasthttp to read
)

// parser recognises requests of which all is known once they are whole: by
// HTTP/1.1, with a Content-Length if they have a body, and without Expect. fasthttp
// parses them; what it would do with any other is left to it.
type parser struct {
	plainPath, plainLine   []byte // of a plain post, and the first line of that
	headerBytes, bodyBytes int
	heads                  headReader

	source *bytes.Reader
	reader *bufio.Reader
	uri    fasthttp.URI
}

func newParser(plainPath string, plainFields []string, headerBytes, bodyBytes int) parser {
	source := new(bytes.Reader)
	return parser{
		plainPath: []byte(plainPath), plainLine: []byte("POST " + plainPath + " HTTP/1.1\r\n"),
		headerBytes: headerBytes, bodyBytes: bodyBytes, heads: newHeadReader(plainFields),
		source: source, reader: bufio.NewReaderSize(source, headerBytes),
	}
}

var (
	headerEnd = []byte("\r\n\r\n")
	version   = []byte(" HTTP/1.1\r\n")
)

// parse reads the request at the beginning of data, which its body then lies in,
// and returns its size. Of one that is arriving that is the size it will have, or
// 0 if it is not known yet.
func (p *parser) parse(request *fasthttp.Request, data []byte) (size int, found kind) {
	if end, length, ok := p.parsePlain(request, data); ok {
		return p.withBody(request, data, end, length, plain)
	}
	end := bytes.Index(data[:min(len(data), p.headerBytes)], headerEnd)
	switch {
	case end < 0 && (len(data) >= p.headerBytes || !mayArrive(data)):
		return 0, foreign
	case end < 0:
		return 0, arriving
	}
	end += len(headerEnd)
	if !p.parseHeader(request, data[:end]) {
		return 0, foreign
	}
	whole := simple
	if bytes.HasPrefix(data, p.plainLine) && len(request.Header.ContentEncoding()) == 0 {
		whole = plain
	}
	return p.withBody(request, data, end, max(request.Header.ContentLength(), 0), whole)
}

// parsePlain reads the head of a plain post, if that is one of the usual ones.
func (p *parser) parsePlain(request *fasthttp.Request, data []byte) (end, length int, ok bool) {
	if !bytes.HasPrefix(data, p.plainLine) {
		return 0, 0, false
	}
	request.Reset()
	header := &request.Header
	end, length, ok = p.heads.read(header, data[:min(len(data), p.headerBytes)], len(p.plainLine))
	if !ok {
		return 0, 0, false
	}
	header.SetMethod(fasthttp.MethodPost)
	header.SetRequestURIBytes(p.plainPath)
	header.SetContentLength(length)
	return end, length, true
}

// withBody adds the body to a request whose head is read, and says what it is: what it is
// whole, unless its body is too large for that.
func (p *parser) withBody(request *fasthttp.Request, data []byte, end, length int, whole kind) (size int, found kind) {
	size = end + length
	switch {
	case size-end > p.bodyBytes:
		return 0, foreign
	case len(data) < size:
		return size, arriving
	}
	request.SetBodyRaw(data[end:size])
	if size-end > inlineBytes {
		whole = simple
	}
	return size, whole
}

// mayArrive says whether fasthttp would wait for the rest of a header that begins
// like this, and it may turn out to be that of a simple request.
func mayArrive(data []byte) bool {
	if data[0] < 'A' || data[0] > 'Z' { // such as an empty line, or TLS
		return false
	}
	end := bytes.IndexByte(data, '\n') + 1
	return end == 0 || simpleLine(data[:end]) && !bytes.Contains(data, []byte("\n\n")) && !bytes.Contains(data, []byte("\n\r\n"))
}

// simpleLine says whether the first line of a request has three parts, of which the
// last is HTTP/1.1.
func simpleLine(line []byte) bool {
	return bytes.HasSuffix(line, version) && bytes.Count(line, []byte(" ")) == 2 && !bytes.Contains(line, []byte("  "))
}

// parseHeader says whether this is the whole header of a simple request.
func (p *parser) parseHeader(request *fasthttp.Request, data []byte) bool {
	planned := bytes.HasPrefix(data, p.plainLine)
	if !planned && !mayArrive(data[:bytes.IndexByte(data, '\n')+1]) {
		return false
	}
	request.Reset()
	p.source.Reset(data)
	p.reader.Reset(p.source)
	header := &request.Header
	if header.Read(p.reader) != nil || p.reader.Buffered()+p.source.Len() > 0 {
		return false
	}
	const chunked, none = -1, -2
	switch header.ContentLength() {
	case chunked:
		return false
	case none:
		if !header.IsGet() && !header.IsHead() {
			header.SetContentLength(0) // as fasthttp does
		}
	}
	return !request.MayContinue() && p.validURI(header, planned)
}

// validURI says whether fasthttp would take a request for this host and path.
func (p *parser) validURI(header *fasthttp.RequestHeader, planned bool) bool {
	host := header.Host()
	if len(host) == 0 {
		return false
	}
	if planned && bytes.Equal(host, p.heads.host) {
		return true
	}
	if p.uri.Parse(host, header.RequestURI()) != nil {
		return false
	}
	if planned {
		p.heads.host = append(p.heads.host[:0], host...)
	}
	return true
}
