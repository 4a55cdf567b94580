package httpapi

import (
	"sync"
	"sync/atomic"

	"stats-recorder/counters"
	"stats-recorder/visitors"
)

// Visitors count who sent records that are durable. Add must not keep the batch.
type Visitors interface{ Add(*visitors.Batch) }

// gathered are the visits of posts that wait for one ticket. They are counted together, so
// that the processor waits for memory a few times for all of them and not for each post.
type gathered struct {
	ticket    *counters.Ticket
	numbering uint64 // of the store, before the visits' benefits had numbers
	// sharers are the posts that wait, and the one that gathers more. The last has it used
	// for another ticket.
	sharers atomic.Int32

	mu    sync.Mutex
	batch visitors.Batch
}

// mostGathered is how many records visits are gathered of, so that the sets of visitors, which
// are sampled when they are full, are not far beyond that at once.
const mostGathered = 1 << 14

// gather takes what visitors are counted by from the records that a ticket was given for;
// nil if nobody counts them. It says how many bytes it took.
func (s *Server) gather(p *post, ticket *counters.Ticket) (g *gathered, bytes int) {
	if s.config.Visitors == nil {
		return nil, 0
	}
	p.records += len(p.decoder.Records)
	if g = p.gathered; g == nil || g.ticket != ticket || g.numbering != p.batch.Numbering() || p.records > mostGathered {
		if g != nil {
			s.leave(g)
		}
		g = s.gathered.Get().(*gathered)
		g.ticket, g.numbering = ticket, p.batch.Numbering()
		g.sharers.Store(1)
		p.gathered, p.records = g, len(p.decoder.Records)
	}
	g.sharers.Add(1)
	return g, g.take(p)
}

// take appends the visits of a post, which may come when those before have been counted.
func (g *gathered) take(p *post) (bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.batch.Bytes()
	records := p.decoder.Records
	for start, end := 0, 0; start < len(records); start = end {
		visitor, hour := records[start].Visitor, records[start].Hour
		if len(p.decoder.Visitors) == 1 && p.batch.InOneHour() { // as those of nearly every page
			end = len(records)
		}
		for end < len(records) && records[end].Visitor == visitor && records[end].Hour == hour {
			end++
		}
		who := &p.decoder.Visitors[visitor]
		g.batch.Visit(hour.Day(), who.HashID, who.Experiments)
		g.batch.Add(p.visited[start:end]...)
	}
	return g.batch.Bytes() - before
}

// endVisits has the visits counted that were gathered so far for a post's ticket, if that
// says that their records are durable. Where others were rejected before they were sealed, and
// names forgotten, the benefits that the visits tell of may have other numbers: these visits
// do not count, rather than for another benefit.
func (s *Server) endVisits(g *gathered, durable bool) {
	if g == nil {
		return
	}
	g.count(s.config.Visitors, durable && g.numbering == s.numbering(g.ticket))
	s.leave(g)
}

// numbering is by which durable records are numbered; without a ticket, those of now.
func (s *Server) numbering(ticket *counters.Ticket) uint64 {
	if ticket == nil {
		return s.config.Store.Numbering()
	}
	return ticket.Numbering()
}

// count has visitors count what has been gathered, if it counts, and forgets it. There is
// nothing where another post had it counted.
func (g *gathered) count(by Visitors, counts bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.batch.Len() == 0 {
		return
	}
	defer g.batch.Reset() // a request that fails must not leave it to the next
	if counts {
		by.Add(&g.batch)
	}
}

// keptBatch is how large a batch may have been that is used again.
const keptBatch = 1 << 20

func (s *Server) leave(g *gathered) {
	if g.sharers.Add(-1) == 0 && g.batch.Held() <= keptBatch {
		g.ticket = nil
		s.gathered.Put(g)
	}
}
