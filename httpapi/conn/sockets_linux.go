package conn

import (
	"iter"
	"slices"
)

// sockets are a loop's connections by descriptor. Descriptors are small numbers: an array of
// them is looked at for each event in less time than a map.
type sockets struct {
	byDescriptor []*socket
	count        int
}

// at is the connection with a descriptor, or nil.
func (s *sockets) at(descriptor int32) *socket {
	if int(descriptor) >= len(s.byDescriptor) {
		return nil
	}
	return s.byDescriptor[descriptor]
}

func (s *sockets) add(c *socket) {
	if missing := c.fd + 1 - len(s.byDescriptor); missing > 0 {
		s.byDescriptor = slices.Grow(s.byDescriptor, missing)[:c.fd+1]
	}
	s.byDescriptor[c.fd] = c
	s.count++
}

func (s *sockets) remove(c *socket) {
	s.byDescriptor[c.fd] = nil
	s.count--
}

// all are the connections. They may be removed meanwhile.
func (s *sockets) all() iter.Seq[*socket] {
	return func(yield func(*socket) bool) {
		for _, c := range s.byDescriptor {
			if c != nil && !yield(c) {
				return
			}
		}
	}
}
