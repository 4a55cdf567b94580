package member

import (
	"math/rand/v2"

	"stats-recorder/cluster"
	"stats-recorder/snapshot/format"
)

// considerExpiry has others be told of the days that this node would let go of. A clock
// that is far from that of the log's servers says nothing.
func (s *session) considerExpiry() {
	s.figures.mu.Lock()
	skew := s.figures.skew
	s.figures.mu.Unlock()
	before := s.keeper.ExpiredBefore()
	if skew.Abs() > mostSkew || before <= s.expiry || before <= s.keeper.Membership().Expired.Before() {
		return
	}
	s.expiry = before
	s.outbox.setExpiry(before)
}

// makeExpiry makes a frame of what considerExpiry wants told, and notes it. It says
// whether there was anything.
func (s *session) makeExpiry() (made bool, err error) {
	before := s.outbox.takeExpiry()
	if before == 0 {
		return false, nil
	}
	known, said := s.keeper.Membership(), cluster.Expiry{Node: s.keeper.Identity(), Before: before}
	own := ownFrame{isExpiry: true, upTo: s.keeper.Sequence(), frame: cluster.Frame{
		Origin: known.Origin, Sequence: known.Sequence + 1, Nonce: rand.Uint64(),
		Format: cluster.NewestFormat, Clock: now(), Payload: format.AppendExpiry(nil, said),
	}}
	if err := s.commit(cluster.Note{Expiries: []cluster.Expiry{said}, Own: []cluster.Frame{own.frame}}); err != nil {
		s.outbox.putBackExpiry(before)
		return false, err
	}
	s.noted(own)
	return true, nil
}
