package counters

// KeepBenefits keeps the names of benefits that there are, whatever is rejected. It is
// called before anything is added.
func (s *Store) KeepBenefits() { s.keptBenefits = s.Benefits.Len() }

// Numbering grows when names of benefits are forgotten. Who keeps numbers beside the store
// from before may not use them when it has grown until their records were durable
// (Ticket.Numbering): they may mean other benefits. Any goroutine may call it at any time.
func (s *Store) Numbering() uint64 { return s.renumbered.Load() }

// forgetRejected forgets the names of benefits that only rejected records had, so that a
// flood of records which the disk refuses takes no room from those that come after. Records
// that wait in the active layer keep theirs, under new numbers. It leaves all as it is while
// something that another store counted waits.
func (s *Store) forgetRejected() {
	if s.Benefits.Len() <= s.keptBenefits {
		return
	}
	s.gate.Lock()
	defer s.gate.Unlock()
	for i := range s.shards {
		if len(s.shards[i].intake.active.merged) > 0 {
			return
		}
	}
	names := s.Benefits.Names()
	waiting := s.takeNewBenefits()
	s.Benefits.truncate(s.keptBenefits)
	for _, e := range waiting {
		benefit := Benefit(s.Benefits.reserved([]byte(names[e.increment.benefit()])))
		s.shards[s.shardOf(benefit)].add(e.hour, newIncrement(benefit, e.increment.key()))
	}
	// At the end: who sees it finds no name that was forgotten.
	s.renumbered.Add(1)
}

// takeNewBenefits takes the records out of the active layer whose benefits are to be
// forgotten.
func (s *Store) takeNewBenefits() (taken []elsewhen) {
	for i := range s.shards {
		intake := &s.shards[i].intake
		intake.Lock()
		active := &intake.active
		take := func(hour Hour, log []increment) []increment {
			kept := log[:0]
			for _, one := range log {
				if int(one.benefit()) < s.keptBenefits {
					kept = append(kept, one)
				} else {
					taken = append(taken, elsewhen{hour, one})
				}
			}
			return kept
		}
		active.log = take(active.hour, active.log)
		for hour, log := range active.others {
			if active.others[hour] = take(hour, log); len(active.others[hour]) == 0 {
				delete(active.others, hour)
			}
		}
		intake.Unlock()
	}
	return taken
}
