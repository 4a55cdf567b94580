package conn

import (
	"time"

	"github.com/valyala/fasthttp"
)

// preparedBytes are a prepared answer as it is sent in a second since 1970, to a client
// that may ask more, and to one that may not.
type preparedBytes struct {
	second      int64
	stays, last []byte
}

// prepared returns a prepared answer as it is sent. It must not be changed.
func (r *rendering) prepared(p *Prepared, last bool, now time.Time) []byte {
	kept := r.kept[p]
	if kept == nil {
		kept = &preparedBytes{second: -1}
		r.kept[p] = kept
	}
	if second := now.Unix(); second != kept.second {
		kept.second = second
		kept.stays, kept.last = r.render(p, false, kept.stays), r.render(p, true, kept.last)
	}
	if last {
		return kept.last
	}
	return kept.stays
}

// render renders a prepared answer into bytes that may be reused.
func (r *rendering) render(p *Prepared, last bool, into []byte) []byte {
	var response fasthttp.Response
	p.Fill(&response)
	return append(into[:0], r.bytes(&response, last)...)
}
