package httpapi

import (
	"bufio"
	"cmp"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"stats-recorder/httpapi/conn"
)

// pathLive is where events are sent as they come about (Server-Sent Events, HTML Living
// Standard 9.2).
const pathLive = "/insight/live"

const (
	liveInterval = 2 * time.Second
	liveComment  = 15 * time.Second
	liveTime     = time.Hour
	liveRetry    = "retry: 5000\n\n"
)

// Live sends the same events to all who listen.
type Live struct {
	// Event is the JSON of an event at a time. It is called once each interval for each
	// client.
	Event func(now time.Time) ([]byte, error)
	// Clients is how many may listen at a time.
	Clients int
	// Interval is between two events, Comment how long there is no comment at most but for
	// an interval, and Longest how long a client may listen; 0 for 2 s, 15 s and an hour.
	Interval, Comment, Longest time.Duration
}

func (l Live) withDefaults() Live {
	l.Interval = cmp.Or(l.Interval, liveInterval)
	l.Comment = cmp.Or(l.Comment, liveComment)
	l.Longest = cmp.Or(l.Longest, liveTime)
	return l
}

// live is a Live at work.
type live struct {
	Live
	listening atomic.Int64
}

// streamed says whether a request is for events.
func (s *Server) streamed(header *fasthttp.RequestHeader) bool {
	if s.live == nil || !header.IsGet() {
		return false
	}
	number, found := s.endpoint(withoutQuery(header.RequestURI()))
	return found && s.endpoints[number].path == pathLive
}

// getLive answers with events, to as many clients as may listen. It holds no place of
// those who read.
func (s *Server) getLive(x *conn.Exchange) {
	if !s.admits(x, AccessByBrowser, requestOf(x).Query) {
		s.metrics.defence.unauthorized.Add(1)
		x.Response.Header.Set(fasthttp.HeaderWWWAuthenticate, AccessByBrowser.challenge())
		s.refuse(x, errUnauthorized)
		return
	}
	header := &x.Response.Header
	header.SetContentType("text/event-stream; charset=utf-8")
	header.Set(fasthttp.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // or nginx keeps events back
	if x.IsHead() {
		return
	}
	if s.live.listening.Add(1) > int64(s.live.Clients) {
		s.live.listening.Add(-1)
		s.metrics.defence.busy.Add(1)
		s.refuse(x, errBusy)
		return
	}
	x.Last(func(w *bufio.Writer, left, stopped <-chan struct{}) {
		defer s.live.listening.Add(-1)
		s.live.send(w, left, stopped, s.config.Now)
	})
}

// send sends events until the client is gone, the server stops, or the time is over.
func (l *live) send(w *bufio.Writer, left, stopped <-chan struct{}, now func() time.Time) {
	ticker := time.NewTicker(l.Interval)
	defer ticker.Stop()
	end := time.NewTimer(l.Longest)
	defer end.Stop()
	_, _ = w.WriteString(liveRetry)
	for commented := time.Now(); ; {
		if l.writeEvent(w, now()) != nil {
			return
		}
		if time.Since(commented) >= l.Comment {
			commented = time.Now()
			_, _ = w.WriteString(": still here\n\n")
		}
		if w.Flush() != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-end.C:
			return
		case <-left:
			return
		case <-stopped:
			return
		}
	}
}

// writeEvent writes an event; none if there is nothing that can be told now.
func (l *live) writeEvent(w *bufio.Writer, now time.Time) error {
	event, err := l.Event(now)
	if err != nil {
		event = nil
	}
	if event == nil {
		return nil
	}
	_, _ = w.WriteString("data: ")
	_, _ = w.Write(event)
	_, err = w.WriteString("\n\n")
	return err
}
