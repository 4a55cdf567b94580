package httpapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/valyala/fasthttp"

	"stats-recorder/counters"
	"stats-recorder/httpapi/conn"
	"stats-recorder/visitors"
)

// tally counts the records that visits are counted by.
type tally struct {
	records atomic.Int64
	most    atomic.Int64 // at once
}

func (v *tally) Add(batch *visitors.Batch) {
	n := int64(batch.Len())
	v.records.Add(n)
	if n > v.most.Load() {
		v.most.Store(n)
	}
}

// sendPost sends a post and returns when its records are in the store.
func sendPost(t *testing.T, disk *brokenDisk, conn net.Conn, request string) {
	t.Helper()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	<-disk.added
}

// TestVisitsAreNotCountedUnderNumbersThatWereForgotten has a record wait while another is
// rejected, so that its benefit gets the number that the other's had.
func TestVisitsAreNotCountedUnderNumbersThatWereForgotten(t *testing.T) {
	t.Parallel()
	var counted tally
	_, disk, address := undecided(t, Origins{any: true}, func(c *Config) { c.Visitors = &counted })
	rejected, rejectedReader := seasoned(t, address)
	waiting, waitingReader := seasoned(t, address)
	sendPost(t, disk, rejected, strings.Replace(onePost, "RSA", "AAH", 1))
	delta := disk.store.Seal()
	sendPost(t, disk, waiting, strings.Replace(onePost, "RSA", "APL", 1))
	delta.Reject(errors.New("no space"))
	told(t, rejectedReader, http.StatusServiceUnavailable)
	sendPost(t, disk, waiting, strings.Replace(onePost, "RSA", "APL", 1)) // in the same commit, by the number of now
	disk.store.Seal().Commit()
	told(t, waitingReader, http.StatusOK)
	told(t, waitingReader, http.StatusOK)
	if got := counted.records.Load(); got != 1 {
		t.Errorf("%d visits count, want that of the post after the rejection alone", got)
	}
}

// anotherLog acknowledges what is durable when the test says so.
type anotherLog struct {
	Recorder
	tickets chan *counters.Ticket
}

func (l *anotherLog) Record(batch *counters.Batch) (*counters.Ticket, error) {
	durable, err := l.Recorder.Record(batch)
	ticket := counters.NewTicket(durable)
	l.tickets <- ticket
	return ticket, err
}

// TestVisitsCountThatAreDurableWhenOthersAreRejected has a record's answer come after that
// record is durable, and another rejected.
func TestVisitsCountThatAreDurableWhenOthersAreRejected(t *testing.T) {
	t.Parallel()
	var counted tally
	log := &anotherLog{tickets: make(chan *counters.Ticket, 2)}
	_, disk, address := undecided(t, Origins{any: true}, func(c *Config) {
		c.Visitors, log.Recorder, c.Recorder = &counted, c.Recorder, log
	})
	recorded, recordedReader := seasoned(t, address)
	rejected, rejectedReader := seasoned(t, address)
	sendPost(t, disk, recorded, onePost)
	disk.store.Seal().Commit()
	sendPost(t, disk, rejected, strings.Replace(onePost, "RSA", "AAH", 1))
	disk.store.Seal().Reject(errors.New("no space"))
	(<-log.tickets).Settle(nil)
	(<-log.tickets).Settle(errors.New("no space"))
	told(t, recordedReader, http.StatusOK)
	told(t, rejectedReader, http.StatusServiceUnavailable)
	if got := counted.records.Load(); got != 1 {
		t.Errorf("%d visits count, want that of the record that is durable", got)
	}
}

// TestVisitsWaitForTheCommitOfTheirOwnPost has a post come while the commit of another one
// is not decided.
func TestVisitsWaitForTheCommitOfTheirOwnPost(t *testing.T) {
	t.Parallel()
	var counted tally
	_, disk, address := undecided(t, Origins{any: true}, func(c *Config) { c.Visitors = &counted })
	conn, reader := seasoned(t, address)
	for recorded := range int64(10) {
		sendPost(t, disk, conn, onePost)
		delta := disk.store.Seal()
		sendPost(t, disk, conn, onePost)
		delta.Commit()
		told(t, reader, http.StatusOK)
		if got := counted.records.Load(); got != recorded+1 {
			t.Fatalf("%d visits count of %d posts that are recorded", got, recorded+1)
		}
		disk.store.Seal().Reject(errors.New("no space"))
		told(t, reader, http.StatusServiceUnavailable)
	}
}

