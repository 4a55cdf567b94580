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
	kept := r.keptOf(p)
	if second := now.Unix(); second != kept.second {
		kept.second = second
		kept.stays, kept.last = r.render(p, false, kept.stays), r.render(p, true, kept.last)
	}
	if last {
		return kept.last
	}
	return kept.stays
}

// keptOf is where a prepared answer is kept.
func (r *rendering) keptOf(p *Prepared) *preparedBytes {
	if p != r.recent {
		if r.kept[p] == nil {
			r.kept[p] = &preparedBytes{second: -1}
		}
		r.recent, r.recentBytes = p, r.kept[p]
	}
	return r.recentBytes
}

// render renders a prepared answer into bytes that may be reused.
func (r *rendering) render(p *Prepared, last bool, into []byte) []byte {
	var response fasthttp.Response
	p.Fill(&response)
	return append(into[:0], r.bytes(&response, last)...)
}
