package command

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"stats-recorder/counters"
	"stats-recorder/exchange/importer"
	"stats-recorder/snapshot"
)

// unshown counts the imported events that RETENTION will keep out of all windows. Any
// number of goroutines may use it.
type unshown struct {
	retention time.Duration // 0 for none
	kept      counters.Day  // the first day that is shown
	isAgreed  bool          // whether nodes have let go of the days before together
	events    atomic.Uint64
}

func newUnshown(session *snapshot.Import) *unshown {
	u := &unshown{isAgreed: session.IsTold()}
	u.retention, u.kept = session.Retention()
	return u
}

// add counts a document that is imported.
func (u *unshown) add(document *importer.Document) {
	if document.Precision != importer.AllTime && counters.HourOf(document.CreatedAt).Day() < u.kept {
		u.events.Add(document.Count)
	}
}

// print says how many there are, if any, and what can be done about it.
func (u *unshown) print(output io.Writer) {
	events := u.events.Load()
	switch {
	case events > 0 && u.isAgreed:
		fmt.Fprintf(output, "before %s, in no window: %d; the nodes have let go of these days\n", u.kept, events)
	case events > 0:
		fmt.Fprintf(output, "before %s, in no window: %d; the last server had RETENTION=%s: raise it before the next start to see them\n",
			u.kept, events, days(u.retention))
	}
}

// days is a length of time as a person sets it.
func days(length time.Duration) string {
	const day = 24 * time.Hour
	if length%day == 0 {
		return fmt.Sprintf("%dd", length/day)
	}
	return length.String()
}
