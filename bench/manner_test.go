package main

import (
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync"
	"testing"
	"time"
)

// visited is a server that acknowledges everything and knows its visitors.
type visited struct {
	mutex   sync.Mutex
	posts   map[string]int // by the client's address and port
	reads   int
	address *url.URL
}

func newVisited(t *testing.T) *visited {
	t.Helper()
	v := &visited{posts: map[string]int{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that has gone fails its own test
		v.mutex.Lock()
		defer v.mutex.Unlock()
		if r.Method == http.MethodGet {
			v.reads++
		} else {
			v.posts[r.RemoteAddr]++
		}
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	v.address = address
	return v
}

// load puts the server under load of one client until it had a number of answers.
func (v *visited) load(t *testing.T, use manner, requests int64) *walk {
	t.Helper()
	way := &walk{traffic: mustBuild(t, testShape())}
	target := &httpTarget{base: v.address}
	one, err := target.connect(t.Context(), way, use)
	if err != nil {
		t.Fatal(err)
	}
	defer one.close()
	load, err := runLoad(t.Context(), []client{one}, phase{duration: time.Minute, depth: 1, limit: requests})
	if err != nil || load.requests != requests {
		t.Fatalf("%+v, %v", load, err)
	}
	return way
}

func TestAConnectionHasAsManyPostsAsItIsTold(t *testing.T) {
	for _, use := range []manner{{Posts: 1}, {Posts: 3}} {
		server := newVisited(t)
		server.load(t, use, 12)
		if want := 12 / use.Posts; len(server.posts) != want {
			t.Errorf("%+v: %d connections, want %d", use, len(server.posts), want)
		}
		addresses := map[string]bool{}
		for visitor, posts := range server.posts {
			if posts != use.Posts {
				t.Errorf("%+v: a connection has %d posts", use, posts)
			}
			host, _, _ := net.SplitHostPort(visitor)
			addresses[host] = true
		}
		if runtime.GOOS == "linux" && len(addresses) != len(server.posts) {
			t.Errorf("%+v: %d connections come from %d addresses", use, len(server.posts), len(addresses))
		}
	}
}

func TestReadsAreAmongThePostsOfAConnection(t *testing.T) {
	server := newVisited(t)
	way := server.load(t, manner{Reads: 10}, 200)
	if len(server.posts) != 1 || server.reads < 19 || server.reads > 20 || int64(server.reads)+way.sent != 200 {
		t.Errorf("%d connections, %d reads, %d posts acknowledged", len(server.posts), server.reads, way.sent)
	}
}

func TestReadsAreSpreadOverConnections(t *testing.T) {
	const connections, requests, percent = 64, 10_000, 1
	traffic := mustBuild(t, testShape())
	firsts := map[int]bool{}
	for _, way := range newWalks(traffic, connections) {
		mixer := newReadMixer(way, percent)
		reads, first := 0, 0
		for number := range requests {
			if mixer.isNext() {
				if reads++; reads == 1 {
					first = number
				}
			}
		}
		if math.Abs(float64(reads-requests*percent/100)) > 1 {
			t.Errorf("%d reads of %d requests", reads, requests)
		}
		firsts[first] = true
	}
	if len(firsts) < connections/2 {
		t.Errorf("%d connections read first at %d different requests", connections, len(firsts))
	}
}
