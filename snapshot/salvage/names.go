package salvage

import (
	"fmt"
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
}

func newNames(kind string) *names {
	return &names{kind: kind, byIndex: map[uint64]string{}, indexOf: map[string]uint64{}}
}

// check returns an error if a file's names cannot be of the same directory as those that
// are known: a number never changes its name.
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

// found are names that one file has, and how many numbers it counts for.
type found struct {
	benefits, events       map[uint64]string
	words                  map[uint64]string
	benefitsEnd, eventsEnd uint64
}

func newFound() *found {
	return &found{benefits: map[uint64]string{}, events: map[uint64]string{}, words: map[uint64]string{}}
}

// into collects names.
func into(some map[uint64]string) format.Names {
	return func(index uint64, name []byte) error {
		some[index] = string(name)
		return nil
	}
}

// check returns an error if the names of a file are not of this directory.
func (s *salvage) check(file *found) error {
	if err := s.benefits.check(file.benefits); err != nil {
		return err
	}
	if err := s.words.check(file.words); err != nil {
		return err
	}
	return s.events.check(file.events)
}

// learn takes the names of a file, unless they are not of this directory.
func (s *salvage) learn(file *found) error {
	if err := s.check(file); err != nil {
		return err
	}
	s.benefits.learn(file.benefits)
	s.benefits.need(file.benefitsEnd)
	s.events.learn(file.events)
	s.events.need(file.eventsEnd)
	s.words.learn(file.words)
	return nil
}

// fillNames gives everything that counts a name.
func (s *salvage) fillNames() {
	s.events.guess(s.builtInEvents)
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