func TestTheVisitsOfALargeCommitAreCountedInParts(t *testing.T) {
	t.Parallel()
	var counted tally
	_, disk, address := undecided(t, Origins{any: true}, func(c *Config) { c.Visitors = &counted })
	const records, posts = 1000, 2 * (mostGathered/1000 + 2)
	one := onePost[strings.Index(onePost, "{"):]
	body := "[" + strings.Repeat(one+",", records-1) + one + "]"
	var conns [posts]net.Conn
	var readers [posts]*bufio.Reader
	for i := range posts {
		conns[i], readers[i] = seasoned(t, address)
	}
	for _, conn := range conns {
		sendPost(t, disk, conn, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", postHead, len(body), body))
	}
	disk.store.Seal().Commit()
	for _, reader := range readers {
		told(t, reader, http.StatusOK)
	}
	if got := counted.records.Load(); got != records*posts {
		t.Errorf("%d visits count, want %d", got, records*posts)
	}
	if most := counted.most.Load(); most > mostGathered {
		t.Errorf("%d visits are counted at once, want at most %d", most, mostGathered)
	}
}

// fickleVisitors panic at first, and then count.
type fickleVisitors struct {
	panics int
	tally
}

func (v *fickleVisitors) Add(batch *visitors.Batch) {
	if v.panics--; v.panics >= 0 {
		panic("no visitors today")
	}
	v.tally.Add(batch)
}

func TestAPanicWhileVisitorsAreCountedStopsNoOtherPost(t *testing.T) {
	t.Parallel()
	counted := &fickleVisitors{panics: 1}
	server := stubServer(t, new(fickleRecorder), slog.DiscardHandler, func(c *Config) { c.Visitors = counted })
	for _, want := range []int{http.StatusInternalServerError, http.StatusOK} {
		ctx := new(fasthttp.RequestCtx)
		ctx.Request.Header.SetMethod(http.MethodPost)
		ctx.Request.SetRequestURI("/benefits")
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.SetBodyString(onePost[strings.Index(onePost, "\r\n\r\n")+4:])
		server.handle(conn.Detached(ctx))
		if got := ctx.Response.StatusCode(); got != want {
			t.Fatalf("status %d, want %d: %s", got, want, ctx.Response.Body())
		}
	}
	if got := counted.records.Load(); got != 1 {
		t.Errorf("%d visits are counted, want those of the second post, 1", got)
	}
}

// TestTheVisitsOfEachPostThatIsRecordedAreCountedOnce has posts share commits, one of three
// of which the disk rejects.
func TestTheVisitsOfEachPostThatIsRecordedAreCountedOnce(t *testing.T) {
	t.Parallel()
	var counted tally
	_, disk, address := undecided(t, Origins{any: true}, func(c *Config) { c.Visitors = &counted })
	first, firstReader := seasoned(t, address)
	if _, err := io.WriteString(first, onePost); err != nil {
		t.Fatal(err)
	}
	disk.settle(1, nil) // the benefit has its number from now on
	told(t, firstReader, http.StatusOK)
	if got := counted.records.Load(); got != 1 {
		t.Errorf("%d visits are counted when the post is answered, want 1", got)
	}
	done := make(chan struct{})
	var settling, posting sync.WaitGroup
	settling.Go(func() {
		for commits := 0; ; {
			select {
			case <-done:
				return
			case <-disk.added:
			}
			delta := disk.store.Seal()
			switch {
			case delta == nil: // the last one had this post too
				continue
			case commits%3 == 2:
				delta.Reject(errors.New("no space"))
			default:
				delta.Commit()
			}
			commits++
		}
	})
	const connections, posts = 8, 100
	var recorded atomic.Int64
	for range connections {
		conn, reader := seasoned(t, address)
		posting.Go(func() {
			for range posts {
				if _, err := io.WriteString(conn, onePost); err != nil {
					t.Error(err)
					return
				}
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				if response.StatusCode == http.StatusOK {
					recorded.Add(1)
				}
			}
		})
	}
	posting.Wait()
	close(done)
	settling.Wait()
	if got, want := counted.records.Load(), recorded.Load()+1; got != want {
		t.Errorf("%d visits are counted, want %d of %d posts", got, want, connections*posts+1)
	}
	if n := recorded.Load(); n == 0 || n == connections*posts {
		t.Errorf("%d of %d posts were recorded: the test says nothing", n, connections*posts)
	}
}
