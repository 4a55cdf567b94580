package httpapi

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
)

// TestAListenerIsToldThatItIsThereAndSentAwayInTheEnd listens to a server whose hour is short.
func TestAListenerIsToldThatItIsThereAndSentAwayInTheEnd(t *testing.T) {
	t.Parallel()
	server, address := largeServer(t, counters.NewStore(counters.WhenDurable), 1<<20, func(c *Config) {
		c.Live = &Live{
			Event: func(time.Time) ([]byte, error) { return []byte(`{"records":1}`), nil }, Clients: 1,
			Interval: time.Millisecond, Comment: 2 * time.Millisecond, Longest: 50 * time.Millisecond,
		}
	})
	for range 3 { // the place of one who was sent away is free
		response, err := http.Get("http://" + address + pathLive)
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(response.Body) // to the end, which comes by itself
		response.Body.Close()
		if err != nil {
			t.Fatalf("the stream ended with %v, want its end", err)
		}
		events, comments := 0, 0
		for lines := bufio.NewScanner(strings.NewReader(string(all))); lines.Scan(); {
			switch {
			case lines.Text() == `data: {"records":1}`:
				events++
			case strings.HasPrefix(lines.Text(), ":"):
				comments++
			}
		}
		if events < 2 || comments < 1 || comments >= events {
			t.Errorf("%d events and %d comments came in %q", events, comments, all)
		}
	}
	if listening := server.live.listening.Load(); listening != 0 {
		t.Errorf("%d listen still", listening)
	}
}

// TestAHeadOfTheEventsHoldsNoPlace asks for it more often than clients may listen.
func TestAHeadOfTheEventsHoldsNoPlace(t *testing.T) {
	t.Parallel()
	_, address := largeServer(t, counters.NewStore(counters.WhenDurable), 1<<20, func(c *Config) {
		c.Live = &Live{Event: func(time.Time) ([]byte, error) { return nil, nil }, Clients: 1}
	})
	for range 3 {
		response, err := http.Head("http://" + address + pathLive)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || len(body) > 0 || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
			t.Errorf("HEAD answers %d, %v, %q; %v", response.StatusCode, response.Header, body, err)
		}
	}
}

// TestThePlaceOfAListenerThatLeavesIsFreeAtOnce has events so rare that no write can tell.
func TestThePlaceOfAListenerThatLeavesIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	server, address := largeServer(t, counters.NewStore(counters.WhenDurable), 1<<20, func(c *Config) {
		c.Live = &Live{Event: func(time.Time) ([]byte, error) { return []byte(`{}`), nil }, Clients: 1, Interval: time.Hour}
	})
	for range 3 {
		response, err := http.Get("http://" + address + pathLive)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			t.Fatalf("status %d", response.StatusCode)
		}
		response.Body.Close()
		for deadline := time.Now().Add(20 * time.Second); server.live.listening.Load() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("who left has a place still")
			}
		}
	}
}
