package counters

import "sync"

// A Mark goes with a batch, into the same delta or nowhere. By it the batch is known when
// it comes again; what is counted does not depend on it.
type Mark struct {
	// Key is what the client calls the batch, and Body what the batch was: hashes of both.
	Key, Body [16]byte
	// Answer is what the client was answered, as whoever made the mark encodes it. It
	// must not change.
	Answer string
	// Merged is set for a mark that came through Store.Merge: another store tells of it.
	Merged bool
}

// Mark has a mark go with the batch, until the next Reset. A batch with a mark is added
// even if it has no records.
func (b *Batch) Mark(mark Mark) { b.mark = &mark }

// marks are those that were added since the last seal. Adders hold the gate for reading.
type marks struct {
	mu    sync.Mutex
	added []Mark // guarded by mu
}

func (m *marks) add(added ...Mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.added = append(m.added, added...)
}

// take returns what was added. It is called with the gate held for writing.
func (m *marks) take() []Mark {
	taken := m.added
	m.added = nil
	return taken
}
