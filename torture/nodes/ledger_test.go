package main

import (
	"errors"
	"testing"
	"time"

	"stats-recorder/harness"
)

// counting is what nodes count of some posts.
func counting(posts ...int) *harness.Ledger {
	counts := harness.NewLedger()
	for _, page := range posts {
		for i := range recordsInAPost {
			counts.Add(counterOf(page, i), 1)
		}
	}
	return counts
}

func TestALostDiskMayCostWhatItsNodeAcknowledgedAfterWhatItHadTold(t *testing.T) {
	const early, late, last = 1, 2, 3
	l, n := newLedger(), &node{}
	post := func(page int) { l.acknowledge(n, l.send(n, page), page) }
	post(early)
	told := time.Now()
	post(late)
	sent := l.send(n, last)
	if records, err := l.loseDisk(n, told); err != nil || records != recordsInAPost {
		t.Errorf("%d records, %v; want those of one post", records, err)
	}
	l.acknowledge(n, sent, last) // the answer was on its way
	for _, test := range []struct {
		name    string
		counted []int
		want    error
	}{
		{"all is there", []int{early, late, last}, nil},
		{"what it had not told is lost", []int{early}, nil},
		{"what it had told is lost", []int{late, last}, errWrong},
		{"a post is there twice", []int{early, early}, errWrong},
	} {
		if _, err := l.check(counting(test.counted...)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	counted, err := l.check(counting(early, late))
	if err != nil {
		t.Fatal(err)
	}
	if lost := l.writeOff(counted); lost != recordsInAPost {
		t.Errorf("%d records are lost, want those of one post", lost)
	}
	if _, err := l.check(counting(early)); !errors.Is(err, errWrong) {
		t.Errorf("what was there after the loss is lost: %v, want %v", err, errWrong)
	}
}

func TestALedgerKnowsForHowLongItRemembers(t *testing.T) {
	l, n := newLedger(), &node{}
	l.lifeOf(n).since = time.Now()
	if _, err := l.loseDisk(n, time.Now().Add(-time.Hour)); !errors.Is(err, errWrong) {
		t.Errorf("%v, want %v", err, errWrong)
	}
}

func TestADumpIsCountedOnceIfItsImportIsAcknowledged(t *testing.T) {
	l := newLedger()
	acknowledged, unknown := l.beginDump(), l.beginDump()
	l.acknowledgeDump(acknowledged)
	whole := func(counts *harness.Ledger, number int) {
		for i := range recordsInADump {
			counts.Add(counterOfDump(number, i), 1)
		}
	}
	for _, test := range []struct {
		name    string
		counted []int
		more    func(*harness.Ledger)
		want    error
	}{
		{"both are there", []int{acknowledged, unknown}, nil, nil},
		{"that of which nothing is known is not", []int{acknowledged}, nil, nil},
		{"the acknowledged one is not", []int{unknown}, nil, errWrong},
		{"it is there twice", []int{acknowledged, acknowledged}, nil, errWrong},
		{"a part of the other one is", []int{acknowledged}, func(counts *harness.Ledger) { counts.Add(counterOfDump(unknown, 3), 1) }, errWrong},
	} {
		counts := harness.NewLedger()
		for _, number := range test.counted {
			whole(counts, number)
		}
		if test.more != nil {
			test.more(counts)
		}
		if _, err := l.check(counts); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}
