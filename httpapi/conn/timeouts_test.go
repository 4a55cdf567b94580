package conn

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// within changes the timeouts of a server; 0 leaves a long one.
func within(read, write, idle time.Duration) func(*Config) {
	return func(c *Config) {
		for field, timeout := range map[*time.Duration]time.Duration{
			&c.Bounds.ReadTimeout: read, &c.Bounds.WriteTimeout: write, &c.Bounds.IdleTimeout: idle,
		} {
			if timeout > 0 {
				*field = timeout
			}
		}
	}
}

// expectTimedOut requires one connection to be counted, which may be a moment
// after its client has seen it.
func (d *desk) expectTimedOut(t *testing.T) {
	t.Helper()
	eventually(t, "a connection times out", func() bool { return d.timedOut.Load() > 0 })
	if got := d.timedOut.Load(); got != 1 {
		t.Errorf("%d connections timed out, want 1", got)
	}
}

func TestWhatTheClientDoesNotSendInTimeEndsTheConnection(t *testing.T) {
	t.Parallel()
	const short = 300 * time.Millisecond
	for _, test := range []struct {
		name       string
		read, idle time.Duration
		sent       string
		answered   string // statuses
	}{
		{"nothing at all", short, 0, "", "408"},
		{"a part of a header", short, 0, "POST /ben", "408"},
		{"a part of a body", short, 0, postHead + "Content-Length: 9\r\n\r\n[", "408"},
		{"no second request", 0, short, emptyPost, "200"},
		{"a part of a second header", short, short, emptyPost + "POST /ben", "200 408"},
		{"a part of a second body", short, short, emptyPost + postHead + "Content-Length: 9\r\n\r\n[", "200 408"},
		{"a part of a header that is not one of a post", short, short, emptyPost + "GET /x HTTP/1.1\r\nHos", "200 408"},
		{"a part of a header after one that is not of a post", short, short, getNothing + "GET /x HTTP/1.1\r\nHos", "404 408"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			each(t, openWays, func(t *testing.T, way func(*Config)) {
				d := open(t, way, within(test.read, 0, test.idle))
				conn, reader := d.dial(t)
				send(t, conn, test.sent)
				all, err := io.ReadAll(reader)
				if err != nil {
					t.Errorf("the connection is not closed: %v", err)
				}
				var statuses []string
				for _, part := range strings.Split(string(all), "HTTP/1.1 ")[1:] {
					statuses = append(statuses, part[:3])
				}
				if got := strings.Join(statuses, " "); got != test.answered {
					t.Errorf("statuses %s, want %s", got, test.answered)
				}
				d.expectTimedOut(t)
			})
		})
	}
}

// TestAnAnswerDoesNotWaitForTheRestOfTheNextRequest sends one whole post and half
// of a second.
func TestAnAnswerDoesNotWaitForTheRestOfTheNextRequest(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way func(*Config)) {
		d := open(t, way)
		conn, reader := d.dial(t)
		for range 2 {
			ask(t, conn, reader, emptyPost+postHead+"Content-Length: 9\r\n\r\n[", 200)
			ask(t, conn, reader, "        ", 200)
		}
	})
}

// TestNoClientKeepsItsPlaceByNotReading has clients make the server write where
// it reads, which "100 Continue" does, and take nothing of it.
func TestNoClientKeepsItsPlaceByNotReading(t *testing.T) {
	t.Parallel()
	const clients, timeout = 40, 300 * time.Millisecond
	d := open(t, within(timeout, timeout, timeout))
	for client := range clients {
		conn, _ := d.dial(t)
		socketOf(conn).SetReadBuffer(2 << 10)
		go func() {
			for range client { // so that they fill up in different places
				io.WriteString(conn, getNothing)
			}
			for err := error(nil); err == nil; {
				io.WriteString(conn, postHead+"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
				_, err = io.WriteString(conn, "[]")
			}
		}()
	}
	eventually(t, "all connections time out", func() bool { return d.timedOut.Load() >= clients && d.places.count() == 0 })
}

func TestAClientThatHasSentNothingDoesNotHoldUpAStop(t *testing.T) {
	t.Parallel()
	each(t, only("in a loop", "by fasthttp", "in a loop, with TLS"), func(t *testing.T, way func(*Config)) {
		d := open(t, way)
		silent, _ := d.dial(t)
		used, reader := d.seasoned(t)
		eventually(t, "both are accepted", func() bool { return d.places.count() == 2 })
		if err := d.closeListener(); err != nil {
			t.Fatal(err)
		}
		if n, err := silent.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("read %d bytes, %v; want the end", n, err)
		}
		used.SetReadDeadline(time.Now().Add(leastWait))
		if _, err := reader.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the connection that was used: %v, want it open: it is closed when its requests are answered", err)
		}
	})
}
