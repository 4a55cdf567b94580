package idempotency

import (
	"slices"
	"time"
)

// kept is a key whose batch is durable.
type kept struct {
	key, body Sum
	at        time.Duration // how long servers had run then
	answer    string
}

// blockKeys is how many keys lie together.
const blockKeys = 1024

// A queue has keys in the order in which they were kept, by numbers that go up. What is in
// it never changes, so that its clone is one for ever, and takes no copy of the keys.
type queue struct {
	blocks      []*[blockKeys]kept // from that of first on
	first, next uint64
}

func (q *queue) len() int { return int(q.next - q.first) }

func (q *queue) at(number uint64) *kept {
	return &q.blocks[number/blockKeys-q.first/blockKeys][number%blockKeys]
}

func (q *queue) oldest() *kept { return q.at(q.first) }

// push returns the number of the key.
func (q *queue) push(key kept) (number uint64) {
	if q.next%blockKeys == 0 {
		q.blocks = append(q.blocks, new([blockKeys]kept))
	}
	number = q.next
	q.next++
	*q.at(number) = key
	return number
}

// drop takes the oldest out.
func (q *queue) drop() {
	q.first++
	if q.first%blockKeys == 0 {
		q.blocks[0] = nil
		q.blocks = q.blocks[1:]
	}
}

func (q *queue) clone() queue { return queue{slices.Clone(q.blocks), q.first, q.next} }
