package httpapi

import (
	"fmt"
	"sync"
	"testing"

	"stats-recorder/counters"
	"stats-recorder/httpapi/records"
)

// TestARecordCountsUnderWhatWasAgreedLast has records come while nodes agree that there is no
// room for their event types.
func TestARecordCountsUnderWhatWasAgreedLast(t *testing.T) {
	t.Parallel()
	var own []string
	for i := range 30 {
		own = append(own, fmt.Sprint("own-", i))
	}
	for range 1000 {
		store := counters.NewStore(counters.WhenDurable)
		events := newEventTypes(store, own)
		numberOf := func(i int) counters.EventType {
			number, err := events.number(records.Event(len(records.BuiltInEvents) + i))
			if err != nil {
				t.Error(err)
			}
			return number
		}
		var counting sync.WaitGroup
		begun := make(chan struct{})
		counting.Go(func() {
			close(begun)
			for i := range own {
				numberOf(i)
			}
		})
		<-begun
		store.AgreeEventTypes(nil)
		counting.Wait()
		for i := range own {
			number := numberOf(i)
			if name := store.Events.Names()[number-1]; name != counters.OtherEvent {
				t.Fatalf("%q counts as %q, want %q", own[i], name, counters.OtherEvent)
			}
		}
	}
}
