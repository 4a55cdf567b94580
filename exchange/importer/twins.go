package importer

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// maxIdentities is of how many documents the identity is kept, at 8 bytes each.
const maxIdentities = 4 << 20

// twins finds documents that are there more than once in one import, such as those of
// two dumps in one file. It keeps the identities of all documents, as long as there
// are few enough. Beyond, it relies on the order of documents: both tools of MongoDB
// write them in that of their _ids.
type twins struct {
	mu         sync.Mutex
	limit      int // of identities
	identities []uint64
	forgotten  bool
	runs       []run
	unordered  bool // some batch is not in order
}

// run is a batch of documents whose keys strictly ascend.
type run struct{ first, last Key }

// batchTwins is what a worker has seen in one batch.
type batchTwins struct {
	identities []uint64
	run        run
	unordered  bool
}

func (b *batchTwins) note(document *Document, key Key, identity uint64) {
	if len(b.identities) == 0 {
		b.run.first = key
	} else if document.isRow || bytes.Compare(b.run.last[:], key[:]) >= 0 {
		b.unordered = true
	}
	b.run.last = key
	b.identities = append(b.identities, identity)
}

// add adds a batch, and empties it.
func (t *twins) add(b *batchTwins) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.forgotten = t.forgotten || len(t.identities)+len(b.identities) > t.limit; t.forgotten {
		t.identities = nil
	} else {
		t.identities = append(t.identities, b.identities...)
	}
	t.unordered = t.unordered || b.unordered
	if len(b.identities) > 0 && !t.unordered {
		t.runs = append(t.runs, b.run)
	}
	*b = batchTwins{identities: b.identities[:0]}
}

// count is how many documents are there once more, and whether that is known.
func (t *twins) count() (again uint64, known bool) {
	if t.forgotten {
		return 0, !t.unordered && t.areApart()
	}
	slices.Sort(t.identities)
	for i := 1; i < len(t.identities); i++ {
		if t.identities[i] == t.identities[i-1] {
			again++
		}
	}
	return again, true
}

// areApart says whether no run overlaps another.
func (t *twins) areApart() bool {
	slices.SortFunc(t.runs, func(a, b run) int {
		return cmp.Or(bytes.Compare(a.first[:], b.first[:]), bytes.Compare(a.last[:], b.last[:]))
	})
	for i := 1; i < len(t.runs); i++ {
		if bytes.Compare(t.runs[i-1].last[:], t.runs[i].first[:]) >= 0 {
			return false
		}
	}
	return true
}
