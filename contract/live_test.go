package contract

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"stats-recorder/contract/blackbox"
	"stats-recorder/harness/harnesstest"
	"stats-recorder/service"
)

// listen begins to listen to events.
func listen(t *testing.T, s *blackbox.Server, headers ...string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/insight/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response, bufio.NewScanner(response.Body)
}

// nextEvent is the data of the next event.
func nextEvent(t *testing.T, events *bufio.Scanner) (event map[string]any) {
	t.Helper()
	for events.Scan() {
		if data, is := strings.CutPrefix(events.Text(), "data: "); is {
			if err := json.Unmarshal([]byte(data), &event); err != nil {
				t.Fatal(err)
			}
			return event
		}
	}
	t.Fatalf("there are no more events: %v", events.Err())
	return nil
}

func TestTodayIsToldAsItComesAbout(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	comeAndOpen(t, s, "A", 20, 10)
	response, events := listen(t, s)
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream; charset=utf-8" {
		t.Fatalf("status %d, Content-Type %q", response.StatusCode, got)
	}
	if got := response.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin is %q", got)
	}
	if !events.Scan() || events.Text() != "retry: 5000" {
		t.Errorf("it begins with %q", events.Text())
	}
	event := nextEvent(t, events)
	for name, want := range map[string]any{"records": 30.0, "shown": 20.0, "opened": 10.0, "acted": 0.0, "visitors_today": 20.0} {
		if got := at(t, event, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if last, err := time.Parse(time.RFC3339, fmt.Sprint(event["last_record"])); err != nil || time.Since(last) > time.Minute {
		t.Errorf("last_record is %v (%v), want the time of what just came", event["last_record"], err)
	}
	comeAndOpen(t, s, "B", 10, 0)
	harnesstest.Until(t, "the event tells of the visitors since", func() bool {
		return nextEvent(t, events)["visitors_today"] == 30.0
	})
	head := s.Do(t, http.MethodOptions, "/insight/live", "")
	head.ExpectStatus(t, http.StatusNoContent)
}

func TestListenersEndWhenTheServerStops(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, nil)
	_, events := listen(t, s)
	nextEvent(t, events)
	s.Stop()
	for events.Scan() {
	}
	if err := events.Err(); err != nil {
		t.Errorf("the stream ended with %v, want its end", err)
	}
}

func TestOnlySoManyListen(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.MaxLive = 1 })
	first, events := listen(t, s)
	nextEvent(t, events)
	second, _ := listen(t, s)
	if body, err := io.ReadAll(second.Body); err != nil || second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") != "5" {
		t.Errorf("the second gets %d %s, %v", second.StatusCode, body, err)
	}
	first.Body.Close()
	harnesstest.Until(t, "there is room for another", func() bool {
		next, _ := listen(t, s)
		return next.StatusCode == http.StatusOK
	})
}

func TestListenersShowTheToken(t *testing.T) {
	t.Parallel()
	s := blackbox.StartServer(t, func(c *service.Config) { c.ReadToken = "open sesame" })
	if refused, _ := listen(t, s); refused.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token it is %d", refused.StatusCode)
	}
	_, events := listen(t, s, "Authorization", "Bearer open sesame")
	nextEvent(t, events)
}

func letsOneListen(t *testing.T, p *blackbox.Program) {
	_, events := listen(t, p.Server)
	nextEvent(t, events)
	if second, _ := listen(t, p.Server); second.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the second gets %d", second.StatusCode)
	}
}
