package counters

import (
	"errors"
	"testing"
)

// TestTheEditionGrowsWithEveryChangeThatReadersSee holds what keeps answers fresh:
// who was told that a record counts finds another edition than before.
func TestTheEditionGrowsWithEveryChangeThatReadersSee(t *testing.T) {
	t.Parallel()
	for visibility, want := range map[Visibility][3]bool{WhenDurable: {false, true, true}, WhenAdded: {true, true, true}} {
		s := NewStore(visibility)
		key, err := NewKey(1, 2, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		batch := s.NewBatch()
		batch.Add(0, key, 0)
		last := s.Edition()
		grown := func(step string, want bool) {
			t.Helper()
			now := s.Edition()
			if (now > last) != want || now < last {
				t.Errorf("visibility %d, %s: from edition %d to %d", visibility, step, last, now)
			}
			last = now
		}
		if _, err := s.Add(batch); err != nil {
			t.Fatal(err)
		}
		grown("added", want[0])
		s.Seal().Commit()
		grown("committed", want[1])
		if _, err := s.Add(batch); err != nil {
			t.Fatal(err)
		}
		s.Seal().Reject(errors.New("no"))
		grown("rejected", want[2])
		grown("nothing", false)
	}
}
