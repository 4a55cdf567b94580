package httpapi

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAReadThatHasWaitedForASecondHasOthersHurryUntilItIsItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hurried := make(chan int, 2)
		waiting := turns{places: make(chan struct{}, 1), patience: readingPatience, hurry: func(more int) { hurried <- more }}
		expect := func(when string, want int) {
			t.Helper()
			if len(hurried) == 0 {
				t.Fatalf("%s nobody is told to hurry", when)
			}
			if more := <-hurried; more != want {
				t.Errorf("%s %d more hurry, want %d", when, more, want)
			}
		}
		if !waiting.await() {
			t.Fatal("the first read waits")
		}
		second := make(chan bool, 1)
		go func() { second <- waiting.await() }()
		time.Sleep(calm - time.Nanosecond)
		if len(hurried) > 0 {
			t.Error("others are told to hurry at once")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		expect("after a second", 1)
		waiting.done()
		if !<-second {
			t.Fatal("the second read is told that there is no room")
		}
		expect("when it is its turn", -1)
	})
}
