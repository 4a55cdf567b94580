package objectstore

import (
	"slices"
	"time"

	"stats-recorder/backup"
)

// How many manifests stay: the newest, and then the last of so many hours and days for
// which there are any. A clock that jumps costs none of the newest.
const (
	newestKept = 15
	hoursKept  = 24
	daysKept   = 30
)

// dated is a manifest in storage.
type dated struct {
	entry
	manifest backup.Manifest
}

// thin returns which manifests stay, of all in their order.
func thin(all []dated) (kept []dated) {
	hours, days := map[time.Time]bool{}, map[time.Time]bool{}
	for i, one := range slices.Backward(all) {
		isKept := len(all)-i <= newestKept
		for _, rule := range []struct {
			span time.Duration
			seen map[time.Time]bool
			most int
		}{{time.Hour, hours, hoursKept}, {24 * time.Hour, days, daysKept}} {
			span := one.manifest.Taken.UTC().Truncate(rule.span)
			if !rule.seen[span] && len(rule.seen) < rule.most {
				rule.seen[span] = true
				isKept = true
			}
		}
		if isKept {
			kept = append(kept, one)
		}
	}
	slices.Reverse(kept)
	return kept
}
