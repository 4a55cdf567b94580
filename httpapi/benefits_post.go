package httpapi

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/time/rate"

	"stats-recorder/counters"
	"stats-recorder/httpapi/conn"
	"stats-recorder/httpapi/records"
	"stats-recorder/idempotency"
	"stats-recorder/visitors"
)

// recordCreated is the answer of the replaced server, to the letter.
var recordCreated = []byte(`{"response":"Record created"}`)

// postFields are the header fields that recording a post looks at, beside those
// about its content. Where a post is read in the leanest way, no others are there.
var postFields = []string{fasthttp.HeaderOrigin, fasthttp.HeaderXForwardedFor, fasthttp.HeaderForwarded, headerIdempotencyKey}

// post is what recording one request needs.
type post struct {
	decoder *records.Decoder
	batch   *counters.Batch
	// visited are the decoder's records as visitors are counted by them.
	visited []visitors.Record
	// gathered are the visits that it gathers at present, of so many records.
	gathered *gathered
	records  int
}

// postBenefits records one record or a batch. It returns true when the answer
// waits for a commit.
func (s *Server) postBenefits(x *conn.Exchange, e exchange) (waits bool) {
	taken, err := s.takePost(x)
	switch {
	case err != nil:
		fail(&x.Response, err)
		return false
	case taken.ticket == nil:
		taken.respond(&x.Response)
		return false
	}
	x.Await(taken.ticket, s.newCommit(x, e, taken))
	return true
}

// takePost adds what is good in a request to the store.
func (s *Server) takePost(x *conn.Exchange) (taken, error) {
	if !acceptableContentType(x.Request.Header.ContentType()) {
		return taken{}, &Error{fasthttp.StatusUnsupportedMediaType, "Content-Type must be application/json or text/plain, in UTF-8"}
	}
	if err := acceptableEncoding(&x.Request.Header); err != nil {
		return taken{}, err
	}
	now := s.config.Now()
	key, keyed, err := s.batchKey(&x.Request.Header)
	if err != nil {
		return taken{}, err
	}
	bucket, err := s.admit(x, now)
	if err != nil {
		return taken{}, err
	}
	switch err := x.Receive(); {
	case errors.Is(err, conn.ErrClosed):
		return taken{}, errUnavailable
	case err != nil:
		return taken{}, s.protocolError(err)
	}
	if keyed {
		return s.takeOnce(x, key, bucket, now)
	}
	return s.take(x, bucket, now)
}

// taken is what became of a body: the good records are in the store.
type taken struct {
	records    int
	visits     *gathered        // nil if nobody counts them
	held       int              // bytes, for the visits
	ticket     *counters.Ticket // nil when there is nothing to wait for
	rejections []byte           // the answer about records that are bad, if any are
}

// take reads a body and adds what is good in it to the store. It gives back
// what it needs for that before anyone waits: hundreds of requests wait for the
// disk at a time, few are read, and what those use stays in the processor's caches.
func (s *Server) take(x *conn.Exchange, bucket *rate.Limiter, now time.Time) (taken, error) {
	body, err := s.inflated(&x.Request)
	if err != nil {
		return taken{}, err
	}
	p := s.posts.Get().(*post)
	defer s.posts.Put(p)
	done, err := s.fill(p, body, bucket, now)
	if err == nil && done.records > 0 {
		done.ticket, err = s.config.Recorder.Record(p.batch)
		err = unavailable(err)
	}
	return s.noted(x, p, done, err)
}

// takeOnce is take for a batch with a key: if one with that key came before, what became
// of that is the answer. Between the two looks another one may have come.
func (s *Server) takeOnce(x *conn.Exchange, key idempotency.Sum, bucket *rate.Limiter, now time.Time) (taken, error) {
	body, err := s.inflated(&x.Request)
	if err != nil {
		return taken{}, err
	}
	mark := counters.Mark{Key: key, Body: idempotency.SumOf(body)}
	if sent, found := s.config.Once.Sent(mark.Key, mark.Body); found {
		if limited := s.charge(bucket, now, 1); limited != nil {
			return taken{}, limited
		}
		return s.repeated(sent)
	}
	p := s.posts.Get().(*post)
	defer s.posts.Put(p)
	done, err := s.fill(p, body, bucket, now)
	if err != nil {
		return taken{}, err
	}
	mark.Answer = encodeAnswer(done.rejections)
	sent, err := s.config.Once.RecordOnce(p.batch, mark)
	if sent.Again {
		return s.repeated(sent)
	}
	done.ticket = sent.Ticket
	return s.noted(x, p, done, unavailable(err))
}

