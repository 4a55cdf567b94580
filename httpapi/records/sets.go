package records

import "slices"

// sets knows the objects of experiments that were found good, by their bytes. A site has few that
// differ, one for each choice of variants, and which of them comes next nobody can guess. To
// compare one with all that are known would take long: the bytes in which these differ say which
// it must be, if it is known. That only says where to look: all of its bytes are compared.
type sets struct {
	before, after []byte          // the literals around each
	known         [fewSets][]byte // with these, by turns
	turn          int
	// places are where those that are known differ, and slots which of known it is, by a hash of
	// the bytes there. A short one may have several slots, as there are bytes of other values at
	// the last places.
	places []int
	slots  [1 << slotBits]uint8
}

const (
	// fewSets is how many sets are known, of at most maxSetBytes with the literals. Three
	// experiments of three variants have 27.
	fewSets     = 32
	maxSetBytes = 512
	// maxPlaces is how many bytes of an object are looked at to tell it from others, at most.
	maxPlaces = 8
	slotBits  = 8
)

// surround says which literals come before and after the experiments from now on.
func (s *sets) surround(before, after []byte) {
	s.before, s.after = before, after
	for i := range s.known {
		s.known[i] = s.known[i][:0]
	}
	s.places = s.places[:0]
}

// find returns where the object lies that comes after the literal at pos, and where the literal
// after it ends. It asks plainObject only for objects that are not known.
func (s *sets) find(body []byte, pos int) (object span, end int, ok bool) {
	slot := s.slot(body[pos:])
	known := s.known[s.slots[slot]]
	object.start = pos + len(s.before)
	if len(known) == 0 || !begins(body, pos, known) {
		known = s.elsewhere(body, pos, slot)
	}
	if len(known) > 0 {
		end = pos + len(known)
		object.end = end - len(s.after)
		return object, end, true
	}
	if !begins(body, pos, s.before) {
		return object, pos, false
	}
	if object.end, ok = plainObject(body, object.start); !ok || !begins(body, object.end, s.after) {
		return object, pos, false
	}
	end = object.end + len(s.after)
	s.learn(body[pos:end], s.known[s.slots[slot]], slot)
	return object, end, true
}

// elsewhere is the set that the body has at pos if it is known, but was not in its slot: two sets may
// share one. It is in it from now on.
func (s *sets) elsewhere(body []byte, pos int, slot uint8) []byte {
	for i, known := range s.known {
		if len(known) > 0 && begins(body, pos, known) {
			s.slots[slot] = uint8(i)
			return known
		}
	}
	return nil
}

// slot is where slots have the number of the only known set with which bytes may begin.
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

// learn has a set known that is not the other one, which is in its slot. Of two objects none
// begins with the other, so that there is a byte in which they differ.
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
