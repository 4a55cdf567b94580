package conn

import "github.com/valyala/fasthttp"

// Prepared is an answer that many requests get alike, but for its date: an event loop
// renders it once a second and not for each.
type Prepared struct{ fill func(*fasthttp.Response) }

// Prepare returns the answer that fill puts into an empty response. It is called by any
// goroutine, again and again, and must put the same in each time.
func Prepare(fill func(*fasthttp.Response)) *Prepared { return &Prepared{fill} }

// Fill puts the answer into an empty response. Any goroutine may call it.
func (p *Prepared) Fill(response *fasthttp.Response) { p.fill(response) }
