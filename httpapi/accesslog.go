package httpapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// exchange is a request as figures and the log know it. It says
// nothing about who sent it, and of what was sent only the method and the route,
// which clients cannot choose freely: anything else may hold what identifies a
// visitor.
type exchange struct {
	lane   uint64
	route  route
	method string // in the log only
	began  time.Time
}

// observe counts a request that is answered now, and logs it when that is wanted.
func (s *Server) observe(e exchange, status, bytes int, now time.Time) {
	took := now.Sub(e.began)
	s.metrics.answered(e.lane, e.route, status, took)
	if !s.config.AccessLog {
		return
	}
	s.config.Logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", e.method),
		slog.String("path", s.metrics.routes[e.route].path),
		slog.Int("status", status),
		slog.Duration("duration", took),
		slog.Int("bytes", bytes))
}

const otherMethod = "other"

func knownMethod(x *conn.Exchange) string {
	for _, known := range []string{
		fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodPost, fasthttp.MethodPut, fasthttp.MethodPatch,
		fasthttp.MethodDelete, fasthttp.MethodOptions,
	} {
		if string(x.Method()) == known {
			return known
		}
	}
	return otherMethod
}
