package conn

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestEachAnswerTellsWhatItWaitedFor has several commits decided before a loop looks, of which
// some failed: none of their answers may be that of another one.
func TestEachAnswerTellsWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	each(t, loopWays, func(t *testing.T, way func(*Config)) {
		full := errors.New("no space")
		decided := []error{full, nil, nil, full, nil}
		var commits []*decision
		for range decided {
			commits = append(commits, undecided())
		}
		d := open(t, way, func(c *Config) {
			c.Handler = func(x *Exchange) { x.Await(commits[len(x.Request.Body())-2], accepted{}) }
		})
		conn, reader := d.dial(t)
		posts, bodies := "", []string{"[]", "[]", "[ ]", "[  ]", "[  ]", "[   ]", "[    ]"}
		for _, body := range bodies {
			posts += strings.Replace(emptyPost, "2\r\n\r\n[]", string(rune('0'+len(body)))+"\r\n\r\n"+body, 1)
		}
		send(t, conn, posts)
		eventually(t, "all wait", func() bool { return d.handled.Load() == int64(len(bodies)) })
		for _, l := range d.loops.running() { // while a loop does this, it answers nobody
			if l.count.Load() > 0 {
				l.post(func() {
					for i, commit := range commits {
						commit.make(decided[i])
					}
				})
			}
		}
		for _, body := range bodies {
			status := http.StatusOK
			if decided[len(body)-2] != nil {
				status = http.StatusServiceUnavailable
			}
			told(t, reader, status)
		}
	})
}

// TestARequestHasComeAfterItWasSent has a client wait between requests: the time of one turn of
// a loop must not be that of the next.
func TestARequestHasComeAfterItWasSent(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		came := make(chan time.Time, 1)
		d := open(t, way, func(c *Config) { c.Handler = func(x *Exchange) { came <- x.Came() } })
		conn, reader := d.dial(t)
		for range 3 {
			sent := time.Now()
			ask(t, conn, reader, emptyPost, http.StatusOK)
			if at := <-came; at.Before(sent) || at.After(time.Now()) {
				t.Errorf("a request that was sent at %s came at %s", sent, at)
			}
			time.Sleep(time.Millisecond)
		}
	})
}
