package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A traffic is what clients post.
type traffic struct {
	name string               // for -batch
	size func(*rand.Rand) int // benefits on a page
}

func traffics() []traffic {
	return []traffic{
		{"30", func(*rand.Rand) int { return 30 }},
		{"page", func(random *rand.Rand) int { return 1 + random.IntN(60) }},
	}
}

// A post is a request and how many records it has.
type post struct {
	request []byte
	records int
}

// posts are some requests, the same each time.
func (t traffic) posts() []post {
	const count, benefits = 4000, 600
	random := rand.New(rand.NewPCG(1, 2))
	list := make([]post, count)
	for i := range list {
		size := t.size(random)
		var body strings.Builder
		for at, benefit := range random.Perm(benefits)[:size] {
			fmt.Fprintf(&body, `%c{"benefit_id":"benefit-%d","hash_id":"x","benefit_index":%d,"page_total":%d}`, "[,"[min(at, 1)], benefit, at+1, size)
		}
		body.WriteByte(']')
		list[i] = post{records: size, request: fmt.Appendf(nil,
			"POST /benefits HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", body.Len(), body.String())}
	}
	return list
}

// A loading is connections over which posts go at a rate, whether answers have come or not.
type loading struct {
	plan
	address string
	began   time.Time
	posts   []post
	records atomic.Int64 // acknowledged
	stop    context.CancelFunc
	ended   sync.WaitGroup
	failed  atomic.Pointer[error]
}

func startLoading(ctx context.Context, p plan, address string, posts []post) *loading {
	ctx, stop := context.WithCancel(ctx)
	l := &loading{plan: p, address: address, began: time.Now(), posts: posts, stop: stop}
	for i := range p.connections {
		l.ended.Go(func() {
			if err := l.drive(ctx, i); err != nil {
				l.failed.Store(&err)
			}
		})
	}
	return l
}

// drive makes every so many-th post over one connection, when its time has come.
func (l *loading) drive(ctx context.Context, which int) error {
	connection, err := net.Dial("tcp", l.address)
	if err != nil {
		return err
	}
	defer connection.Close()
	answers := bufio.NewReader(connection)
	for next := which; ; next += l.connections {
		rest(ctx, time.Until(l.began.Add(time.Duration(next)*time.Second/time.Duration(l.rate))))
		if ctx.Err() != nil {
			return nil
		}
		one := l.posts[next%len(l.posts)]
		if _, err := connection.Write(one.request); err != nil {
			return err
		}
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("a post was answered %s", response.Status)
		}
		l.records.Add(int64(one.records))
	}
}

// end ends the load, once all posts have their answers.
func (l *loading) end() error {
	l.stop()
	l.ended.Wait()
	if failed := l.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// rest waits, unless the context ends first.
func rest(ctx context.Context, how time.Duration) {
	select {
	case <-time.After(how):
	case <-ctx.Done():
	}
}
