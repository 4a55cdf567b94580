package httpapi

import (
	"net"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// Handler answers reads of this server at another address, which has its own ways to
// say who may. They are answered as here, but for the token and CORS.
func (s *Server) Handler(reads []Read) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimSuffix(r.URL.EscapedPath(), "/")
		for _, read := range reads {
			if read.Path == strings.ToLower(path) || read.Below && isBelow([]byte(path), read.Path) {
				s.handOver(w, r, read)
				return
			}
		}
		http.NotFound(w, r)
	})
}

// handOver answers a read of a request of the standard library.
func (s *Server) handOver(w http.ResponseWriter, r *http.Request, read Read) {
	var request fasthttp.Request
	request.SetRequestURI(r.URL.RequestURI())
	request.Header.SetMethod(r.Method)
	for name, values := range r.Header {
		for _, value := range values {
			request.Header.Add(name, value)
		}
	}
	var ctx fasthttp.RequestCtx
	ctx.Init(&request, &net.TCPAddr{}, nil)
	x := conn.Detached(&ctx)
	s.read(x, read, requestOf(x))
	for name, value := range ctx.Response.Header.All() {
		if !strings.HasPrefix(string(name), "Access-Control-") && string(name) != fasthttp.HeaderContentLength {
			w.Header().Add(string(name), string(value))
		}
	}
	w.WriteHeader(ctx.Response.StatusCode())
	// The client is gone if this fails, and nobody is left to tell.
	_, _ = w.Write(ctx.Response.Body())
}
