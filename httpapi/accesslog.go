package httpapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/valyala/fasthttp"
)

// exchange is a request and its answer, as figures and the log know them. It says
// nothing about who sent it, and of what was sent only the method and the route,
// which clients cannot choose freely: anything else may hold what identifies a
// visitor.
type exchange struct {
	connection uint64
	route      route
	method     string // in the log only
	began      time.Time
	status     int
	bytes      int
}

// exchangeOf describes a request that is answered.
func (s *Server) exchangeOf(ctx *fasthttp.RequestCtx, r route, began time.Time) exchange {
	e := exchange{connection: ctx.ConnID(), route: r, began: began, status: ctx.Response.StatusCode()}
	if s.config.AccessLog {
		e.method, e.bytes = knownMethod(ctx, r), len(ctx.Response.Body())
	}
	return e
}

func knownMethod(ctx *fasthttp.RequestCtx, r route) string {
	for _, known := range []string{
		fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodPost, fasthttp.MethodPut, fasthttp.MethodPatch,
		fasthttp.MethodDelete, fasthttp.MethodOptions,
	} {
		if r != routeInvalid && string(ctx.Method()) == known {
			return known
		}
	}
	return "other"
}

// logAccess writes one line for a request.
func (s *Server) logAccess(e exchange, took time.Duration) {
	s.config.Logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", e.method),
		slog.String("path", s.metrics.routes[e.route].path),
		slog.Int("status", e.status),
		slog.Duration("duration", took),
		slog.Int("bytes", e.bytes))
}
