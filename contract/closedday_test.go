package contract

import (
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
)

// closedDay is a directory with two snapshots and the file of a day that ended
// long ago, and the name of that file. The benefit old was recorded on that day,
// the benefit new today.
func closedDay(t *testing.T) (directory, name string) {
	t.Helper()
	directory = t.TempDir()
	settings := []string{"MAX_EVENT_AGE=0", "SNAPSHOT_INTERVAL=1h"}
	longAgo := blackbox.Record(blackbox.Fields{"benefit_id": `"old"`, "created_at": blackbox.Quote(longAgo().Format(time.RFC3339))})
	for _, body := range []string{blackbox.Array(longAgo, longAgo, blackbox.RecordOf("new")), blackbox.RecordOf("new")} {
		p := blackbox.StartProgram(t, directory, settings)
		p.Created(t, body)
		p.Terminate(t)
	}
	p := blackbox.StartProgram(t, directory, settings)
	p.Created(t, blackbox.RecordOf("new"))
	p.Kill(t)
	files, err := filepath.Glob(filepath.Join(directory, "day-"+longAgoDay()+"-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the closed day has the files %q (%v), want one", files, err)
	}
	return directory, filepath.Base(files[0])
}

// longAgo is noon of a day that every snapshot closes.
func longAgo() time.Time { return time.Date(2020, 1, 31, 12, 0, 0, 0, time.UTC) }

func longAgoDay() string { return longAgo().Format(time.DateOnly) }

// expectClosedDay requires the sums of all time, and those since before the old
// day, with or without it.
func expectClosedDay(t *testing.T, p *blackbox.Program, kept bool) {
	t.Helper()
	all := map[string]map[string]int{"old": {"show": 2}, "new": {"show": 3}}
	if got := p.Totals(t, ""); !reflect.DeepEqual(got, all) {
		t.Errorf("of all time: got %v, want %v", got, all)
	}
	p.Get(t, "/statistics").Expect(t, http.StatusOK, `[{"benefit":"new","events_count":3,"events":{"show":{"2":{"1":3}}}},`+
		`{"benefit":"old","events_count":2,"events":{"show":{"2":{"1":2}}}}]`)
	since := map[string]map[string]int{"new": {"show": 3}}
	if kept {
		since = all
	}
	if got := p.Totals(t, blackbox.StartAt(longAgoDay())); !reflect.DeepEqual(got, since) {
		t.Errorf("since the old day: got %v, want %v", got, since)
	}
}

func TestVerifyReadsTheClosedDaysToo(t *testing.T) {
	t.Parallel()
	directory, name := closedDay(t)
	blackbox.Unchanged(t, directory, func() {
		blackbox.VerifyOf(t, directory).ExpectReport(t, 0, name, "day "+longAgoDay(), "complete")
	})
	expectClosedDay(t, blackbox.StartProgram(t, directory, nil), true)
}

func TestADamagedClosedDayIsNamedAndTheRestIsSalvaged(t *testing.T) {
	t.Parallel()
	original, name := closedDay(t)
	for what, d := range map[string]damage{
		"a flipped bit":  {spoil: in(name, flip(90)), says: []string{name, "at offset"}},
		"cut off":        {spoil: in(name, func(b []byte) []byte { return b[:len(b)-1] }), says: []string{name}},
		"another header": {spoil: in(name, flip(20)), says: []string{name, "at offset 0"}},
		"deleted":        {spoil: without(name), says: []string{name}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			directory := blackbox.CopyOf(t, original)
			d.spoil(t, directory)
			before := blackbox.ContentsOf(t, directory)
			blackbox.Unchanged(t, directory, func() {
				blackbox.VerifyOf(t, directory).ExpectReport(t, 1, append([]string{"MISSING: "}, d.says...)...)
			})
			blackbox.VerifyOf(t, directory, "--repair").ExpectReport(t, 0, "copied the originals to ",
				fmt.Sprintf("dropped: day %s, except from the sums of all time", longAgoDay()))
			expectOriginals(t, directory, before)
			blackbox.Unchanged(t, directory, func() { blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete") })
			p := blackbox.StartProgram(t, directory, nil)
			expectClosedDay(t, p, false)
			p.Terminate(t)
			blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
		})
	}
}

// TestADamagedClosedDayStopsNoServer has a late record come for it.
func TestADamagedClosedDayStopsNoServer(t *testing.T) {
	t.Parallel()
	directory, name := closedDay(t)
	in(name, func(b []byte) []byte { return flip(len(b) - 40)(b) })(t, directory)
	damaged := blackbox.ContentsOf(t, directory)[name]
	settings := []string{"MAX_EVENT_AGE=0", "SNAPSHOT_INTERVAL=1h"}
	p := blackbox.StartProgram(t, directory, settings)
	p.Created(t, blackbox.Record(blackbox.Fields{"benefit_id": `"old"`, "created_at": blackbox.Quote(longAgo().Format(time.RFC3339))}))
	p.Terminate(t)
	if blackbox.ContentsOf(t, directory)[name+".damaged"] != damaged {
		t.Error("the damaged file was not set aside")
	}
	blackbox.VerifyOf(t, directory).ExpectReport(t, 0, "complete")
	for range 2 { // a restart keeps that
		p = blackbox.StartProgram(t, directory, settings)
		if got, want := p.Totals(t, blackbox.StartAt(longAgoDay())), map[string]map[string]int{"old": {"show": 1}, "new": {"show": 3}}; !reflect.DeepEqual(got, want) {
			t.Errorf("since the old day: got %v, want %v", got, want)
		}
		p.Get(t, "/statistics").Expect(t, http.StatusOK, `[{"benefit":"new","events_count":3,"events":{"show":{"2":{"1":3}}}},`+
			`{"benefit":"old","events_count":3,"events":{"show":{"2":{"1":3}}}}]`)
		p.Terminate(t)
	}
}
