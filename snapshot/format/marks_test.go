package format

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
)

// kept are marks for a snapshot, one each second.
type kept []counters.Mark

func (k kept) Len() int          { return len(k) }
func (k kept) At() time.Duration { return time.Duration(len(k)) * time.Second }
func (k kept) Each(visit MarkVisitor) error {
	for i, mark := range k {
		if err := visit(mark, time.Duration(i)*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func someMarks(n int) (marks kept) {
	for i := range n {
		mark := counters.Mark{Key: [16]byte{byte(i), byte(i >> 8)}, Body: [16]byte{1, byte(i)}}
		if i%10 == 0 {
			mark.Answer = strings.Repeat("x", i)
		}
		marks = append(marks, mark)
	}
	return marks
}

func TestMarksComeBackFromASnapshotOfSeveralSections(t *testing.T) {
	want := someMarks(9000)
	var file bytes.Buffer
	content := Snapshot{Header: SnapshotHeader{Written: time.UnixMilli(0)}, Manifest: &Manifest{}, Marks: want}
	if err := content.Write(&file, nil, nil); err != nil {
		t.Fatal(err)
	}
	var got kept
	_, _, err := ReadSnapshot(bytes.NewReader(file.Bytes()), int64(file.Len()), counters.BuiltInKinds(), SnapshotSink{
		Marks: func(mark counters.Mark, at time.Duration) error {
			if want := time.Duration(len(got)) * time.Second; at != want {
				t.Fatalf("mark %d is as of %v, want %v", len(got), at, want)
			}
			got = append(got, mark)
			return nil
		},
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d marks come back of %d, %v", len(got), len(want), err)
	}
}

func TestMarksOfAFrameAreReadWholeOrRefused(t *testing.T) {
	payload := AppendMarks(nil, someMarks(11), time.Minute)
	read := func(payload []byte) (marks kept, err error) {
		err = ReadPayload(payload, FrameSink{Marks: func(mark counters.Mark, at time.Duration) error {
			if at != time.Minute {
				t.Errorf("a mark is as of %v, want a minute", at)
			}
			marks = append(marks, mark)
			return nil
		}})
		return marks, err
	}
	if got, err := read(payload); err != nil || !slices.Equal(got, someMarks(11)) {
		t.Errorf("%v, %v", got, err)
	}
	for end := range payload[1:] {
		if _, err := read(payload[:end+1]); !errors.Is(err, ErrMalformed) {
			t.Errorf("of the first %d bytes, the error is %v", end+1, err)
		}
	}
	if got := AppendMarks([]byte{1}, nil, time.Minute); len(got) != 1 {
		t.Errorf("no marks are %d bytes", len(got)-1)
	}
}

func TestAMarkFromBeforeThereWasAServerIsMalformed(t *testing.T) {
	content := appendMark(appendMarksBegin(nil, time.Second), counters.Mark{}, 2*time.Second)
	if err := readMarks(content, ignoreMarks); !errors.Is(err, ErrMalformed) {
		t.Errorf("the error is %v", err)
	}
}
