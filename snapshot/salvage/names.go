package salvage

import (
	"fmt"
	"maps"
	"slices"

	"stats-recorder/snapshot/format"
)

// names are those of benefits, of event types or words, by number, that were read as good.
type names struct {
	kind    string // for people
	byIndex map[uint64]string
	indexOf map[string]uint64
	// end is beyond the largest index that is named or that something counts for.
	end uint64
	// unused are the indexes under whose names nothing counts that was read: another
	// commit may give them others. doubted are the names of those that had one before
	// commits that are missing. Both are empty but for event types.
	unused  map[uint64]bool
	doubted map[uint64]string
}

func newNames(kind string) *names {
	return &names{
		kind: kind, byIndex: map[uint64]string{}, indexOf: map[string]uint64{},
		unused: map[uint64]bool{}, doubted: map[uint64]string{},
	}
}

func (n *names) clone() *names {
	copied := *n
	copied.byIndex, copied.indexOf = maps.Clone(n.byIndex), maps.Clone(n.indexOf)
	copied.unused, copied.doubted = maps.Clone(n.unused), maps.Clone(n.doubted)
	return &copied
}

// check returns an error if a file's names cannot be of the same directory as those that
// are known: a number under which something counts never changes its name.
func (n *names) check(some map[uint64]string) error {
	for index, name := range some {
		if known, found := n.byIndex[index]; found && known != name {
			return fmt.Errorf("%w: it names %s number %d %q, which is %q", format.ErrMalformed, n.kind, index, name, known)
		}
		if known, found := n.indexOf[name]; found && known != index {
			return fmt.Errorf("%w: it gives %s %q the number %d, which has %d", format.ErrMalformed, n.kind, name, index, known)
		}
	}
	return nil
}

// learn takes names that were checked.
func (n *names) learn(some map[uint64]string) {
	for index, name := range some {
		n.byIndex[index], n.indexOf[name] = name, index
		n.need(index + 1)
	}
}

// A numbering is what a commit says of the numbers of event types.
type numbering struct {
	sequence uint64
	// defined are names of new numbers, renamed those of numbers that had others, and
	// counted the indexes under which it counts.
	defined, renamed map[uint64]string
	counted          map[uint64]bool
	// end is beyond indexes that must have a name, though nothing counts under it.
	end uint64
}

// follow takes what a commit says that comes after all that was followed. The error is
// that of check.
func (n *names) follow(said numbering) error {
	if err := n.check(said.defined); err != nil {
		return err
	}
	for index, name := range said.defined {
		if _, known := n.byIndex[index]; !known {
			n.learn(map[uint64]string{index: name})
			n.unused[index] = true
		}
	}
	if err := n.rename(said.renamed); err != nil {
		return err
	}
	n.need(said.end)
	for index := range said.counted {
		delete(n.unused, index)
		delete(n.doubted, index)
		n.need(index + 1)
	}
	return nil
}

// rename gives indexes other names, if nothing counts under the names that they have.
func (n *names) rename(again map[uint64]string) error {
	for index, name := range again {
		n.forgetUnused(index)
		if other, taken := n.indexOf[name]; taken && other != index {
			n.forgetUnused(other)
		}
	}
	if err := n.check(again); err != nil {
		return err
	}
	for index := range again {
		if _, known := n.byIndex[index]; !known {
			n.unused[index] = true
		}
	}
	n.learn(again)
	return nil
}

// forgetUnused forgets the name of an index, if nothing counts under it.
func (n *names) forgetUnused(index uint64) {
	if n.unused[index] {
		delete(n.indexOf, n.byIndex[index])
		delete(n.byIndex, index)
		delete(n.unused, index)
	}
}

// doubt forgets the names of all indexes under which nothing counts, but for those that
// have some fixed ones: in commits that are missing they may have got others.
func (n *names) doubt(fixed []string) {
	for index := range maps.Clone(n.unused) {
		name := n.byIndex[index]
		if index < uint64(len(fixed)) && fixed[index] == name {
			continue
		}
		n.forgetUnused(index)
		n.doubted[index] = name
	}
}

