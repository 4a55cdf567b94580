package httpapi

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"stats-recorder/counters"
)

// TestAReadThatOthersKeepWaitingIsTold has one place for reads, which one holds.
func TestAReadThatOthersKeepWaitingIsTold(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}, 2), make(chan struct{})
	_, address := largeServer(t, counters.NewStore(counters.WhenDurable), 1<<20, func(c *Config) {
		c.Readers, c.ReadPatience = 1, time.Millisecond
		c.Reads = []Read{{Path: "/insight/benefits", Answer: func(Request) (Answer, error) {
			begun <- struct{}{}
			<-release
			return Answer{Body: []byte("{}")}, nil
		}}}
	})
	ask := func() (*http.Response, string) {
		response, err := http.Get("http://" + address + "/insight/benefits")
		if err != nil {
			t.Error(err)
			return &http.Response{}, ""
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response, string(body)
	}
	first := make(chan int)
	go func() {
		response, _ := ask()
		first <- response.StatusCode
	}()
	<-begun
	second, body := ask()
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") == "" || !strings.HasPrefix(body, `{"message":`) {
		t.Errorf("who waits gets %d, %v, %s; want 503 with Retry-After and a message", second.StatusCode, second.Header, body)
	}
	close(release)
	if status := <-first; status != http.StatusOK {
		t.Errorf("who is first gets %d", status)
	}
	if third, _ := ask(); third.StatusCode != http.StatusOK {
		t.Errorf("once the place is free one gets %d", third.StatusCode)
	}
}
