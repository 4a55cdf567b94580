package page

import (
	"fmt"
	"strconv"

	"stats-recorder/httpapi"
)

// livePath is where the page asks what has come in. It is an event stream of one event:
// the browser comes again by itself after liveEvery, so nobody keeps a connection, and a
// server that is away is noticed in time.
const (
	livePath  = Root + "page/live"
	liveEvery = 2000 // milliseconds
)

// live tells how many records came since the start, and when the last one did, in
// milliseconds since 1970.
func (p *Page) live(httpapi.Request) (httpapi.Answer, error) {
	last := "null"
	if at, any := p.config.LastRecord(); any {
		last = strconv.FormatInt(at.UnixMilli(), 10)
	}
	event := fmt.Sprintf("retry: %d\ndata: {\"at\":%d,\"records\":%d,\"last\":%s}\n\n", liveEvery, p.config.Now().UnixMilli(), p.config.Records(), last)
	return httpapi.Answer{Body: []byte(event), ContentType: "text/event-stream", CacheControl: "no-store", Header: []httpapi.Header{
		{Name: "X-Content-Type-Options", Value: "nosniff"}, {Name: "Content-Security-Policy", Value: policy},
	}}, nil
}