// fill reads a body and puts what is good in it into the batch.
func (s *Server) fill(p *post, body []byte, bucket *rate.Limiter, now time.Time) (taken, error) {
	err := p.decoder.Decode(body, now)
	if limited := s.charge(bucket, now, len(p.decoder.Records)+p.decoder.Rejections); limited != nil {
		return taken{}, limited
	}
	s.noteOddities(p.decoder, err, now)
	if err != nil {
		return taken{}, err
	}
	p.batch.Reset(counters.HourOf(now))
	if s.config.Visitors != nil {
		p.visited = slices.Grow(p.visited[:0], len(p.decoder.Records))[:len(p.decoder.Records)]
	}
	for i := range p.decoder.Records {
		r := &p.decoder.Records[i]
		benefit, err := s.add(p.batch, r)
		if err != nil {
			return taken{}, unavailable(err)
		}
		if i < len(p.visited) {
			p.visited[i] = visitors.NewRecord(benefit, r.Index, r.Event.Small())
		}
	}
	done := taken{records: len(p.decoder.Records)}
	if p.decoder.Rejections > 0 {
		done.rejections = rejectionsAnswer(p.decoder)
	}
	return done, nil
}

// unavailable is the error for records that could not be added.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnavailable, err)
}

// noted has records counted that nobody waits for. Others are when the wait is over.
func (s *Server) noted(x *conn.Exchange, p *post, done taken, err error) (taken, error) {
	if err != nil {
		return taken{}, err
	}
	done.visits, done.held = s.gather(p, done.ticket)
	if done.ticket == nil {
		s.metrics.accepted(x.Lane(), done.records, s.config.Now())
		s.endVisits(done.visits, true)
	}
	return done, nil
}

// add adds a record to a batch, and returns the benefit that it counts under.
func (s *Server) add(batch *counters.Batch, r *records.Record) (counters.Benefit, error) {
	event, err := s.events.number(r.Event)
	if err != nil {
		return 0, err
	}
	key, err := counters.NewKey(event, r.Version, r.PageTotal, r.Index)
	if err != nil {
		return 0, err
	}
	benefit, key, err := s.config.Store.Place(r.Benefit, key, r.Hour)
	if err != nil {
		return 0, err
	}
	batch.Add(benefit, key, r.Hour)
	return benefit, nil
}

// respond answers that the good records are recorded.
func (t *taken) respond(response *fasthttp.Response) {
	if t.rejections != nil {
		respondJSON(response, fasthttp.StatusUnprocessableEntity, t.rejections)
		return
	}
	respondJSON(response, fasthttp.StatusOK, recordCreated)
}

// commit is the outcome that a post waits for, with what answering takes of the
// request. It is reused.
type commit struct {
	server   *Server
	exchange exchange
	taken    taken
	origin   []byte // that the answer depends on, empty if it is the same for any
}

// answerBytes is about what the answer takes when all records are good.
const answerBytes = 256

func (s *Server) newCommit(x *conn.Exchange, e exchange, t taken) *commit {
	c := s.commits.Get().(*commit)
	c.exchange, c.taken, c.origin = e, t, c.origin[:0]
	if !s.config.Origins.any {
		c.origin = append(c.origin, askingOrigin(x)...)
	}
	return c
}

// Bytes is about how much memory is held until the answer.
func (c *commit) Bytes() int {
	return answerBytes + len(c.taken.rejections) + c.taken.held
}

// Answer says what became of the records.
func (c *commit) Answer(response *fasthttp.Response, decided error, now time.Time) *conn.Prepared {
	s := c.server
	prepared := c.prepared(decided)
	if prepared == nil {
		s.config.Origins.allow(response, c.origin)
		if decided != nil {
			fail(response, fmt.Errorf("%w: %w", errUnavailable, decided))
		} else {
			c.taken.respond(response)
		}
	}
	if decided == nil {
		s.metrics.accepted(c.exchange.lane, c.taken.records, now)
	}
	s.endVisits(c.taken.visits, decided == nil)
	if prepared != nil {
		s.observe(c.exchange, fasthttp.StatusOK, len(recordCreated), now)
	} else {
		s.observe(c.exchange, response.StatusCode(), len(response.Body()), now)
	}
	c.taken = taken{}
	s.commits.Put(c)
	return prepared
}

// prepared is the answer that all records are recorded, for the page that sent them, nil
// where there is another one to give.
func (c *commit) prepared(decided error) *conn.Prepared {
	if decided != nil || c.taken.rejections != nil {
		return nil
	}
	return c.server.created.to(c.origin)
}

// createdAnswers are the answers that all records are recorded: to pages of any origin, or
// to those of each origin of a list.
type createdAnswers struct {
	any  *conn.Prepared
	list map[string]*conn.Prepared
}

func prepareCreated(origins *Origins) createdAnswers {
	to := func(origin []byte) *conn.Prepared {
		return conn.Prepare(func(response *fasthttp.Response) {
			origins.allow(response, origin)
			new(taken).respond(response)
		})
	}
	if origins.any {
		return createdAnswers{any: to(nil)}
	}
	answers := createdAnswers{list: map[string]*conn.Prepared{}}
	for _, origin := range origins.list {
		answers.list[string(origin)] = to(origin)
	}
	return answers
}

// to is the answer to a page of an origin, nil if it is not prepared.
func (a *createdAnswers) to(origin []byte) *conn.Prepared {
	if a.any != nil {
		return a.any
	}
	return a.list[string(origin)]
}
