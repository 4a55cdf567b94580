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
	name string
	size func(*rand.Rand) int // benefits on a page
}

func traffics() []traffic {
	return []traffic{
		{"batches of 30", func(*rand.Rand) int { return 30 }},
		{"pages", func(random *rand.Rand) int { return 1 + random.IntN(60) }},
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

// A loading is connections that post as fast as answers come.
type loading struct {
	records atomic.Int64 // acknowledged
	stop    context.CancelFunc
	ended   sync.WaitGroup
	failed  atomic.Pointer[error]
}

func startLoading(ctx context.Context, address string, connections int, posts []post) *loading {
	ctx, stop := context.WithCancel(ctx)
	l := &loading{stop: stop}
	for i := range connections {
		l.ended.Go(func() {
			if err := l.drive(ctx, address, posts, i*len(posts)/connections); err != nil && ctx.Err() == nil {
				l.failed.Store(&err)
			}
		})
	}
	return l
}

func (l *loading) drive(ctx context.Context, address string, posts []post, next int) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	answers := bufio.NewReader(connection)
	for ; ctx.Err() == nil; next++ {
		one := posts[next%len(posts)]
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
	return nil
}

// end ends the load.
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
