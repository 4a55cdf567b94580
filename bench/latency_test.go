package main

import (
	"testing"
	"time"
)

// steady records a request each millisecond for as long as it says, all of them as slow.
func steady(recorder *latencyRecorder, from, length, latency time.Duration) {
	for began := from; began < from+length; began += time.Millisecond {
		recorder.record(began, latency)
	}
}

func TestABurstDecidesTheP99OfAllAndNotThatOfPieces(t *testing.T) {
	distribution := newLatencies()
	recorder := distribution.recorder()
	steady(recorder, 0, 10*pieceLength, time.Millisecond)
	steady(recorder, 3*pieceLength, pieceLength, 50*time.Millisecond)
	recorder.flush()
	if have := distribution.summary().P99; have < 49*time.Millisecond {
		t.Errorf("p99 of all is %v, though a tenth of them took 50 ms", have)
	}
	if have := distribution.p99OfPieces(); !isWithin(have, time.Millisecond) {
		t.Errorf("the median of the pieces is %v, though nine of ten have 1 ms", have)
	}
}

func TestWhatIsSlowInMostPiecesIsInTheirMedian(t *testing.T) {
	distribution := newLatencies()
	recorder := distribution.recorder()
	for piece := range time.Duration(10) {
		steady(recorder, piece*pieceLength, pieceLength, time.Millisecond)
		if piece < 6 {
			steady(recorder, piece*pieceLength, 3*time.Millisecond, 20*time.Millisecond)
		}
	}
	recorder.flush()
	if have := distribution.p99OfPieces(); !isWithin(have, 20*time.Millisecond) {
		t.Errorf("the median of the pieces is %v, though six of ten have 20 ms", have)
	}
}

func TestARequestBelongsToThePieceInWhichItBegan(t *testing.T) {
	distribution := newLatencies()
	recorder := distribution.recorder()
	steady(recorder, 0, pieceLength, 7*pieceLength) // all end in pieces without a beginning
	recorder.flush()
	if have := distribution.p99OfPieces(); !isWithin(have, 7*pieceLength) {
		t.Errorf("the only piece has %v", have)
	}
}

func TestPiecesWithoutRequestsDoNotCount(t *testing.T) {
	distribution := newLatencies()
	if have := distribution.p99OfPieces(); have != 0 {
		t.Errorf("%v without any request", have)
	}
	recorder := distribution.recorder()
	steady(recorder, 5*pieceLength, pieceLength, time.Millisecond)
	recorder.flush()
	if have := distribution.p99OfPieces(); !isWithin(have, time.Millisecond) {
		t.Errorf("the only piece with requests has 1 ms, the median is %v", have)
	}
}

// isWithin says whether a latency is what it should be, as far as pieces tell them apart.
func isWithin(have, want time.Duration) bool { return have >= want && have <= want+want/50 }
