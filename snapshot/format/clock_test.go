package format_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"stats-recorder/counters"
	"stats-recorder/snapshot/format"
)

func TestWhatIsRememberedOfTheClockIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 15, 12, 30, 0, int(time.Millisecond), time.UTC)
	for name, clock := range map[string]*format.Clock{
		"nothing":        nil,
		"nothing so far": {},
		"a retention":    {Retention: 1095 * 24 * time.Hour},
		"a trial": {
			Known:    format.Level{Time: at, Trial: at.AddDate(10, 0, 0), Lasted: 3 * 24 * time.Hour},
			Believed: format.Level{Time: at.Add(time.Hour)},
		},
		"long ago and far away": {
			Known:    format.Level{Time: time.Date(1901, 1, 1, 0, 0, 0, 0, time.UTC)},
			Believed: format.Level{Trial: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), Lasted: math.MaxInt64 / time.Millisecond * time.Millisecond},
		},
	} {
		written := &format.Manifest{KeptFrom: 7, Clock: clock}
		var b bytes.Buffer
		content := format.Snapshot{Header: format.SnapshotHeader{Sequence: 1}, Manifest: written}
		if err := content.Write(&b, nil, nil); err != nil {
			t.Fatal(err)
		}
		_, manifest, err := format.ReadSnapshot(&b, int64(b.Len()), counters.BuiltInKinds(), format.SnapshotSink{})
		if err != nil || !reflect.DeepEqual(manifest, written) {
			t.Errorf("%s: %+v and %v, want %+v", name, manifest, err, written)
		}
	}
}
