package records

// shapedRun takes the record at pos if it has the shape, and those after it that have it, too,
// as long as each is of another visitor than the one before. Where two are of one visitor, it
// leaves the next to repeat, for which that is less work. It returns where the last ends.
func (d *Decoder) shapedRun(body []byte, pos int) (end int, ok bool) {
	s := &d.shape
	if !s.ready || !begins(body, pos, s.head) {
		return 0, false
	}
	isUsual := s.usual
	for next := pos; next > 0; {
		last, joined, matches := d.match(body, next)
		if !matches {
			return end, ok
		}
		pos, end, ok = next, last, true
		n := len(d.Records)
		if n == 1 || d.Records[n-1].Visitor == d.Records[n-2].Visitor {
			d.repeat.learn(body[pos:end], &s.found, &d.Records[n-1])
			return end, true
		}
		d.repeat.forget() // of visitors who have one record each none repeats: looking for it would only cost
		if next = joined; next == 0 {
			next = s.next(body, end)
		}
		if next > 0 && isUsual && len(s.joint) > 0 {
			before := end
			end, next = d.usualRun(body, end, next)
			isUsual = end > before // else each would be read twice: those of different pages end differently
		}
	}
	return end, ok
}

// next returns where a record begins, as the shape does, after one that ends at pos; 0 if none
// does.
func (s *shape) next(body []byte, pos int) int {
	next := skipSpace(body, pos)
	if next == len(body) || body[next] != ',' {
		return 0
	}
	if next = skipSpace(body, next+1); !begins(body, next, s.head) {
		return 0
	}
	s.joint = s.joint[:0]
	if between := body[pos : next+len(s.head)]; len(s.ending) > 0 && len(between) <= maxShape {
		s.joint = append(append(s.joint, s.ending...), between...)
	}
	return next
}

// usualRun is match for the records of a run that have the client's fields in its order and end
// as the one before did, which ends at end. It returns where the last of them ends, and where the
// next begins that has the same head, 0 if none does. It is one function without a list of parts,
// because BenchmarkFill takes an eighth longer where match takes each record.
func (d *Decoder) usualRun(body []byte, end, next int) (int, int) {
	s := &d.shape
	literal, before := s.parts[0].literal, d.Visitors[len(d.Visitors)-1].HashID
	for next > 0 {
		benefit := next + len(s.head)
		benefitEnd, ok := plainText(body, benefit)
		id := benefitEnd + len(literal)
		if !ok || id > len(body) || !sameWords(body[benefitEnd:id], literal) {
			break
		}
		idEnd, ok := s.idEnd(body, id)
		if !ok || idEnd-id == len(before) && begins(body, id, before) {
			break
		}
		set, index, ok := s.experiments.find(body, idEnd)
		if !ok {
			break
		}
		value, indexEnd, ok := plainInteger(body, index)
		if !ok || value < 1 || value > int(s.base.PageTotal) || !d.rules.knows(body[benefit:benefitEnd]) {
			break
		}
		if begins(body, indexEnd, s.joint) {
			next = indexEnd + len(s.joint) - len(s.head)
		} else if begins(body, indexEnd, s.ending) {
			next = 0
		} else {
			break
		}
		end, before = indexEnd+len(s.ending), body[id:idEnd]
		record, visitor := d.room()
		*record = s.base
		record.Benefit, record.Index, record.Visitor = body[benefit:benefitEnd], uint16(value), uint32(len(d.Visitors)-1)
		visitor.HashID, visitor.Experiments = before, body[set.start:set.end]
	}
	return end, next
}
