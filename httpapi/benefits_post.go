package httpapi

import (
	"fmt"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"stats-recorder/counters"
)

// recordCreated is the answer of the replaced server, to the letter.
var recordCreated = []byte(`{"response":"Record created"}`)

// postBenefits records one record or a batch.
func (s *Server) postBenefits(ctx *fasthttp.RequestCtx) {
	if !acceptableContentType(ctx.Request.Header.ContentType()) {
		respondMessage(ctx, fasthttp.StatusUnsupportedMediaType, "Content-Type must be application/json or text/plain")
		return
	}
	now := s.config.Now()
	bucket, err := s.admit(ctx, now)
	if err == nil {
		err = s.withBody(ctx, func() error { return s.postRecords(ctx, bucket, now) })
	}
	if err != nil {
		fail(ctx, err)
	}
}

// postRecords records what is in a body that has arrived.
func (s *Server) postRecords(ctx *fasthttp.RequestCtx, bucket *rate.Limiter, now time.Time) error {
	body, err := s.inflated(ctx)
	if err != nil {
		return err
	}
	p := s.posts.Get().(*post)
	defer s.posts.Put(p)
	err = p.decoder.decode(body, now)
	if limited := s.charge(bucket, now, len(p.decoder.records)+p.decoder.rejections); limited != nil {
		return limited
	}
	if err != nil {
		return err
	}
	if err := s.record(p, now); err != nil {
		return err
	}
	s.metrics.accepted(ctx, len(p.decoder.records))
	if p.decoder.rejections > 0 {
		respondRejections(ctx, &p.decoder)
		return nil
	}
	respondJSON(ctx, fasthttp.StatusOK, recordCreated)
	return nil
}

// record adds the good records and returns when they may be acknowledged.
func (s *Server) record(p *post, now time.Time) error {
	if len(p.decoder.records) == 0 {
		return nil
	}
	if !s.gate.TryRLock() {
		return fmt.Errorf("%w: shutting down", errUnavailable)
	}
	defer s.gate.RUnlock()
	p.batch.Reset(counters.HourOf(now))
	for i := range p.decoder.records {
		if err := s.add(p.batch, &p.decoder.records[i]); err != nil {
			return fmt.Errorf("%w: %w", errUnavailable, err)
		}
	}
	if err := s.config.Recorder.Record(p.batch); err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	return nil
}

func (s *Server) add(batch *counters.Batch, r *record) error {
	key, err := counters.NewKey(r.event, r.version, r.pageTotal, r.index)
	if err != nil {
		return err
	}
	benefit, key, err := s.config.Store.Place(r.benefit, key, r.hour)
	if err != nil {
		return err
	}
	batch.Add(benefit, key, r.hour)
	return nil
}
