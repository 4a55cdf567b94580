package httpapi

import (
	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
	"stats-recorder/visitors"
)

// Visitors count who sent records that are durable. Add must not keep the batch.
type Visitors interface{ Add(*visitors.Batch) }

// beginVisits gives a post an empty batch for its visitors; none if nobody counts them.
func (s *Server) beginVisits(p *post) {
	if s.config.Visitors == nil {
		return
	}
	if p.visits == nil {
		p.visits = s.visits.Get().(*visitors.Batch)
	}
	p.visits.Reset()
}

// noteVisit takes what visitors are counted by from a record, after the record before it.
func (p *post) noteVisit(r, before *records.Record, benefit counters.Benefit) {
	if before == nil || r.Visitor != before.Visitor || r.Hour != before.Hour {
		visitor := &p.decoder.Visitors[r.Visitor]
		p.visits.Visit(r.Hour.Day(), visitor.HashID, visitor.Experiments)
	}
	p.visits.Add(benefit, r.Index, r.Event.Small())
}

// endVisits has visitors counted if their records are durable, and gives the batch back.
// Where others were rejected meanwhile, and names forgotten, the benefits that the visits
// tell of may have other numbers: these visits do not count, rather than for another benefit.
func (s *Server) endVisits(t *taken, durable bool) {
	if t.visits == nil {
		return
	}
	if durable && t.numbering == s.config.Store.Numbering() {
		s.config.Visitors.Add(t.visits)
	}
	t.visits.Reset()
	s.visits.Put(t.visits)
}
