package httpapi

import (
	"context"
	"log/slog"
	"time"

	"github.com/valyala/fasthttp"
)

// logAccess writes one line for a request. It says nothing about who sent it,
// and of what was sent only the method and the route, which clients cannot
// choose freely: anything else may hold what identifies a visitor.
func (s *Server) logAccess(ctx *fasthttp.RequestCtx, r route, took time.Duration) {
	name := s.metrics.routes[r]
	method := "other"
	for _, known := range []string{
		fasthttp.MethodGet, fasthttp.MethodHead, fasthttp.MethodPost, fasthttp.MethodPut, fasthttp.MethodPatch,
		fasthttp.MethodDelete, fasthttp.MethodOptions,
	} {
		if r != routeInvalid && string(ctx.Method()) == known {
			method = known
		}
	}
	s.config.Logger.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", method),
		slog.String("path", name.path),
		slog.Int("status", ctx.Response.StatusCode()),
		slog.Duration("duration", took),
		slog.Int("bytes", len(ctx.Response.Body())))
}
