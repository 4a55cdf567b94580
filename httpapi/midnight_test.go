package httpapi

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// zones are all zones of the time zone database that came with Go.
func zones(t *testing.T) (locations []*time.Location) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("needs the go command, to find its list of zones")
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("needs Go's time zone database:", err)
	}
	defer archive.Close()
	for _, file := range archive.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		location, err := time.LoadLocation(file.Name)
		if err != nil {
			t.Errorf("%s: %v", file.Name, err)
			continue
		}
		locations = append(locations, location)
	}
	return locations
}

// firstMomentOf looks at every minute around a date for the first that has it, or a
// later one where the clocks skip the date.
func firstMomentOf(date time.Time, location *time.Location) time.Time {
	for at := date.Add(-27 * time.Hour); ; at = at.Add(time.Minute) {
		year, month, day := at.In(location).Date()
		if !time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Before(date) {
			return at
		}
	}
}

// TestEveryDayBeginsWithTheFirstMomentOfItsDate tries the days around each change of
// every zone's clocks since 1990, and up to 2040.
func TestEveryDayBeginsWithTheFirstMomentOfItsDate(t *testing.T) {
	t.Parallel()
	from, to := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for _, location := range zones(t) {
		for at := from.In(location); ; {
			_, change := at.ZoneBounds()
			if change.IsZero() || change.After(to) {
				break
			}
			at = change
			before, _ := change.Add(-time.Second).Zone()
			_, offset := change.Zone()
			if key := change.UTC().String() + before + time.Duration(offset).String(); seen[key] || !nearMidnight(change) {
				continue // another zone has had it, or no midnight is near
			} else {
				seen[key] = true
			}
			for days := -1; days <= 1; days++ {
				year, month, day := change.Date()
				date := time.Date(year, month, day+days, 0, 0, 0, 0, time.UTC)
				got, want := midnight(midday(date, location), 0, 0), firstMomentOf(date, location)
				if !got.Equal(want) {
					t.Errorf("%s: %s begins at %s, want %s", location, date.Format(time.DateOnly), got, want.In(location))
				}
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d changes were tried", len(seen))
	}
}

// nearMidnight says whether the clocks change within three hours of a midnight.
func nearMidnight(change time.Time) bool {
	before := change.Add(-time.Second)
	return change.Hour() < 3 || change.Hour() >= 21 || before.Hour() < 3 || before.Hour() >= 21
}

// midday is a moment whose local date is the given one, if any has it.
func midday(date time.Time, location *time.Location) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), 12, 0, 0, 0, location)
}
