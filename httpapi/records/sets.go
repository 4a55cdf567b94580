package records

import "slices"

// sets knows the objects of experiments that were found good, by their bytes. A site has few that
// differ, one for each choice of variants, and which of them comes next nobody can guess. So
// none is looked for among the others: the bytes in which those that are known differ say which
// it must be, if it is known.
type sets struct {
	known [fewSets][]byte // with the literal that comes after each
	turn  int
	// slots are places in known, by a hash of the bytes at places in an object. Where a slot
	// has another set than the one that is looked for, the two only share it.
	slots  [1 << slotBits]uint8
	places []int
}

const (
	// fewSets is how many sets are known, of at most maxSetBytes with the literal. Three experiments of three
	// variants have 27.
	fewSets     = 32
	maxSetBytes = 512
	// maxPlaces is how many bytes of an object are looked at to tell it from others, at most.
	maxPlaces = 8
	slotBits  = 8
)

// forget prepares for records with another literal after their experiments.
func (s *sets) forget() {
	for i := range s.known {
		s.known[i] = s.known[i][:0]
	}
	s.places = s.places[:0]
}

// end returns where the object ends that begins at pos, and where the literal after it does. It
// asks plainObject only for objects that are not known.
func (s *sets) end(body []byte, pos int, literal []byte) (end, next int, ok bool) {
	slot := s.slot(body[pos:])
	known := s.known[s.slots[slot]]
	if len(known) > 0 && begins(body, pos, known) {
		next = pos + len(known)
		return next - len(literal), next, true
	}
	if end, ok = plainObject(body, pos); !ok || !begins(body, end, literal) {
		return pos, pos, false
	}
	next = end + len(literal)
	s.learn(body[pos:next], known, slot)
	return end, next, true
}

// slot is where it says which set the object is with which bytes begin, if that is known.
func (s *sets) slot(bytes []byte) uint8 {
	told := uint64(0)
	for _, place := range s.places {
		if place >= len(bytes) {
			break
		}
		told = told<<8 | uint64(bytes[place])
	}
	return uint8(told * 0x9e3779b97f4a7c15 >> (64 - slotBits)) // 2^64 ÷ the golden ratio
}

// learn has a set known that is not the one in its slot. Of two good objects none begins with
// the other, so that there is a byte in which they differ.
func (s *sets) learn(set, other []byte, slot uint8) {
	if len(set) > maxSetBytes {
		return
	}
	if len(other) > 0 {
		place := 0
		for set[place] == other[place] {
			place++
		}
		if len(s.places) < maxPlaces && !slices.Contains(s.places, place) {
			s.places = append(s.places, place)
			clear(s.slots[:])
			slot = s.slot(set)
		}
	}
	s.turn = (s.turn + 1) % fewSets
	s.known[s.turn] = append(s.known[s.turn][:0], set...)
	s.slots[slot] = uint8(s.turn)
}
