package idempotency

import (
	"crypto/sha256"
	"sync"
	"time"

	"stats-recorder/counters"
)

// A Sum is what is remembered of a key or a body.
type Sum = [16]byte

// SumOf is the sum of a text.
func SumOf(text []byte) Sum {
	sum := sha256.Sum256(text)
	return Sum(sum[:len(Sum{})])
}

// Bounds say how much a Window remembers.
type Bounds struct {
	// Age is for how much time that servers run a key is remembered; 0 remembers none.
	Age time.Duration
	// Keys is how many keys are remembered. One whose answer tells of rejected records
	// counts as several, see answerPlace.
	Keys int
}

// KeyBytes is about what a key takes in memory, see TestAKeyTakesAsMuchMemoryAsItSays.
const KeyBytes = 128

// answerPlace is for how many bytes of an answer its key counts as one more.
const answerPlace = KeyBytes

// Sent is a batch that came with a key.
type Sent struct {
	// Again is set if it had come before.
	Again bool
	// Other is set if what came before was another body.
	Other bool
	// Answer is that of the batch's mark.
	Answer string
	// Ticket tells what becomes of the batch; nil if it is kept, or is not waited for.
	Ticket *counters.Ticket
}

// A Window remembers the keys of batches. It is filled by Restore, and used from Begin on.
// Then any number of goroutines may call Find, Add and Figures; what became of batches, and
// Freeze, belong to the committing goroutine.
type Window struct {
	mu        sync.Mutex
	bounds    Bounds
	elapsed   func() time.Duration
	began     time.Duration // what elapsed said at Begin
	age       time.Duration // how long servers had run by then
	waiting   map[Sum]waiting
	kept      queue
	numbers   map[Sum]uint64 // of keys in kept, the newest of each
	places    int            // that those in kept take
	forgotten uint64
}

// waiting is a batch that is in the store and not durable yet.
type waiting struct {
	body   Sum
	answer string
	ticket *counters.Ticket
}

// NewWindow is an empty one.
func NewWindow() *Window {
	return &Window{waiting: map[Sum]waiting{}, numbers: map[Sum]uint64{}}
}

// Restore remembers a key that was kept when servers had run for a time. They must come
// in the order of these times; of a key that comes twice the last one holds.
func (w *Window) Restore(mark counters.Mark, at time.Duration) {
	w.age = max(w.age, at)
	w.keep(mark, at)
}

// Begin says within which bounds keys are remembered from now on. Elapsed is the time since
// some moment, by a clock that nobody sets.
func (w *Window) Begin(bounds Bounds, elapsed func() time.Duration) {
	w.bounds, w.elapsed, w.began = bounds, elapsed, elapsed()
	w.forget()
}

// All is what was restored, before Begin.
func (w *Window) All() Frozen { return Frozen{w.kept.clone(), w.age} }

// Now is how long servers have run.
func (w *Window) Now() time.Duration { return w.age + w.elapsed() - w.began }

// Find returns the batch that came with a key before, if it is remembered.
func (w *Window) Find(key, body Sum) (Sent, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.find(key, body)
}

func (w *Window) find(key, body Sum) (Sent, bool) {
	if first, found := w.waiting[key]; found {
		return Sent{Again: true, Other: first.body != body, Answer: first.answer, Ticket: first.ticket}, true
	}
	number, found := w.numbers[key]
	if !found || w.isOld(w.kept.at(number)) {
		return Sent{}, false
	}
	first := w.kept.at(number)
	return Sent{Again: true, Other: first.body != body, Answer: first.answer}, true
}

// Add has a batch go into the store with its mark, by the function, unless one with the
// same key came before. The error is the function's.
func (w *Window) Add(batch *counters.Batch, mark counters.Mark, add func(*counters.Batch) (*counters.Ticket, error)) (Sent, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sent, found := w.find(mark.Key, mark.Body); found {
		return sent, nil
	}
	batch.Mark(mark)
	ticket, err := add(batch)
	if err != nil {
		return Sent{}, err
	}
	w.waiting[mark.Key] = waiting{mark.Body, mark.Answer, ticket}
	return Sent{Answer: mark.Answer, Ticket: ticket}, nil
}

// Commit keeps the keys of batches that are durable, as of a time from Now. It comes before
// those who wait for the batches are told.
func (w *Window) Commit(marks []counters.Mark, at time.Duration) {
	if len(marks) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, mark := range marks {
		if !mark.Merged {
			delete(w.waiting, mark.Key)
		}
		if w.bounds.Age > 0 {
			w.keep(mark, at)
		}
	}
	w.forget()
}

// Reject forgets the keys of batches that are not counted. It comes before those who wait
// for the batches are told.
func (w *Window) Reject(marks []counters.Mark) {
	if len(marks) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, mark := range marks {
		if !mark.Merged {
			delete(w.waiting, mark.Key)
		}
	}
}

func (w *Window) keep(mark counters.Mark, at time.Duration) {
	w.numbers[mark.Key] = w.kept.push(kept{mark.Key, mark.Body, at, mark.Answer})
	w.places += placesOf(mark.Answer)
}

// placesOf is as how many keys one with an answer counts.
func placesOf(answer string) int { return 1 + (len(answer)+answerPlace-1)/answerPlace }

func (w *Window) isOld(key *kept) bool { return w.Now()-key.at >= w.bounds.Age }

// forget forgets the keys that are too old, and the oldest of those that are too many.
func (w *Window) forget() {
	for w.kept.len() > 0 {
		oldest := w.kept.oldest()
		isOld := w.isOld(oldest)
		if !isOld && w.places <= w.bounds.Keys {
			return
		}
		number, key, answer := w.kept.first, oldest.key, oldest.answer
		w.kept.drop()
		w.places -= placesOf(answer)
		if w.numbers[key] != number {
			continue // it came again
		}
		delete(w.numbers, key)
		if !isOld {
			w.forgotten++
		}
	}
}

// Figures are how many keys are remembered, and how many were forgotten since the start
// though they were not too old.
func (w *Window) Figures() (keys int, forgotten uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget()
	return len(w.numbers), w.forgotten
}

// Freeze is all that is kept at this moment, for a snapshot.
func (w *Window) Freeze() Frozen {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget()
	return Frozen{w.kept.clone(), w.Now()}
}

// Frozen are keys as they were at one moment. They may be read by any goroutine.
type Frozen struct {
	kept queue
	at   time.Duration
}

// Len is how many there are.
func (f Frozen) Len() int { return f.kept.len() }

// At is how long servers had run then.
func (f Frozen) At() time.Duration { return f.at }

// Each visits the keys, with how long servers had run when each was kept, oldest first.
func (f Frozen) Each(visit func(mark counters.Mark, at time.Duration) error) error {
	for number := f.kept.first; number < f.kept.next; number++ {
		key := f.kept.at(number)
		if err := visit(counters.Mark{Key: key.key, Body: key.body, Answer: key.answer}, key.at); err != nil {
			return err
		}
	}
	return nil
}
