package httpapi

import (
	"bufio"
	"bytes"

	"github.com/valyala/fasthttp"
)

// requestVerdict is what the beginning of what a client sent is.
type requestVerdict int

const (
	requestWhole    requestVerdict = iota
	requestArriving                // as far as it has come, it may be a plain post
	requestOdd                     // it is not a plain post
)

// requestParser recognises plain posts. fasthttp parses them; what it would do
// with any other is left to it.
type requestParser struct {
	headerBytes, bodyBytes int

	source *bytes.Reader
	reader *bufio.Reader
	uri    fasthttp.URI
	host   []byte // the last one that is valid
}

func newRequestParser(headerBytes, bodyBytes int) requestParser {
	source := new(bytes.Reader)
	return requestParser{
		headerBytes: headerBytes, bodyBytes: bodyBytes,
		source: source, reader: bufio.NewReaderSize(source, headerBytes),
	}
}

var (
	plainBeginning = []byte("POST /benefits HTTP/1.1\r\n")
	headerEnd      = []byte("\r\n\r\n")
)

// parse reads the request at the beginning of data, which its body then lies in,
// and returns its size. Of one that is arriving that is the size it will have, or
// 0 if it is not known yet.
func (p *requestParser) parse(request *fasthttp.Request, data []byte) (size int, verdict requestVerdict) {
	if seen := min(len(data), len(plainBeginning)); !bytes.Equal(data[:seen], plainBeginning[:seen]) {
		return 0, requestOdd
	}
	end := bytes.Index(data[:min(len(data), p.headerBytes)], headerEnd)
	switch {
	case end < 0 && len(data) >= p.headerBytes:
		return 0, requestOdd
	case end < 0:
		return 0, requestArriving
	}
	end += len(headerEnd)
	if !p.parseHeader(request, data[:end]) {
		return 0, requestOdd
	}
	size = end + request.Header.ContentLength()
	if len(data) < size {
		return size, requestArriving
	}
	request.SetBodyRaw(data[end:size])
	return size, requestWhole
}

// parseHeader says whether this is the whole header of a plain post.
func (p *requestParser) parseHeader(request *fasthttp.Request, data []byte) bool {
	request.Reset()
	p.source.Reset(data)
	p.reader.Reset(p.source)
	header := &request.Header
	if header.Read(p.reader) != nil || p.reader.Buffered()+p.source.Len() > 0 {
		return false
	}
	length := header.ContentLength()
	return length >= 0 && length <= p.bodyBytes &&
		!header.ConnectionClose() && !request.MayContinue() &&
		len(header.ContentEncoding()) == 0 && len(header.Peek(oversized)) == 0 &&
		p.validHost(header.Host())
}

// validHost says whether fasthttp would take a request for this host.
func (p *requestParser) validHost(host []byte) bool {
	if len(host) == 0 {
		return false
	}
	if bytes.Equal(host, p.host) {
		return true
	}
	if p.uri.Parse(host, []byte("/benefits")) != nil {
		return false
	}
	p.host = append(p.host[:0], host...)
	return true
}
