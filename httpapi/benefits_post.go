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

// postRecords records what is in a body that has arrived. It returns when that
// may be acknowledged, or leaves it to the connection's event loop to wait.
func (s *Server) postRecords(ctx *fasthttp.RequestCtx, bucket *rate.Limiter, now time.Time) error {
	t, err := s.take(ctx, bucket, now)
	if err != nil {
		return err
	}
	if place := placeInLoop(ctx); place != nil && t.ticket != nil {
		place.promise = promise{ticket: t.ticket, records: t.records}
	} else {
		if err := t.ticket.Wait(); err != nil {
			return fmt.Errorf("%w: %w", errUnavailable, err)
		}
		s.metrics.accepted(ctx.ConnID(), t.records)
	}
	s.promote(ctx)
	if t.rejections != nil {
		respondJSON(ctx, fasthttp.StatusUnprocessableEntity, t.rejections)
		return nil
	}
	respondJSON(ctx, fasthttp.StatusOK, recordCreated)
	return nil
}

// taken is what became of a body: the good records are in the store.
type taken struct {
	records    int
	ticket     *counters.Ticket // nil when there is nothing to wait for
	rejections []byte           // the answer about records that are bad, if any are
}

// take reads a body and adds what is good in it to the store. It gives back
// what it needs for that before anyone waits: hundreds of requests wait for the
// disk at a time, few are read, and what those use stays in the processor's caches.
func (s *Server) take(ctx *fasthttp.RequestCtx, bucket *rate.Limiter, now time.Time) (taken, error) {
	body, err := s.inflated(ctx)
	if err != nil {
		return taken{}, err
	}
	p := s.posts.Get().(*post)
	defer s.posts.Put(p)
	err = p.decoder.decode(body, now)
	if limited := s.charge(bucket, now, len(p.decoder.records)+p.decoder.rejections); limited != nil {
		return taken{}, limited
	}
	if err != nil {
		return taken{}, err
	}
	ticket, err := s.record(p, now)
	if err != nil {
		return taken{}, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	done := taken{records: len(p.decoder.records), ticket: ticket}
	if p.decoder.rejections > 0 {
		done.rejections = rejectionsAnswer(&p.decoder)
	}
	return done, nil
}

// record adds the good records to the store.
func (s *Server) record(p *post, now time.Time) (*counters.Ticket, error) {
	if len(p.decoder.records) == 0 {
		return nil, nil
	}
	p.batch.Reset(counters.HourOf(now))
	for i := range p.decoder.records {
		if err := s.add(p.batch, &p.decoder.records[i]); err != nil {
			return nil, err
		}
	}
	return s.config.Recorder.Record(p.batch)
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
