package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync/atomic"
	"time"
)

// Subject is a server that has recovered its data and answers requests.
type Subject struct {
	// Requests are the figures of the public port.
	Requests Requests
	// Figures reads what the server holds.
	Figures func() Figures
	// Insight answers what is under /insight; nil for nothing.
	Insight http.Handler
	// Ready returns why the server should get no traffic, or nil.
	Ready func() error
	// Remark is what somebody should know though the server is ready; empty for nothing.
	Remark func() string
	// Alive returns why the server does not work any more, or nil, at the latest
	// when the context ends.
	Alive func(ctx context.Context) error
	// ConfirmClock takes the word of a person for it that it is a day in UTC, and
	// returns when what follows from that is done. ErrNotConfirmed means that the clock
	// shows another day.
	ConfirmClock func(ctx context.Context, today time.Time) error
}

// errRecovering is why a server without a Subject is not ready.
var errRecovering = errors.New("recovering")

const (
	// alivePatience is how long /healthz waits for a sign of life.
	alivePatience = 5 * time.Second
	// confirmPatience is how long a snapshot may take that follows a confirmation.
	confirmPatience = time.Minute
)

// Server answers the person on call. Make one with Listen.
type Server struct {
	metrics  *Metrics
	subject  atomic.Pointer[Subject]
	listener net.Listener
	http     *http.Server
	served   chan error
}

// Listen binds an address and answers there until Close. There is no Subject
// yet: the server is alive, but not ready.
func Listen(address string, metrics *Metrics) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Server{metrics: metrics, listener: listener, served: make(chan error, 1)}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // a profile takes 30 s
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log.New(io.Discard, "", 0), // names clients
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// Address is the bound address.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Observe makes the server tell of a Subject from now on.
func (s *Server) Observe(subject Subject) { s.subject.Store(&subject) }

// Close stops answering, at once.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.getMetrics)
	mux.HandleFunc("GET /healthz", s.getHealth)
	mux.HandleFunc("GET /readyz", s.getReadiness)
	mux.HandleFunc("GET "+pathClock, s.getClock)
	mux.HandleFunc("POST "+pathClock, s.postClock)
	mux.HandleFunc("GET /{path...}", s.getInsight)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func (s *Server) getMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.metrics.write(w, s.subject.Load(), s.readiness() == nil)
}

// getInsight answers what is under /insight, in any letter case.
func (s *Server) getInsight(w http.ResponseWriter, r *http.Request) {
	const prefix = "/insight"
	is := len(r.URL.Path) >= len(prefix) && strings.EqualFold(r.URL.Path[:len(prefix)], prefix)
	switch subject := s.subject.Load(); {
	case !is || subject != nil && subject.Insight == nil:
		http.NotFound(w, r)
	case subject == nil:
		respond(w, errRecovering, "")
	default:
		subject.Insight.ServeHTTP(w, r)
	}
}

// getHealth tells whether restarting the process could help. A server that
// recovers is healthy, however long that takes.
func (s *Server) getHealth(w http.ResponseWriter, r *http.Request) {
	subject := s.subject.Load()
	if subject == nil {
		respond(w, nil, "recovering")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), alivePatience)
	defer cancel()
	respond(w, subject.Alive(ctx), "alive")
}

func (s *Server) getReadiness(w http.ResponseWriter, _ *http.Request) {
	good := "ready"
	if subject := s.subject.Load(); subject != nil {
		if remark := subject.Remark(); remark != "" {
			good += "; " + remark
		}
	}
	respond(w, s.readiness(), good)
}

func (s *Server) readiness() error {
	if subject := s.subject.Load(); subject != nil {
		return subject.Ready()
	}
	return errRecovering
}

// respond answers 503 and why, or that all is well.
func respond(w http.ResponseWriter, err error, good string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		good = err.Error()
	}
	fmt.Fprintln(w, good)
}
