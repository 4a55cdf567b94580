package httpapi

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"stats-recorder/visitors"
)

// tally counts the records that visits are counted by.
type tally struct{ records atomic.Int64 }

func (v *tally) Add(batch *visitors.Batch) { v.records.Add(int64(batch.Len())) }

// TestVisitsAreNotCountedUnderNumbersThatWereForgotten has a record wait while another is
// rejected, so that its benefit gets the number that the other's had.
func TestVisitsAreNotCountedUnderNumbersThatWereForgotten(t *testing.T) {
	t.Parallel()
	var counted tally
	_, disk, address := undecided(t, Origins{any: true}, func(c *Config) { c.Visitors = &counted })
	rejected, rejectedReader := seasoned(t, address)
	waiting, waitingReader := seasoned(t, address)
	post := func(conn net.Conn, benefit string) {
		t.Helper()
		if _, err := io.WriteString(conn, strings.Replace(onePost, "RSA", benefit, 1)); err != nil {
			t.Fatal(err)
		}
		<-disk.added
	}
	post(rejected, "AAH")
	delta := disk.store.Seal()
	post(waiting, "APL")
	delta.Reject(errors.New("no space"))
	told(t, rejectedReader, http.StatusServiceUnavailable)
	disk.store.Seal().Commit()
	told(t, waitingReader, http.StatusOK)
	if got := counted.records.Load(); got != 0 {
		t.Errorf("%d visits count under a number that is another benefit's", got)
	}
	post(waiting, "APL")
	disk.store.Seal().Commit()
	told(t, waitingReader, http.StatusOK)
	if got := counted.records.Load(); got != 1 {
		t.Errorf("%d visits count, want 1", got)
	}
}