// trustDoubted gives indexes under which nothing counts the names back that they had.
func (n *names) trustDoubted() {
	for index, name := range n.doubted {
		some := map[uint64]string{index: name}
		if n.check(some) == nil {
			n.learn(some)
		}
	}
}

// need makes the list at least so long.
func (n *names) need(length uint64) { n.end = max(n.end, length) }

// guess learns names that every directory begins with, unless what was read says otherwise.
func (n *names) guess(first []string) {
	some := map[uint64]string{}
	for index, name := range first {
		if uint64(index) < n.end {
			some[uint64(index)] = name
		}
	}
	if n.check(some) == nil {
		n.learn(some)
	}
}

// unknown are the numbers without a name.
func (n *names) unknown() (indexes []uint64) {
	for index := range n.end {
		if _, known := n.byIndex[index]; !known {
			indexes = append(indexes, index)
		}
	}
	return indexes
}

// fill gives a number without a name one that nothing else has.
func (n *names) fill(index uint64) (placeholder string) {
	placeholder = fmt.Sprintf("__unknown_%s_%d__", n.kind, index)
	for {
		if _, taken := n.indexOf[placeholder]; !taken {
			n.learn(map[uint64]string{index: placeholder})
			return placeholder
		}
		placeholder += "_"
	}
}

// list are all names by number, once each number has one.
func (n *names) list() []string {
	list := make([]string, n.end)
	for index := range n.end {
		list[index] = n.byIndex[index]
	}
	return slices.Clip(list)
}

// found are names that one file has, how many benefits it counts for, and what its commits
// say of event types, in order.
type found struct {
	benefits, words map[uint64]string
	benefitsEnd     uint64
	events          []numbering
}

func newFound() *found {
	return &found{benefits: map[uint64]string{}, words: map[uint64]string{}}
}

// into collects names.
func into(some map[uint64]string) format.Names {
	return func(index uint64, name []byte) error {
		some[index] = string(name)
		return nil
	}
}

// check returns an error if the names of a file are not of this directory, else what is
// known of event types with the file.
func (s *salvage) check(file *found) (events *names, followed uint64, err error) {
	if err := s.benefits.check(file.benefits); err != nil {
		return nil, 0, err
	}
	if err := s.words.check(file.words); err != nil {
		return nil, 0, err
	}
	events, followed = s.events.clone(), s.followed
	for _, said := range file.events {
		switch next := followed + 1; {
		case said.sequence == ofFile:
		case said.sequence <= s.base.Header.Sequence || s.seen[said.sequence]:
			continue
		case said.sequence != next:
			events.doubt(s.builtInEvents)
			fallthrough
		default:
			followed = max(followed, said.sequence)
		}
		if err := events.follow(said); err != nil {
			return nil, 0, err
		}
	}
	return events, followed, nil
}

// isOurs says whether the names of a file may be of this directory.
func (s *salvage) isOurs(file *found) bool {
	_, _, err := s.check(file)
	return err == nil
}

// ofFile is in the place of a sequence number for what a file says that is no journal.
const ofFile = 0

// learn takes the names of a file, unless they are not of this directory.
func (s *salvage) learn(file *found) error {
	events, followed, err := s.check(file)
	if err != nil {
		return err
	}
	s.benefits.learn(file.benefits)
	s.benefits.need(file.benefitsEnd)
	s.words.learn(file.words)
	s.events, s.followed = events, followed
	return nil
}

// fillNames gives everything that counts a name.
func (s *salvage) fillNames() {
	s.events.guess(s.builtInEvents)
	s.events.trustDoubted()
	const most = 20 // lines for people
	for _, names := range []*names{s.benefits, s.events, s.words} {
		unknown := names.unknown()
		for i, index := range unknown {
			placeholder := names.fill(index)
			switch {
			case i < most:
				s.lose("the name of %s number %d; its counts are kept under %q", names.kind, index, placeholder)
			case i == len(unknown)-1:
				s.lose("the names of %d more, up to number %d; their counts are kept under names like that", i+1-most, index)
			}
		}
	}
}
